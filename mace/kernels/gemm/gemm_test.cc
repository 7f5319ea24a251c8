// SPDX-License-Identifier: Apache-2.0
// Every GEMM kernel that this machine can run, at all remainders of its tile, in buffers of exactly
// the right size, against sums in double.
#include "mace/kernels/gemm/gemm.h"

#include <cmath>
#include <limits>
#include <vector>

#include "gtest/gtest.h"
#include "mace/kernels/test_util.h"

namespace mace {
namespace kernels {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();

// Shapes and options of one product.
struct Problem {
  int64_t m = 1;
  int64_t n = 1;
  int64_t k = 1;
  int64_t taps = 1;
  int64_t lines = 1;
  bool bias = true;
  bool residual = false;
  float low = -kInf;
  float high = kInf;
  bool transposed = false;  // B is given as [n][k]
  bool scratch = false;     // rows may be packed
  int64_t part = 0;
};

class GemmChecker {
 public:
  GemmChecker()
      : a_(1 << 18), packed_(1 << 20), c_(1 << 18), residual_(1 << 18), scratch_(1 << 18) {}

  // With and without scratch.
  void Check(const GemmKernel &kernel, Problem p, int64_t lda_extra = 3) {
    p.scratch = false;
    CheckOnce(kernel, p, lda_extra);
    if (kernel.block == nullptr || testing::Test::HasFatalFailure()) return;
    p.scratch = true;
    CheckOnce(kernel, p, lda_extra);
  }

  // Rows of A overlap where k > lda, as they do in a convolution.
  void CheckOnce(const GemmKernel &kernel, const Problem &p, int64_t lda_extra) {
    Random random(static_cast<uint32_t>(p.m * 1000 + p.n * 10 + p.k));
    const int64_t lda = p.taps > 1 ? (p.k + 1) / 2 : p.k + lda_extra;
    const int64_t line = (p.m - 1) * lda + p.k;
    const int64_t a_line = line + 5;
    std::vector<int64_t> offsets(p.taps);
    for (int64_t t = 0; t < p.taps; ++t) offsets[t] = t * (line + 2);
    const int64_t a_floats = (p.lines - 1) * a_line + (p.taps > 0 ? offsets[p.taps - 1] : 0) + line;
    const std::vector<float> a = random.Vector(a_floats);
    const int64_t steps = p.taps * p.k;
    const std::vector<float> b = random.Vector(steps * p.n);
    const std::vector<float> bias = random.Vector(p.n);
    const int64_t ldc = p.n + 2;
    const int64_t c_line = p.m * ldc + 1;
    const int64_t c_floats = (p.lines - 1) * c_line + (p.m - 1) * ldc + p.n;
    const std::vector<float> residual = random.Vector(c_floats);
    const int64_t stride_k = p.transposed ? 1 : p.n;
    const int64_t stride_n = p.transposed ? steps : 1;

    GemmCall call;
    call.a = a_.Take(a);
    call.tap_offsets = offsets.data();
    call.taps = p.taps;
    call.k = p.k;
    call.lda = lda;
    float *packed = packed_.Take(PackedGemmFloats(kernel, steps, p.n, p.part));
    std::vector<int64_t> sources(p.taps);
    for (int64_t t = 0; t < p.taps; ++t) sources[t] = t * p.k * stride_k;
    const GemmSource source = {b.data(), sources.data(), p.taps, p.k, stride_k, stride_n, p.part};
    PackGemm(kernel, source, p.n, p.bias ? bias.data() : nullptr, packed);
    call.packed = packed;
    call.part = p.part;
    call.n = p.n;
    constexpr float kUnwritten = 777.25f;
    float *c = c_.Take(c_floats, kUnwritten);
    call.c = c;
    call.ldc = ldc;
    if (p.residual) call.residual = residual_.Take(residual);
    call.ldr = ldc;
    call.low = p.low;
    call.high = p.high;
    call.m = p.m;
    call.lines = p.lines;
    call.a_line = a_line;
    call.c_line = c_line;
    call.residual_line = c_line;
    call.scratch = scratch_.Take(GemmScratchFloats(kernel, steps, p.m * p.lines));
    if (!p.scratch) call.scratch = nullptr;
    Gemm(kernel, call, 0, GemmPanels(kernel, p.n));

    ErrorMeter meter;
    std::vector<bool> written(c_floats, false);
    for (int64_t y = 0; y < p.lines; ++y) {
      for (int64_t i = 0; i < p.m; ++i) {
        for (int64_t j = 0; j < p.n; ++j) {
          double sum = p.bias ? bias[j] : 0;
          double magnitude = std::fabs(sum);
          for (int64_t t = 0; t < p.taps; ++t) {
            for (int64_t l = 0; l < p.k; ++l) {
              const double term = static_cast<double>(a[y * a_line + offsets[t] + i * lda + l]) *
                                  b[(t * p.k + l) * stride_k + j * stride_n];
              sum += term;
              magnitude += std::fabs(term);
            }
          }
          const int64_t at = y * c_line + i * ldc + j;
          if (p.residual) sum += residual[at];
          if (p.residual) magnitude += std::fabs(residual[at]);
          sum = std::fmin(std::fmax(sum, p.low), p.high);
          ASSERT_TRUE(meter.Add(c[at], sum, magnitude))
              << "m " << p.m << " n " << p.n << " k " << p.k << " taps " << p.taps << ": C[" << i
              << "][" << j << "] is " << c[at] << ", not " << sum;
          written[at] = true;
        }
      }
    }
    meter.Expect("gemm");
    for (int64_t at = 0; at < c_floats; ++at) {
      if (written[at]) continue;
      ASSERT_EQ(c[at], kUnwritten) << "a word between rows was written";
    }
    ASSERT_TRUE(c_.Intact() && a_.Intact() && packed_.Intact() && scratch_.Intact());
  }

