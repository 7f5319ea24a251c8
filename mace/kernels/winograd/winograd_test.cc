// SPDX-License-Identifier: Apache-2.0
// Winograd convolution of whole and partial tiles, with every kernel of transforms and of products
// that this machine can run, cut for one and for several threads, against sums in double.
#include "mace/kernels/winograd/winograd.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "gtest/gtest.h"
#include "mace/kernels/test_util.h"

namespace mace {
namespace kernels {
namespace {

// Of the sum of absolute terms that uniform numbers have; a tile shares its errors, at the image's
// border too.
constexpr double kMaxError = 5e-6;

struct Case {
  int64_t batch, h, w, in_c, out_c, pad, pad_end;
};

class Checker {
 public:
  Checker() : in_(1 << 16), packed_(1 << 19), out_(1 << 16), scratch_(1 << 20) {}

  void Check(const WinogradKernel &kernel, const GemmKernel &gemm, const Case &c, int threads,
             float low, float high, bool residual) {
    SCOPED_TRACE(testing::Message()
                 << gemm.name << " " << c.h << "x" << c.w << "x" << c.in_c << " to " << c.out_c
                 << ", pad " << c.pad << ", threads " << threads);
    WinogradPlan plan;
    plan.kernel = &kernel;
    plan.gemm = &gemm;
    plan.in_c = c.in_c;
    plan.out_c = c.out_c;
    FinishWinogradPlan(1, &plan);
    const int64_t packed_floats = plan.packed_floats;
    plan.batch = c.batch;
    plan.in_h = c.h;
    plan.in_w = c.w;
    plan.out_h = c.h + c.pad + c.pad_end - 2;
    plan.out_w = c.w + c.pad + c.pad_end - 2;
    plan.pad_top = plan.pad_left = c.pad;
    FinishWinogradPlan(threads, &plan);
    ASSERT_EQ(plan.packed_floats, packed_floats);

    Random random(3);
    const std::vector<float> input = random.Vector(c.batch * c.h * c.w * c.in_c);
    const std::vector<float> filter = random.Vector(9 * c.in_c * c.out_c);
    const std::vector<float> bias = random.Vector(c.out_c);
    float *packed = packed_.Take(packed_floats, NAN);
    PackWinograd(plan, filter.data(), bias.data(), packed);
    WinogradCall call;
    call.input = in_.Take(input);
    call.packed = packed;
    // With a residual, which may be overwritten, pixels lie apart.
    if (residual) plan.out_stride += 5;
    const std::vector<float> added =
        random.Vector(c.batch * plan.out_h * plan.out_w * plan.out_stride);
    float *out = out_.Take(static_cast<int64_t>(added.size()), NAN);
    if (residual) std::copy(added.begin(), added.end(), out);
    call.residual = residual ? out : nullptr;
    call.output = out;
    call.low = low;
    call.high = high;
    ASSERT_GE(plan.tiles, 1);
    for (int64_t tile = plan.tiles - 1; tile >= 0; --tile) {
      call.scratch = scratch_.Take(plan.scratch_floats, NAN);
      RunWinogradTile(plan, call, tile);
      ASSERT_TRUE(scratch_.Intact());
    }
    ASSERT_TRUE(in_.Intact() && packed_.Intact() && out_.Intact());
    Compare(plan, call, filter, bias, added);
  }

 private:
  static void Compare(const WinogradPlan &p, const WinogradCall &call,
                      const std::vector<float> &filter, const std::vector<float> &bias,
                      const std::vector<float> &added) {
    for (int64_t i = 0; i < p.batch * p.out_h * p.out_w; ++i) {
      const int64_t n = i / p.out_w / p.out_h, y = i / p.out_w % p.out_h, x = i % p.out_w;
      for (int64_t o = 0; o < p.out_c; ++o) {
        const int64_t at = i * p.out_stride + o;
        double sum = bias[o] + (call.residual == nullptr ? 0.0 : added[at]);
        for (int64_t tap = 0; tap < 9; ++tap) {
          const int64_t v = y - p.pad_top + tap / 3, u = x - p.pad_left + tap % 3;
          if (v < 0 || u < 0 || v >= p.in_h || u >= p.in_w) continue;
          const float *pixel = call.input + ((n * p.in_h + v) * p.in_w + u) * p.in_c;
          for (int64_t c = 0; c < p.in_c; ++c) {
            const double term = static_cast<double>(pixel[c]) * filter[(o * 9 + tap) * p.in_c + c];
            sum += term;
          }
        }
        sum = std::fmin(std::fmax(sum, call.low), call.high);
        ASSERT_NEAR(call.output[at], sum, kMaxError * (1 + 0.25 * 9 * static_cast<double>(p.in_c)))
            << "image " << n << " row " << y << " column " << x << " channel " << o;
      }
    }
  }

