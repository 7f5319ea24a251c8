// SPDX-License-Identifier: Apache-2.0
// Every kernel of bfloat16 products that this machine can run, at all remainders of its tile, in
// buffers of exactly the right size, against sums in double of the rounded factors; and how far
// they are from products of factors that are not rounded.
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "gtest/gtest.h"
#include "mace/kernels/bf16/bf16_gemm.h"
#include "mace/kernels/test_util.h"

namespace mace {
namespace kernels {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
// Both factors are off by 2^-8 of themselves at most, sums by much less.
constexpr double kRounding = 1.0 / 128 + 1.0 / 32768;

struct Problem {
  int64_t m = 1, n = 1, k = 1, taps = 1, lines = 1;
  bool bias = true, residual = false, transposed = false;
  float low = -kInf, high = kInf;
};

float Rounded(float value) {
  const uint32_t bits = static_cast<uint32_t>(FloatToBf16(value)) << 16;
  float result;
  std::memcpy(&result, &bits, sizeof(result));
  return result;
}

class Checker {
 public:
  void Check(const GemmKernel &kernel, const Problem &p) {
    Random random(static_cast<uint32_t>(p.m * 1000 + p.n * 10 + p.k));
    // Rows of A overlap where there are taps, as they do in a convolution.
    const int64_t lda = p.taps > 1 ? (p.k + 1) / 2 : p.k + 3;
    const int64_t line = (p.m - 1) * lda + p.k, a_line = line + 5;
    std::vector<int64_t> offsets(p.taps), sources(p.taps);
    for (int64_t t = 0; t < p.taps; ++t) offsets[t] = t * (line + 2);
    const int64_t a_floats = (p.lines - 1) * a_line + (p.taps > 0 ? offsets[p.taps - 1] : 0) + line;
    const std::vector<float> a = random.Vector(a_floats);
    const int64_t steps = p.taps * p.k;
    const std::vector<float> b = random.Vector(steps * p.n), bias = random.Vector(p.n);
    const int64_t ldc = p.n + 2, c_line = p.m * ldc + 1;
    const int64_t c_floats = (p.lines - 1) * c_line + (p.m - 1) * ldc + p.n;
    const std::vector<float> residual = random.Vector(c_floats);
    const int64_t stride_k = p.transposed ? 1 : p.n, stride_n = p.transposed ? steps : 1;
    for (int64_t t = 0; t < p.taps; ++t) sources[t] = t * p.k * stride_k;
    float *packed = packed_.Take(PackedGemmFloats(kernel, steps, p.n));
    PackGemm(kernel, {b.data(), sources.data(), p.taps, p.k, stride_k, stride_n}, p.n,
             p.bias ? bias.data() : nullptr, packed);
    constexpr float kUnwritten = 777.25f;
    float *c = c_.Take(c_floats, kUnwritten);
    GemmCall call;
    call.a = a_.Take(a);
    call.tap_offsets = offsets.data();
    call.taps = p.taps;
    call.k = p.k;
    call.lda = lda;
    call.packed = packed;
    call.n = p.n;
    call.c = c;
    call.ldc = call.ldr = ldc;
    if (p.residual) call.residual = residual_.Take(residual);
    call.low = p.low;
    call.high = p.high;
    call.m = p.m;
    call.lines = p.lines;
    call.a_line = a_line;
    call.c_line = call.residual_line = c_line;
    call.scratch = scratch_.Take(GemmScratchFloats(kernel, steps, p.m * p.lines));
    Gemm(kernel, call, 0, GemmPanels(kernel, p.n));

    ErrorMeter meter;
    std::vector<bool> written(c_floats, false);
    for (int64_t y = 0; y < p.lines; ++y) {
      for (int64_t i = 0; i < p.m; ++i) {
        for (int64_t j = 0; j < p.n; ++j) {
          double sum = p.bias ? bias[j] : 0, exact = sum, magnitude = std::fabs(sum);
          for (int64_t t = 0; t < p.taps; ++t) {
            for (int64_t l = 0; l < p.k; ++l) {
              const float x = a[y * a_line + offsets[t] + i * lda + l];
              const float w = b[(t * p.k + l) * stride_k + j * stride_n];
              sum += static_cast<double>(Rounded(x)) * Rounded(w);
              exact += static_cast<double>(x) * w;
              magnitude += std::fabs(static_cast<double>(x) * w);
            }
          }
          const int64_t at = y * c_line + i * ldc + j;
          const double more = p.residual ? residual[at] : 0;
          sum = std::fmin(std::fmax(sum + more, p.low), p.high);
          exact = std::fmin(std::fmax(exact + more, p.low), p.high);
          magnitude += std::fabs(more);
          ASSERT_TRUE(meter.Add(c[at], sum, magnitude))
              << "m " << p.m << " n " << p.n << " k " << p.k << " taps " << p.taps << ": C[" << i
              << "][" << j << "] is " << c[at] << ", not " << sum;
          ASSERT_LE(std::fabs(c[at] - exact), kRounding * magnitude);
          written[at] = true;
        }
      }
    }
    // Sums of more terms in float32 are further off than the meter allows.
    if (steps < 2000) meter.Expect("bf16");
    for (int64_t at = 0; at < c_floats; ++at) {
      if (written[at]) continue;
      ASSERT_EQ(c[at], kUnwritten) << "a word between rows was written";
    }
    ASSERT_TRUE(c_.Intact() && a_.Intact() && packed_.Intact() && scratch_.Intact());
  }

