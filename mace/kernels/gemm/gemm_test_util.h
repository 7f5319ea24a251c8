// SPDX-License-Identifier: Apache-2.0
// What the tests of float32 and of bfloat16 products share: a product of any shape by any kernel,
// in buffers of exactly the right size, against sums in double.
#ifndef MACE_KERNELS_GEMM_GEMM_TEST_UTIL_H_
#define MACE_KERNELS_GEMM_GEMM_TEST_UTIL_H_

#include <cmath>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <vector>

#include "gtest/gtest.h"
#include "mace/kernels/gemm/gemm.h"
#include "mace/kernels/test_util.h"

namespace mace {
namespace kernels {

constexpr float kInf = std::numeric_limits<float>::infinity();

// Shapes and options of one product.
struct GemmProblem {
  int64_t m = 1;
  int64_t n = 1;
  int64_t k = 1;
  int64_t taps = 1;
  int64_t lines = 1;
  bool bias = true;
  bool residual = false;
  bool in_place = false;  // the residual is C
  float low = -kInf;
  float high = kInf;
  bool transposed = false;  // B is given as [n][k]
  bool scratch = true;      // rows may be packed
  int64_t part = 0;
  int64_t lda = 0;  // of one tap; 0: a little more than k
};

// What a kernel does to factors before it multiplies them.
struct GemmRounding {
  float (*round)(float) = nullptr;
  // How far sums may be from those of the factors as they are, as a share of the sum of their
  // absolute terms.
  double max_error = 1;
  float operator()(float factor) const { return round == nullptr ? factor : round(factor); }
};

class GemmChecker {
 public:
  explicit GemmChecker(const GemmRounding &rounding = GemmRounding()) : rounding_(rounding) {}

  void Check(const GemmKernel &kernel, const GemmProblem &p, int64_t lda_extra = 3) {
    const Operands x(p, lda_extra);
    const float *c = Run(kernel, p, x);
    Compare(p, x, c);
    ASSERT_TRUE(c_.Intact() && a_.Intact() && packed_.Intact() && scratch_.Intact());
  }

 private:
  static constexpr float kUnwritten = 777.25f;
  static constexpr int64_t kFloats = 1 << 20;

  // Numbers and strides. Rows of A overlap where there are taps, as they do in a convolution.
  struct Operands {
    Operands(const GemmProblem &p, int64_t lda_extra)
        : lda(p.lda > 0    ? p.lda
              : p.taps > 1 ? (p.k + 1) / 2
                           : p.k + lda_extra),
          a_line((p.m - 1) * lda + p.k + 5),
          ldc(p.n + 2),
          c_line(p.m * ldc + 1),
          c_floats((p.lines - 1) * c_line + (p.m - 1) * ldc + p.n),
          stride_k(p.transposed ? 1 : p.n),
          stride_n(p.transposed ? p.taps * p.k : 1) {
      Random random(static_cast<uint32_t>(p.m * 1000 + p.n * 10 + p.k));
      for (int64_t t = 0; t < p.taps; ++t) offsets.push_back(t * (a_line - 3));
      for (int64_t t = 0; t < p.taps; ++t) sources.push_back(t * p.k * stride_k);
      a = random.Vector((p.lines - 1) * a_line + (p.taps > 0 ? offsets.back() : 0) + a_line - 5);
      b = random.Vector(p.taps * p.k * p.n);
      bias = random.Vector(p.n);
      residual = random.Vector(c_floats);
    }
    int64_t lda, a_line, ldc, c_line, c_floats, stride_k, stride_n;
    std::vector<int64_t> offsets, sources;
    std::vector<float> a, b, bias, residual;
  };

  const float *Run(const GemmKernel &kernel, const GemmProblem &p, const Operands &x) {
    const int64_t steps = p.taps * p.k;
    float *packed = packed_.Take(PackedGemmFloats(kernel, steps, p.n, p.part));
    const GemmSource source = {x.b.data(), x.sources.data(), p.taps, p.k,
                               x.stride_k, x.stride_n,       p.part};
    PackGemm(kernel, source, p.n, p.bias ? x.bias.data() : nullptr, packed);
    float *c = p.in_place ? c_.Take(x.residual) : c_.Take(x.c_floats, kUnwritten);
    GemmCall call;
    call.a = a_.Take(x.a);
    call.tap_offsets = x.offsets.data();
    call.taps = p.taps;
    call.k = p.k;
    call.lda = x.lda;
    call.packed = packed;
    call.part = p.part;
    call.n = p.n;
    call.c = c;
    call.ldc = call.ldr = x.ldc;
    if (p.residual) call.residual = p.in_place ? c : residual_.Take(x.residual);
    call.low = p.low;
    call.high = p.high;
    call.m = p.m;
    call.lines = p.lines;
    call.a_line = x.a_line;
    call.c_line = call.residual_line = x.c_line;
    call.scratch = scratch_.Take(GemmScratchFloats(kernel, steps, p.m * p.lines, p.lda));
    if (!p.scratch) call.scratch = nullptr;
    Gemm(kernel, call, 0, GemmPanels(kernel, p.n));
    return c;
  }

  void Compare(const GemmProblem &p, const Operands &x, const float *c) const {
    ErrorMeter meter;
    std::vector<bool> written(x.c_floats, false);
    for (int64_t y = 0; y < p.lines; ++y) {
      for (int64_t i = 0; i < p.m; ++i) {
        for (int64_t j = 0; j < p.n; ++j) {
          const int64_t at = y * x.c_line + i * x.ldc + j;
          ASSERT_NO_FATAL_FAILURE(CompareOne(p, x, {y, i, j}, c[at], &meter));
          written[at] = true;
        }
      }
    }
    // Sums of more terms in float32 are further off than the meter allows.
    if (p.taps * p.k < 2000) meter.Expect("gemm");
    for (int64_t at = 0; at < x.c_floats; ++at) {
      if (written[at]) continue;
      ASSERT_EQ(c[at], p.in_place ? x.residual[at] : kUnwritten)
          << "a word between rows was written";
    }
  }