 private:
  GuardedBuffer a_;
  GuardedBuffer packed_;
  GuardedBuffer c_;
  GuardedBuffer residual_;
  GuardedBuffer scratch_;
};

TEST(GemmTest, AllRemaindersOfTwoTiles) {
  GemmChecker checker;
  ForEachKernel(GemmKernels(), [&](const GemmKernel &kernel) {
    Problem p;
    for (p.m = 1; p.m <= 2 * kernel.rows; ++p.m) {
      for (p.n = 1; p.n <= 2 * kernel.columns; ++p.n) {
        p.k = 1 + (p.m * 5 + p.n * 3) % 9;
        p.residual = p.n % 2 == 0;
        checker.Check(kernel, p);
        if (testing::Test::HasFatalFailure()) return;
      }
    }
  });
}

TEST(GemmTest, AllLengthsOfK) {
  GemmChecker checker;
  ForEachKernel(GemmKernels(), [&](const GemmKernel &kernel) {
    Problem p;
    const int64_t ns[] = {1, kernel.lanes, kernel.columns - 1, kernel.columns};
    for (int64_t m : {1, 2, kernel.rows}) {
      for (int64_t n : ns) {
        for (int64_t k : {1, 2, 3, 4, 5, 7, 8, 63, 64, 65, 131}) {
          p.m = m;
          p.n = n > 0 ? n : 1;
          p.k = k;
          p.transposed = k % 2 == 1;
          checker.Check(kernel, p);
          if (testing::Test::HasFatalFailure()) return;
        }
      }
    }
  });
}

TEST(GemmTest, TapsAndLines) {
  GemmChecker checker;
  ForEachKernel(GemmKernels(), [&](const GemmKernel &kernel) {
    Problem p;
    p.n = kernel.columns + 1;
    for (int64_t taps : {0, 2, 3, 9}) {
      for (int64_t lines : {1, 3}) {
        for (int64_t k : {1, 9, 12, 30}) {
          for (int64_t m : {1, kernel.rows, kernel.rows + 1}) {
            p.taps = taps;
            p.lines = lines;
            p.k = k;
            p.m = m;
            p.bias = k % 2 == 0;
            p.residual = lines == 3;
            checker.Check(kernel, p);
            if (testing::Test::HasFatalFailure()) return;
          }
        }
      }
    }
  });
}

TEST(GemmTest, Clamp) {
  GemmChecker checker;
  ForEachKernel(GemmKernels(), [&](const GemmKernel &kernel) {
    Problem p;
    p.m = kernel.rows + 1;
    p.n = kernel.columns + 3;
    p.k = 20;
    p.residual = true;
    p.low = 0;
    checker.Check(kernel, p);
    p.high = 1.5f;
    checker.Check(kernel, p);
  });
}

// B larger than the cache: panels outside, with prefetch.
TEST(GemmTest, LargeB) {
  GemmChecker checker;
  ForEachKernel(GemmKernels(), [&](const GemmKernel &kernel) {
    Problem p;
    p.m = kernel.rows * 2 + 1;
    p.n = 261;
    p.k = 515;
    checker.Check(kernel, p);
    p.m = 1;
    checker.Check(kernel, p);
    p.m = 5;
    p.taps = 2;
    p.lines = 3;
    p.k = 300;
    checker.Check(kernel, p);
  });
}

TEST(GemmTest, PartsOfK) {
  GemmChecker checker;
  ForEachKernel(GemmKernels(), [&](const GemmKernel &kernel) {
    Problem p;
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
          checker.Check(kernel, p);
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

TEST(GemmTest, PanelRange) {
  ForEachKernel(GemmKernels(), [&](const GemmKernel &kernel) {
    const int64_t n = 3 * kernel.columns - 1;
    const std::vector<float> a = {1, 2};
    const std::vector<float> b(2 * n, 1.0f);
    // 64-byte aligned as kernels may expect.
    std::vector<float> room(PackedGemmFloats(kernel, 2, n) + 16);
    float *packed = room.data();
    while (reinterpret_cast<uintptr_t>(packed) % 64 != 0) ++packed;
    PackGemm(kernel, {b.data(), kOneTap, 1, 2, n, 1}, n, nullptr, packed);
    std::vector<float> c(n, -1.0f);
    GemmCall call;
    call.a = a.data();
    call.tap_offsets = kOneTap;
    call.k = 2;
    call.packed = packed;
    call.n = n;
    call.c = c.data();
    call.low = -kInf;
    call.high = kInf;
    call.m = 1;
    ASSERT_EQ(GemmPanels(kernel, n), 3);
    Gemm(kernel, call, 1, 2);
    for (int64_t j = 0; j < n; ++j) {
      EXPECT_EQ(c[j], j / kernel.columns == 1 ? 3.0f : -1.0f) << j;
    }
    Gemm(kernel, call, 2, 3);
    EXPECT_EQ(c[n - 1], 3.0f);
    EXPECT_EQ(c[0], -1.0f);
  });
}

TEST(GemmTest, NanPassesThroughTheClamp) {
  ForEachKernel(GemmKernels(), [&](const GemmKernel &kernel) {
    const int64_t n = kernel.columns;
    std::vector<float> a(2 * kernel.rows, 1.0f);
    a[1] = std::numeric_limits<float>::quiet_NaN();
    const std::vector<float> b(2 * n, 1.0f);
    std::vector<float> room(PackedGemmFloats(kernel, 2, n) + 16);
    float *packed = room.data();
    while (reinterpret_cast<uintptr_t>(packed) % 64 != 0) ++packed;
    PackGemm(kernel, {b.data(), kOneTap, 1, 2, n, 1}, n, nullptr, packed);
    std::vector<float> c(n * kernel.rows, -1.0f);
    GemmCall call;
    call.a = a.data();
    call.tap_offsets = kOneTap;
    call.k = 2;
    call.lda = 2;
    call.packed = packed;
    call.n = n;
    call.c = c.data();
    call.ldc = n;
    call.low = 0;
    call.high = 6;
    call.m = kernel.rows;
    Gemm(kernel, call, 0, 1);
    for (int64_t j = 0; j < n; ++j) {
      EXPECT_TRUE(std::isnan(c[j]));
      EXPECT_EQ(c[n + j], 2.0f);
    }
  });
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
