// SPDX-License-Identifier: Apache-2.0
// Each target has the CPU, the C++ and the instruction sets that the build promises.
#include <cstdint>
#include <string>

#include "gtest/gtest.h"
#include "test/build/isa.h"

namespace mace {
namespace {

TEST(Toolchain, IsCpp17WithoutAssertions) {
  EXPECT_EQ(__cplusplus, 201703L);
#if defined(NDEBUG) || !defined(__OPTIMIZE__)
  SUCCEED();
#else
  FAIL() << "an optimized build without -DNDEBUG";
#endif
}

#if defined(__x86_64__)
TEST(Isa, X86) {
  EXPECT_STREQ(Compiled_sse4(), "sse4 hwy:16");
  EXPECT_STREQ(Compiled_avx2(), "sse4 avx2 fma f16c hwy:32");
  EXPECT_STREQ(Compiled_avx512(), "sse4 avx2 fma f16c avx512 hwy:64");
  EXPECT_STREQ(Compiled_avxvnni(), "sse4 avx2 fma f16c avxvnni hwy:32");
  EXPECT_STREQ(Compiled_avx512vnni(), "sse4 avx2 fma f16c avx512 avx512vnni hwy:64");
}

TEST(Isa, BaselineIsPlainX86) {
#ifdef __SSE4_1__
  FAIL() << "a library compiled so does not run on every x86_64 CPU";
#endif
}
#elif defined(__aarch64__)
TEST(Isa, Arm64) {
  EXPECT_STREQ(Compiled_neon(), "neon hwy:16");
  EXPECT_STREQ(Compiled_neondot(), "neon neondot hwy:16");
  EXPECT_STREQ(Compiled_neonfp16(), "neon neonfp16 hwy:16");
  EXPECT_STREQ(Compiled_neoni8mm(), "neon neondot neoni8mm hwy:16");
}
#elif defined(__arm__)
TEST(Isa, Armv7) {
  EXPECT_STREQ(Compiled_neon(), "neon hwy:16");
  EXPECT_EQ(sizeof(void *), 4u);
#if !defined(__thumb__) || !defined(__ARM_PCS_VFP)
  FAIL() << "armeabi-v7a is Thumb with floating point arguments in registers";
#endif
}

TEST(Isa, Armv7KnowsHalf) {
  const __fp16 half = static_cast<__fp16>(0.333f);
  uint16_t bits = 0;
  __builtin_memcpy(&bits, &half, sizeof(bits));
  EXPECT_EQ(bits, 0x3554);  // IEEE format: 1.0101010100 * 2^-2
}
#endif

}  // namespace
}  // namespace mace