  struct Place {
    int64_t line, row, column;
  };

  void CompareOne(const GemmProblem &p, const Operands &x, const Place &place, float actual,
                  ErrorMeter *meter) const {
    const int64_t at = place.line * x.c_line + place.row * x.ldc + place.column;
    const double more = p.residual ? x.residual[at] : 0;
    double sum = p.bias ? x.bias[place.column] : 0, exact = sum;
    double magnitude = std::fabs(sum) + std::fabs(more);
    for (int64_t t = 0; t < p.taps; ++t) {
      for (int64_t l = 0; l < p.k; ++l) {
        const float a = x.a[place.line * x.a_line + x.offsets[t] + place.row * x.lda + l];
        const float b = x.b[(t * p.k + l) * x.stride_k + place.column * x.stride_n];
        sum += static_cast<double>(rounding_(a)) * rounding_(b);
        exact += static_cast<double>(a) * b;
        magnitude += std::fabs(static_cast<double>(a) * b);
      }
    }
    sum = std::fmin(std::fmax(sum + more, p.low), p.high);
    exact = std::fmin(std::fmax(exact + more, p.low), p.high);
    ASSERT_TRUE(meter->Add(actual, sum, magnitude))
        << "m " << p.m << " n " << p.n << " k " << p.k << " taps " << p.taps << ": C[" << place.row
        << "][" << place.column << "] is " << actual << ", not " << sum;
    ASSERT_LE(std::fabs(actual - exact), rounding_.max_error * magnitude);
  }

  const GemmRounding rounding_;
  GuardedFloats a_{kFloats}, packed_{kFloats}, c_{kFloats}, residual_{kFloats}, scratch_{kFloats};
};

// Numbers of taps and lines, lengths `ks` of each tap; check(problem) for each.
template <typename Check>
void ForTapsAndLines(const GemmKernel &kernel, std::initializer_list<int64_t> ks, Check check) {
  GemmProblem p;
  p.n = kernel.columns + 1;
  for (int64_t taps : {0, 2, 3, 9}) {
    for (int64_t lines : {1, 3}) {
      for (int64_t k : ks) {
        for (int64_t m : {1, kernel.rows, kernel.rows + 1}) {
          p.taps = taps;
          p.lines = lines;
          p.k = k;
          p.m = m;
          p.bias = k % 2 == 0;
          p.residual = lines == 3;
          check(p);
          if (testing::Test::HasFatalFailure()) return;
        }
      }
    }
  }
}

// A product of `m` rows with k = 2 and filters that are all 1; C begins as -1.
class ProductOfOnes {
 public:
  ProductOfOnes(const GemmKernel &kernel, int64_t m, int64_t n)
      : kernel_(kernel), a(2 * m, 1.0f), c(m * n, -1.0f) {
    const std::vector<float> b(2 * n, 1.0f);
    float *weights = packed_.Take(PackedGemmFloats(kernel, 2, n));
    PackGemm(kernel, {b.data(), kOneTap, 1, 2, n, 1}, n, nullptr, weights);
    call_.tap_offsets = kOneTap;
    call_.k = call_.lda = 2;
    call_.packed = weights;
    call_.n = call_.ldc = n;
    call_.low = -kInf;
    call_.high = kInf;
    call_.m = m;
    call_.scratch = scratch_.Take(GemmScratchFloats(kernel, 2, m));
  }
  void Clamp(float low, float high) {
    call_.low = low;
    call_.high = high;
  }
  void Run(int64_t first_panel, int64_t end_panel) {
    call_.a = a.data();
    call_.c = c.data();
    Gemm(kernel_, call_, first_panel, end_panel);
  }

 private:
  const GemmKernel &kernel_;
  GuardedFloats packed_{1 << 14}, scratch_{1 << 14};
  GemmCall call_;

 public:
  std::vector<float> a, c;
};

// Each panel writes its own columns alone.
inline void CheckPanelRange(const GemmKernel &kernel) {
  const int64_t n = 3 * kernel.columns - 1;
  ASSERT_EQ(GemmPanels(kernel, n), 3);
  ProductOfOnes product(kernel, 1, n);
  product.a[1] = 2;
  product.Run(1, 2);
  for (int64_t j = 0; j < n; ++j) {
    EXPECT_EQ(product.c[j], j / kernel.columns == 1 ? 3.0f : -1.0f) << j;
  }
  product.Run(2, 3);
  EXPECT_EQ(product.c[n - 1], 3.0f);
  EXPECT_EQ(product.c[0], -1.0f);
}

inline void CheckNanPassesThroughTheClamp(const GemmKernel &kernel) {
  const int64_t n = kernel.columns;
  ProductOfOnes product(kernel, kernel.rows, n);
  product.a[1] = std::numeric_limits<float>::quiet_NaN();
  product.Clamp(0, 6);
  product.Run(0, 1);
  for (int64_t j = 0; j < n; ++j) {
    EXPECT_TRUE(std::isnan(product.c[j]));
    EXPECT_EQ(product.c[n + j], 2.0f);
  }
}

}  // namespace kernels
}  // namespace mace

#endif  // MACE_KERNELS_GEMM_GEMM_TEST_UTIL_H_
