// SPDX-License-Identifier: Apache-2.0
// Every GEMM kernel that this machine can run, at all remainders of its tile, in buffers of exactly
// the right size, against sums in double.
#include <algorithm>
#include <vector>

#include "gtest/gtest.h"
#include "mace/kernels/gemm/gemm_test_util.h"

namespace mace {
namespace kernels {
namespace {

// With and without scratch.
void CheckBoth(GemmChecker *checker, const GemmKernel &kernel, GemmProblem p) {
  p.scratch = false;
  checker->Check(kernel, p);
  if (kernel.block == nullptr || testing::Test::HasFatalFailure()) return;
  p.scratch = true;
  checker->Check(kernel, p);
}

TEST(GemmTest, AllRemaindersOfTwoTiles) {
  GemmChecker checker;
  ForEachKernel(GemmKernels(), [&](const GemmKernel &kernel) {
    GemmProblem p;
    for (p.m = 1; p.m <= 2 * kernel.rows; ++p.m) {
      for (p.n = 1; p.n <= 2 * kernel.columns; ++p.n) {
        p.k = 1 + (p.m * 5 + p.n * 3) % 9;
        p.residual = p.n % 2 == 0;
        CheckBoth(&checker, kernel, p);
        if (testing::Test::HasFatalFailure()) return;
      }
    }
  });
}

TEST(GemmTest, AllLengthsOfK) {
  GemmChecker checker;
  ForEachKernel(GemmKernels(), [&](const GemmKernel &kernel) {
    GemmProblem p;
    const int64_t ns[] = {1, kernel.lanes, kernel.columns - 1, kernel.columns};
    for (int64_t m : {1, 2, kernel.rows}) {
      for (int64_t n : ns) {
        for (int64_t k : {1, 2, 3, 4, 5, 7, 8, 63, 64, 65, 131}) {
          p.m = m;
          p.n = n > 0 ? n : 1;
          p.k = k;
          p.transposed = k % 2 == 1;
          CheckBoth(&checker, kernel, p);
          if (testing::Test::HasFatalFailure()) return;
        }
      }
    }
  });
}

TEST(GemmTest, TapsAndLines) {
  GemmChecker checker;
  ForEachKernel(GemmKernels(), [&](const GemmKernel &kernel) {
    ForTapsAndLines(kernel, {1, 9, 12, 30},
                    [&](const GemmProblem &p) { CheckBoth(&checker, kernel, p); });
  });
}

TEST(GemmTest, Clamp) {
  GemmChecker checker;
  ForEachKernel(GemmKernels(), [&](const GemmKernel &kernel) {
    GemmProblem p;
    p.m = kernel.rows + 1;
    p.n = kernel.columns + 3;
    p.k = 20;
    p.residual = true;
    p.low = 0;
    CheckBoth(&checker, kernel, p);
    p.high = 1.5f;
    CheckBoth(&checker, kernel, p);
  });
}

// Blocks repeat their last row where there are too few.
TEST(GemmTest, ResidualsInPlace) {
  GemmChecker checker;
  ForEachKernel(GemmKernels(), [&](const GemmKernel &kernel) {
    GemmProblem p;
    p.residual = p.in_place = true;
    p.n = 3 * kernel.columns + 1;
    for (p.m = 1; p.m <= 2 * kernel.rows; ++p.m) {
      for (const float low : {-kInf, 0.0f}) {
        for (const float high : {kInf, 1.5f}) {
          for (const int64_t k : {5, 20, 67}) {
            p.k = k;
            p.part = k == 67 ? 32 : 0;
            p.lines = 1 + k % 2;
            p.low = low;
            p.high = high;
            CheckBoth(&checker, kernel, p);
            if (testing::Test::HasFatalFailure()) return;
          }
        }
      }
    }
  });
}

// B larger than the cache: panels outside, with prefetch.
TEST(GemmTest, LargeB) {
  GemmChecker checker;
  ForEachKernel(GemmKernels(), [&](const GemmKernel &kernel) {
    GemmProblem p;
    p.m = kernel.rows * 2 + 1;
    p.n = 261;
    p.k = 515;
    CheckBoth(&checker, kernel, p);
    p.m = 1;
    CheckBoth(&checker, kernel, p);
    p.m = 5;
    p.taps = 2;
    p.lines = 3;
    p.k = 300;
    CheckBoth(&checker, kernel, p);
  });
}

// Rows that lie 4096 bytes apart are copied by kernels of many rows, a block after the other.
TEST(GemmTest, RowsThatCollideInTheCache) {
  GemmChecker checker;
  ForEachKernel(GemmKernels(), [&](const GemmKernel &kernel) {
    GemmProblem p;
    p.n = kernel.columns + 5;
    p.lda = 1024;
    for (int64_t k : {7, 1024}) {
      for (int64_t m : {8, 9, 31, 200}) {
        for (int64_t lines : {1, 3}) {
          p.k = k;
          p.m = m;
          p.lines = lines;
          p.residual = lines == 3;
          p.part = m == 31 ? 256 : 0;
          if (m * lines <= 200) CheckBoth(&checker, kernel, p);
          if (testing::Test::HasFatalFailure()) return;
        }
      }
    }
  });
}

TEST(GemmTest, PartsOfK) {
  GemmChecker checker;
  ForEachKernel(GemmKernels(), [&](const GemmKernel &kernel) {
    GemmProblem p;
    for (int64_t k : {1, 20, 33, 64, 131}) {
      for (int64_t part : {4, 20, 32, 64}) {
        for (int64_t m : {1, kernel.rows / 2, kernel.rows + 1}) {
          p.k = k;
          p.part = part;
          p.m = m;
          p.n = 3 * kernel.columns + (k % 3);
          p.lines = 1 + k % 2;
          p.residual = part % 8 == 0;
          p.bias = k % 4 == 0;
          p.transposed = k % 2 == 1;
          p.low = k == 64 ? 0 : -kInf;
          p.high = k == 64 ? 1.5f : kInf;
          CheckBoth(&checker, kernel, p);
          if (testing::Test::HasFatalFailure()) return;
        }
      }
    }
    for (int64_t k = 1; k < 5000; k += 7) {
      const int64_t part = GemmPart(kernel, k);
      ASSERT_GE(part, std::min<int64_t>(k, 192));
      ASSERT_LE(part, k);
      ASSERT_TRUE(part == k || part % 4 == 0);
    }
  });
}

TEST(GemmTest, PanelRange) { ForEachKernel(GemmKernels(), CheckPanelRange); }

TEST(GemmTest, NanPassesThroughTheClamp) {
  ForEachKernel(GemmKernels(), CheckNanPassesThroughTheClamp);
}

#if defined(__aarch64__) && defined(MACE_ENABLE_NEON)
// What one packs the other reads, and the bits are the same: threads of one call may use both.
TEST(GemmTest, CoresThatIssueInOrderMayTakePart) {
  const GemmKernel &big = GemmKernels().Best(kIsaNeon);
  const GemmKernel &little = GemmKernels().Best(kIsaNeonA55);
  ASSERT_STREQ(big.name, "gemm_f32_8x8__neon");
  ASSERT_STREQ(little.name, "gemm_f32_8x8__neona55");
  ASSERT_EQ(big.rows, little.rows);
  ASSERT_EQ(big.columns, little.columns);
  ASSERT_EQ(big.lanes, little.lanes);
  Random random(1);
  for (int64_t k : {1, 4, 7, 8, 31, 32, 64, 100}) {
    for (int64_t m : {3, 8, 13}) {
      const int64_t n = 19;
      const std::vector<float> a = random.Vector(m * k), b = random.Vector(n * k);
      std::vector<float> c[2];
      for (int i = 0; i < 2; ++i) {
        std::vector<float> packed(PackedGemmFloats(big, k, n) + 16);
        std::vector<float> scratch(GemmScratchFloats(big, k, m) + 16);
        c[i] = random.Vector(m * n);
        GemmCall call;
        call.a = a.data();
        call.tap_offsets = kOneTap;
        call.k = call.lda = k;
        call.packed = packed.data();
        call.n = call.ldc = n;
        call.c = c[i].data();
        call.low = 0;
        call.high = kInf;
        call.m = m;
        call.scratch = scratch.data();
        PackGemm(i == 0 ? little : big, {b.data(), kOneTap, 1, k, n, 1}, n, nullptr, packed.data());
        Gemm(i == 0 ? big : little, call, 0, GemmPanels(big, n));
      }
      EXPECT_EQ(c[0], c[1]) << "k " << k << " m " << m;
    }
  }
}
#endif

TEST(GemmTest, ListIsBestFirst) {
  const KernelList<GemmKernel> &list = GemmKernels();
  EXPECT_EQ(list.Best(kIsaReference).isa, kIsaReference);
  EXPECT_EQ(list.Best(0).isa, kIsaReference);
  for (const GemmKernel &kernel : list) {
    EXPECT_EQ(&list.Best(kernel.isa | kIsaReference), &kernel);
    EXPECT_EQ(kernel.columns % kernel.lanes, 0);
  }
}

}  // namespace
}  // namespace kernels
}  // namespace mace
