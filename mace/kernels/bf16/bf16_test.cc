// SPDX-License-Identifier: Apache-2.0
// Every kernel of bfloat16 products that this machine can run, at all remainders of its tile, in
// buffers of exactly the right size, against sums in double of the rounded factors; and how far
// they are from products of factors that are not rounded.
#include <cmath>
#include <cstring>
#include <limits>

#include "gtest/gtest.h"
#include "mace/kernels/bf16/bf16_gemm.h"
#include "mace/kernels/gemm/gemm_test_util.h"

namespace mace {
namespace kernels {
namespace {

// Both factors are off by 2^-8 of themselves at most, sums by much less.
constexpr double kRounding = 1.0 / 128 + 1.0 / 32768;

float Rounded(float value) {
  const uint32_t bits = static_cast<uint32_t>(FloatToBf16(value)) << 16;
  float result;
  std::memcpy(&result, &bits, sizeof(result));
  return result;
}

const GemmRounding kBf16 = {Rounded, kRounding};

// The kernels that the machine has and the system allows.
template <typename Test>
void ForEachPermitted(Test test) {
  ForEachKernel(Bf16GemmKernels(), [&](const Bf16GemmKernel &kernel) {
    if (PermitBf16(kernel)) test(kernel);
  });
}

TEST(Bf16Test, AllRemaindersOfTwoTiles) {
  GemmChecker checker(kBf16);
  ForEachPermitted([&](const Bf16GemmKernel &kernel) {
    GemmProblem p;
    for (p.m = 1; p.m <= 2 * kernel.rows; ++p.m) {
      for (p.n = 1; p.n <= 2 * kernel.columns; p.n += 1 + p.m % 3) {
        p.k = 1 + (p.m * 5 + p.n * 3) % 40;
        p.residual = p.n % 2 == 0;
        checker.Check(kernel, p);
        if (testing::Test::HasFatalFailure()) return;
      }
    }
  });
}

TEST(Bf16Test, AllLengthsOfK) {
  GemmChecker checker(kBf16);
  ForEachPermitted([&](const Bf16GemmKernel &kernel) {
    GemmProblem p;
    for (int64_t m : {1, 5, 2 * kernel.rows + 1}) {
      for (int64_t k = 1; k < 140; ++k) {
        p.m = m;
        p.n = 1 + k * 7 % (2 * kernel.columns);
        p.k = k;
        p.transposed = k % 2 == 1;
        checker.Check(kernel, p);
        if (testing::Test::HasFatalFailure()) return;
      }
    }
  });
}

TEST(Bf16Test, TapsAndLines) {
  GemmChecker checker(kBf16);
  ForEachPermitted([&](const Bf16GemmKernel &kernel) {
    ForTapsAndLines(kernel, {1, 3, 9, 12, 16, 17, 30, 31, 32, 33, 48, 64, 70},
                    [&](const GemmProblem &p) { checker.Check(kernel, p); });
  });
}

// More rows than a block has, and so long a k that a block is one tile.
TEST(Bf16Test, Blocks) {
  GemmChecker checker(kBf16);
  ForEachPermitted([&](const Bf16GemmKernel &kernel) {
    GemmProblem p;
    p.m = 131;
    p.lines = 4;
    p.n = 19;
    p.k = 20;
    p.low = 0;
    checker.Check(kernel, p);
    p.m = 37;
    p.lines = 1;
    p.k = 4200;
    p.high = 1.5f;
    p.residual = true;
    checker.Check(kernel, p);
  });
}

TEST(Bf16Test, PanelRange) { ForEachPermitted(CheckPanelRange); }

TEST(Bf16Test, NanPassesThroughTheClamp) { ForEachPermitted(CheckNanPassesThroughTheClamp); }

TEST(Bf16Test, Rounding) {
  EXPECT_EQ(FloatToBf16(1.0f), 0x3f80);
  EXPECT_EQ(FloatToBf16(1.00390625f), 0x3f80);  // a tie, to even
  EXPECT_EQ(FloatToBf16(1.01171875f), 0x3f82);
  EXPECT_EQ(FloatToBf16(-kInf), 0xff80);
  EXPECT_EQ(FloatToBf16(std::numeric_limits<float>::max()), 0x7f80);
  EXPECT_TRUE(std::isnan(Rounded(std::numeric_limits<float>::quiet_NaN())));
}

TEST(Bf16Test, ListIsBestFirst) {
  for (const Bf16GemmKernel &kernel : Bf16GemmKernels()) {
    EXPECT_EQ(&Bf16GemmKernels().Best(kernel.isa | kIsaReference), &kernel);
    EXPECT_EQ(kernel.columns, kernel.lanes);
    EXPECT_EQ(kernel.depth % kernel.group, 0);
  }
  const Bf16GemmKernel *best = BestBf16Gemm();
  if (best == nullptr) return;
  EXPECT_NE(best->isa, kIsaReference);
  EXPECT_NE(best->isa & SupportedIsas(), 0u);
}

}  // namespace
}  // namespace kernels
}  // namespace mace