  GuardedFloats in_, packed_, out_, scratch_;
};

TEST(WinogradTest, AllSizes) {
  constexpr float kInf = std::numeric_limits<float>::infinity();
  Checker checker;
  ForEachKernel(WinogradKernels(), [&](const WinogradKernel &kernel) {
    ForEachKernel(GemmKernels(), [&](const GemmKernel &gemm) {
      if (kernel.isa != gemm.isa && kernel.isa != kIsaReference) return;
      const int64_t n = gemm.columns, least = gemm.lanes;
      std::vector<Case> cases = {
          {1, 4, 4, 8, 2 * n, 1, 1},  {2, 7, 9, 12, n, 1, 1},  {1, 14, 13, 4, 2 * n, 1, 1},
          {1, 6, 7, 8, n, 0, 0},      {1, 1, 2, 4, n, 1, 1},   {1, 3, 3, 4, n, 4, 5},
          {3, 9, 8, 20, 3 * n, 0, 2}, {1, 2, 11, 36, n, 2, 0},
      };
      if (gemm.block == nullptr) {
        for (Case &c : cases) c.in_c = std::max(c.in_c, least);
        // Parts of vectors and of panels.
        for (int64_t c = least; c <= 2 * n + 1; ++c) cases.push_back({1, 5, 6, c, c + 3, 1, 1});
        cases.push_back({1, 5, 6, 2 * n + 3, least, 1, 1});
      }
      for (const Case &c : cases) {
        checker.Check(kernel, gemm, c, 1, -kInf, kInf, false);
        checker.Check(kernel, gemm, c, 3, 0, 1, false);
        checker.Check(kernel, gemm, c, 2, -0.5f, 1, true);
        checker.Check(kernel, gemm, c, 1, -kInf, kInf, true);
        if (testing::Test::HasFatalFailure()) return;
      }
    });
  });
}

TEST(WinogradTest, FewPixelsOfManyChannelsAreNotWorthMoreFilters) {
  for (const GemmKernel &gemm : GemmKernels()) {
    if ((gemm.isa & SupportedIsas()) == 0 || gemm.isa == kIsaReference) continue;
    const WinogradKernel *large = BestWinograd(gemm, 64, 64, 56, 56);
    ASSERT_NE(large, nullptr);
    EXPECT_EQ(large->side, 4);
    EXPECT_EQ(BestWinograd(gemm, 3, 64, 56, 56), nullptr);
    EXPECT_EQ(BestWinograd(gemm, 64, 2, 56, 56), nullptr);
    EXPECT_EQ(BestWinograd(gemm, 64, 64, 0, 0), large);
    if (gemm.block != nullptr || gemm.lanes < 16) continue;
    EXPECT_EQ(BestWinograd(gemm, 512, 512, 1, 1), nullptr);
    const WinogradKernel *small = BestWinograd(gemm, 512, 512, 7, 7);
    EXPECT_TRUE(small == nullptr || small->side == 2);
  }
}

// The model's sum, done by hand: 8x8 outputs are 4 tiles of 4x4.
TEST(WinogradTest, WorkIsCounted) {
  for (const GemmKernel &gemm : GemmKernels()) {
    for (const WinogradKernel &kernel : WinogradKernels()) {
      if (kernel.isa != gemm.isa || kernel.side != 4) continue;
      const Work work = WinogradWork(&kernel, gemm, 32, 48, 8, 8);
      EXPECT_EQ(work.macs, 36.0 * 4 * 32 * 48);
      EXPECT_EQ(work.steps, 36.0 * ((4 + gemm.rows - 1) / gemm.rows) * 32 * 48);
      EXPECT_EQ(work.filters, 36.0 * 32 * 48);
      EXPECT_EQ(work.inputs, 36.0 * 4 * 32);
      EXPECT_EQ(work.outputs, 36.0 * 4 * 48);
    }
    const Work product = WinogradWork(nullptr, gemm, 32, 48, 8, 8);
    EXPECT_EQ(product.macs, 64.0 * 9 * 32 * 48);
    EXPECT_EQ(product.filters, 9.0 * 32 * 48);
    EXPECT_EQ(product.inputs, 100.0 * 32);
    const Work usual = WinogradWork(nullptr, gemm, 32, 48, 0, 0);
    EXPECT_EQ(usual.macs, WinogradWork(nullptr, gemm, 32, 48, 28, 28).macs);
  }
}

TEST(WinogradTest, CostsOfThisTarget) {
  for (const GemmKernel &gemm : GemmKernels()) {
    const Isa isa = gemm.isa == kIsaNeonA55 ? kIsaNeon : gemm.isa;
    const Costs &costs = CostsOf(isa);
    EXPECT_EQ(costs.isa, isa) << gemm.name;
    EXPECT_EQ(costs.product.mac, 1) << "the unit of all others";
    EXPECT_GT(costs.chains.band, 0u);
  }
  EXPECT_EQ(CostsOf(0).isa, kIsaReference);
  const WorkCosts costs = {1, 2, 3, 4, 5};
  EXPECT_EQ(CostOf({100, 10, 10, 1, 1}, costs), 100 + 4 + 5);
  EXPECT_EQ(CostOf({1, 60, 10, 1, 1}, costs), 120 + 4 + 5);
  EXPECT_EQ(CostOf({1, 1, 50, 0, 1}, costs), 150 + 5);
}

TEST(WinogradTest, ActivationFollowsTheClamp) {
  ForEachKernel(GemmKernels(), [&](const GemmKernel &gemm) {
    WinogradPlan plan;
    plan.kernel = &WinogradKernels().Best(kIsaReference);
    plan.gemm = &gemm;
    plan.in_c = 4;
    plan.out_c = gemm.columns;
    plan.in_h = plan.in_w = plan.out_h = plan.out_w = 5;
    plan.pad_top = plan.pad_left = 1;
    FinishWinogradPlan(1, &plan);
    GuardedFloats packed(plan.packed_floats), scratch(plan.scratch_floats);
    const std::vector<float> filter(9 * 4 * gemm.columns, 0.0f), bias(gemm.columns, -2.0f);
    const std::vector<float> input(5 * 5 * 4, 1.0f);
    std::vector<float> output(5 * 5 * gemm.columns, NAN);
    WinogradCall call;
    call.packed = packed.Take(plan.packed_floats);
    PackWinograd(plan, filter.data(), bias.data(), packed.Take(plan.packed_floats));
    call.input = input.data();
    call.output = output.data();
    call.low = -1.5f;
    call.high = 1.5f;
    call.activation.kind = kActivationLeakyRelu;
    call.activation.coefficient = 0.5f;
    call.scratch = scratch.Take(plan.scratch_floats);
    for (int64_t tile = 0; tile < plan.tiles; ++tile) RunWinogradTile(plan, call, tile);
    for (float y : output) ASSERT_EQ(y, -0.75f);
  });
}

TEST(WinogradTest, TilesForThreads) {
  const GemmKernel &gemm = *GemmKernels().begin();
  WinogradPlan plan;
  plan.kernel = WinogradKernels().begin();
  plan.gemm = &gemm;
  for (int64_t size : {1, 7, 14, 56}) {
    plan.in_h = plan.in_w = plan.out_h = plan.out_w = size;
    plan.in_c = plan.out_c = 256;
    for (int threads : {1, 2, 4, 8}) {
      FinishWinogradPlan(threads, &plan);
      EXPECT_GE(plan.tiles, threads);
    }
  }
}

}  // namespace
}  // namespace kernels
}  // namespace mace