 private:
  static constexpr int64_t kFloats = 1 << 19;
  GuardedBuffer a_{kFloats}, packed_{kFloats}, c_{kFloats}, residual_{kFloats}, scratch_{kFloats};
};

// The kernels that the machine has and the system allows.
template <typename Test>
void ForEachPermitted(Test test) {
  ForEachKernel(Bf16GemmKernels(), [&](const Bf16GemmKernel &kernel) {
    if (PermitBf16(kernel)) test(kernel);
  });
}

TEST(Bf16Test, AllRemaindersOfTwoTiles) {
  Checker checker;
  ForEachPermitted([&](const Bf16GemmKernel &kernel) {
    Problem p;
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
  Checker checker;
  ForEachPermitted([&](const Bf16GemmKernel &kernel) {
    Problem p;
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
  Checker checker;
  ForEachPermitted([&](const Bf16GemmKernel &kernel) {
    Problem p;
    p.n = kernel.columns + 1;
    for (int64_t taps : {0, 2, 3, 9}) {
      for (int64_t lines : {1, 3}) {
        for (int64_t k : {1, 3, 9, 12, 16, 17, 30, 31, 32, 33, 48, 64, 70}) {
          for (int64_t m : {1, kernel.rows + 1}) {
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

// More rows than a block has, and so long a k that a block is one tile.
TEST(Bf16Test, Blocks) {
  Checker checker;
  ForEachPermitted([&](const Bf16GemmKernel &kernel) {
    Problem p;
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

TEST(Bf16Test, PanelRange) {
  ForEachPermitted([&](const Bf16GemmKernel &kernel) {
    const int64_t n = 3 * kernel.columns - 1;
    const std::vector<float> a = {1, 2}, b(2 * n, 1.0f);
    GuardedBuffer packed(1 << 14), scratch(1 << 14);
    float *weights = packed.Take(PackedGemmFloats(kernel, 2, n));
    PackGemm(kernel, {b.data(), kOneTap, 1, 2, n, 1}, n, nullptr, weights);
    std::vector<float> c(n, -1.0f);
    GemmCall call;
    call.a = a.data();
    call.tap_offsets = kOneTap;
    call.k = 2;
    call.packed = weights;
    call.n = n;
    call.c = c.data();
    call.low = -kInf;
    call.high = kInf;
    call.m = 1;
    call.scratch = scratch.Take(GemmScratchFloats(kernel, 2, 1));
    Gemm(kernel, call, 1, 2);
    for (int64_t j = 0; j < n; ++j) {
      EXPECT_EQ(c[j], j / kernel.columns == 1 ? 3.0f : -1.0f) << j;
    }
    Gemm(kernel, call, 2, 3);
    EXPECT_EQ(c[n - 1], 3.0f);
    EXPECT_EQ(c[0], -1.0f);
  });
}

TEST(Bf16Test, NanPassesThroughTheClamp) {
  ForEachPermitted([&](const Bf16GemmKernel &kernel) {
    std::vector<float> a(2 * kernel.rows, 1.0f), c(kernel.rows, -1.0f);
    a[1] = std::numeric_limits<float>::quiet_NaN();
    const std::vector<float> b(2, 1.0f);
    GuardedBuffer packed(1 << 14), scratch(1 << 14);
    float *weights = packed.Take(PackedGemmFloats(kernel, 2, 1));
    PackGemm(kernel, {b.data(), kOneTap, 1, 2, 1, 2}, 1, nullptr, weights);
    GemmCall call;
    call.a = a.data();
    call.tap_offsets = kOneTap;
    call.k = call.lda = 2;
    call.packed = weights;
    call.n = call.ldc = 1;
    call.c = c.data();
    call.low = 0;
    call.high = 6;
    call.m = kernel.rows;
    call.scratch = scratch.Take(GemmScratchFloats(kernel, 2, kernel.rows));
    Gemm(kernel, call, 0, 1);
    EXPECT_TRUE(std::isnan(c[0]));
    EXPECT_EQ(c[1], 2.0f);
  });
}

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
