// SPDX-License-Identifier: Apache-2.0
// Numbers of two bytes made float32.
#include "mace/base/expand.h"

#include <cstring>

#include "mace/base/half.h"
#include "mace/base/isa.h"

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

namespace mace {

namespace {

#if defined(__x86_64__)
// The first multiple of 8 of them; returns how many.
__attribute__((target("avx,f16c"))) size_t ExpandVectors(const uint16_t *halves, size_t count,
                                                         float *floats) {
  if ((SupportedIsas() & kIsaAvx2) == 0) return 0;
  size_t i = 0;
  for (; i + 8 <= count; i += 8) {
    const __m128i eight = _mm_loadu_si128(reinterpret_cast<const __m128i *>(halves + i));
    _mm256_storeu_ps(floats + i, _mm256_cvtph_ps(eight));
  }
  return i;
}
#elif defined(__aarch64__)
size_t ExpandVectors(const uint16_t *halves, size_t count, float *floats) {
  if ((SupportedIsas() & kIsaNeon) == 0) return 0;
  size_t i = 0;
  for (; i + 4 <= count; i += 4) {
    vst1q_f32(floats + i, vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(halves + i))));
  }
  return i;
}
#else
size_t ExpandVectors(const uint16_t *, size_t, float *) { return 0; }
#endif

}  // namespace

void ExpandHalf(const uint16_t *halves, size_t count, float *floats) {
  for (size_t i = ExpandVectors(halves, count, floats); i < count; ++i) {
    floats[i] = HalfToFloat(halves[i]);
  }
}

void ExpandBfloat16(const uint16_t *numbers, size_t count, float *floats) {
  for (size_t i = 0; i < count; ++i) {
    const uint32_t bits = static_cast<uint32_t>(numbers[i]) << 16;
    std::memcpy(floats + i, &bits, sizeof(bits));
  }
}

}  // namespace mace
