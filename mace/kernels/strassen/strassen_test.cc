// SPDX-License-Identifier: Apache-2.0
// Strassen's product on every GEMM kernel that this machine can run, cut for one and for several
// threads, against sums in double.
#include "mace/kernels/strassen/strassen.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "gtest/gtest.h"
#include "mace/kernels/test_util.h"

namespace mace {
namespace kernels {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
// Of the largest sum of absolute terms: errors are in proportion to the largest elements.
constexpr double kMaxError = 1e-6;

struct Case {
  int64_t rows, k;
  int64_t panels;  // of each half of the columns
};

class Checker {
 public:
  Checker() : a_(1 << 17), packed_(1 << 19), c_(1 << 18), residual_(1 << 18), scratch_(1 << 18) {}

  void Check(const GemmKernel &gemm, const Case &c, int threads, float low, float high,
             bool residual) {
    const int64_t n = 2 * c.panels * gemm.columns;
    SCOPED_TRACE(testing::Message() << c.rows << "x" << c.k << "x" << n << ", threads " << threads
                                    << (residual ? ", residual" : ""));
    ASSERT_TRUE(StrassenFits(gemm, c.k, n));
    StrassenPlan plan = PlanStrassen(gemm, c.rows, c.k, n, threads);
    ASSERT_EQ(plan.sums_floats % 16, 0);  // scratch that is aligned follows
    ASSERT_EQ(plan.packed_floats, PlanStrassen(gemm, 1, c.k, n, 1).packed_floats);
    Random random(5);
    const std::vector<float> a = random.Vector(c.rows * c.k), b = random.Vector(n * c.k),
                             bias = random.Vector(n);
    float *packed = packed_.Take(plan.packed_floats, NAN);
    PackStrassen(plan, b.data(), bias.data(), packed);
    if (residual) plan.out_stride += 5;
    const std::vector<float> added = random.Vector(c.rows * plan.out_stride);
    StrassenCall call;
    call.a = a_.Take(a);
    call.packed = packed;
    call.c = c_.Take(c.rows * plan.out_stride, NAN);
    call.residual = residual ? residual_.Take(added) : nullptr;
    call.low = low;
    call.high = high;
    for (int64_t tile = plan.tiles - 1; tile >= 0; --tile) {
      call.scratch = scratch_.Take(plan.scratch_floats, NAN);
      RunStrassenTile(plan, call, tile);
      ASSERT_TRUE(scratch_.Intact());
    }
    ASSERT_TRUE(a_.Intact() && packed_.Intact() && c_.Intact());
    ASSERT_TRUE(!residual || residual_.Intact());
    Compare(plan, call, a, b, bias, added);
    result_.assign(call.c, call.c + c.rows * plan.out_stride);
  }

  const std::vector<float> &result() const { return result_; }

 private:
  void Compare(const StrassenPlan &plan, const StrassenCall &call, const std::vector<float> &a,
               const std::vector<float> &b, const std::vector<float> &bias,
               const std::vector<float> &added) {
    std::vector<double> expected;
    double largest = 0;
    for (int64_t i = 0; i < plan.rows; ++i) {
      for (int64_t j = 0; j < plan.n; ++j) {
        double sum = bias[j], terms = std::fabs(bias[j]);
        for (int64_t l = 0; l < plan.k; ++l) {
          const double term = static_cast<double>(a[i * plan.k + l]) * b[j * plan.k + l];
          sum += term;
          terms += std::fabs(term);
        }
        if (call.residual != nullptr) sum += added[i * plan.out_stride + j];
        expected.push_back(std::fmin(std::fmax(sum, call.low), call.high));
        largest = std::fmax(largest, terms);
      }
    }
    for (int64_t i = 0; i < plan.rows; ++i) {
      const float *row = call.c + i * plan.out_stride;
      for (int64_t j = 0; j < plan.n; ++j) {
        ASSERT_NEAR(row[j], expected[i * plan.n + j], kMaxError * largest) << i << ", " << j;
      }
      for (int64_t j = plan.n; j < plan.out_stride; ++j) {
        ASSERT_TRUE(std::isnan(row[j])) << "a gap was written";
      }
    }
  }

  GuardedFloats a_, packed_, c_, residual_, scratch_;
  std::vector<float> result_;
};

TEST(StrassenTest, Shapes) {
  Checker checker;
  ForEachKernel(GemmKernels(), [&](const GemmKernel &gemm) {
    for (const Case &c : {Case{1, 16, 1}, Case{2, 2, 1}, Case{3, 6, 1}, Case{28, 64, 2},
                          Case{49, 32, 1}, Case{57, 20, 3}, Case{260, 16, 2}, Case{515, 8, 1},
                          // k in parts
                          Case{20, 1000, 1}}) {
      for (int threads : {1, 2, 5}) {
        checker.Check(gemm, c, threads, -kInf, kInf, false);
        checker.Check(gemm, c, threads, 0, 1.5f, false);
        checker.Check(gemm, c, threads, 0, kInf, true);
        if (testing::Test::HasFatalFailure()) return;
      }
    }
  });
}

// Whoever computes with two threads wants what one gave.
TEST(StrassenTest, ThreadsDoNotChangeTheResult) {
  Checker checker;
  ForEachKernel(GemmKernels(), [&](const GemmKernel &gemm) {
    const Case c = {261, 24, 5};
    checker.Check(gemm, c, 1, -kInf, kInf, false);
    const std::vector<float> one = checker.result();
    for (int threads : {2, 3, 7}) {
      checker.Check(gemm, c, threads, -kInf, kInf, false);
      EXPECT_EQ(checker.result(), one);
    }
  });
}

TEST(StrassenTest, NanAndInfinityAreSeen) {
  const GemmKernel &gemm = BestGemm();
  const int64_t rows = 4, k = 8, n = 2 * gemm.columns;
  const StrassenPlan plan = PlanStrassen(gemm, rows, k, n, 1);
  GuardedFloats a(rows * k), b(n * k), packed(plan.packed_floats), c(rows * n),
      scratch(plan.scratch_floats);
  StrassenCall call;
  float *in = a.Take(rows * k, 1);
  in[0] = NAN;
  call.a = in;
  call.packed = packed.Take(plan.packed_floats);
  PackStrassen(plan, b.Take(n * k, 1), nullptr, packed.Take(plan.packed_floats));
  call.c = c.Take(rows * n);
  call.low = 0;
  call.high = 6;
  call.scratch = scratch.Take(plan.scratch_floats);
  RunStrassenTile(plan, call, 0);
  // Its own row, and those that share sums with it.
  for (int64_t j = 0; j < n; ++j) EXPECT_TRUE(std::isnan(call.c[j])) << j;
}

TEST(StrassenTest, PaysForManyChannelsAndPixels) {
  const GemmKernel &gemm = BestGemm();
  // Plain loops are for tests, and in one way.
  EXPECT_EQ(StrassenPays(gemm, 196, 512, 512), gemm.isa != kIsaReference);
  EXPECT_FALSE(StrassenPays(GemmKernels().Best(kIsaReference), 196, 512, 512));
  EXPECT_FALSE(StrassenPays(gemm, 196, 64, 64));
  EXPECT_FALSE(StrassenPays(gemm, 1, 1024, 1024));
  EXPECT_FALSE(StrassenPays(gemm, 0, 1024, 1024));
}

}  // namespace
}  // namespace kernels
}  // namespace mace
