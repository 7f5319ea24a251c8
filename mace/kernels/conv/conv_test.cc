// SPDX-License-Identifier: Apache-2.0
// Convolutions and transposed convolutions of every geometry that matters, on every GEMM kernel
// that this machine can run, cut for one and for several threads, against sums in double.
#include "mace/kernels/conv/conv.h"

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

struct Case {
  const char *what;
  ConvShape shape;
};

// The output of a convolution with these paddings at the bottom and right.
ConvShape Conv(int64_t batch, int64_t h, int64_t w, int64_t in_c, int64_t out_c, int64_t kh,
               int64_t kw, int64_t stride, int64_t dilation, int64_t pad, int64_t pad_end,
               int64_t group = 1) {
  ConvShape s;
  s.batch = batch;
  s.in_h = h;
  s.in_w = w;
  s.in_c = in_c;
  s.out_c = out_c;
  s.kernel_h = kh;
  s.kernel_w = kw;
  s.stride_h = s.stride_w = stride;
  s.dilation_h = s.dilation_w = dilation;
  s.pad_top = s.pad_left = pad;
  s.group = group;
  s.out_h = (h + pad + pad_end - (kh - 1) * dilation - 1) / stride + 1;
  s.out_w = (w + pad + pad_end - (kw - 1) * dilation - 1) / stride + 1;
  return s;
}

ConvShape Deconv(int64_t batch, int64_t h, int64_t w, int64_t in_c, int64_t out_c, int64_t kh,
                 int64_t kw, int64_t stride, int64_t dilation, int64_t pad, int64_t extra,
                 int64_t group = 1) {
  ConvShape s = Conv(batch, h, w, in_c, out_c, kh, kw, stride, dilation, pad, 0, group);
  s.out_h = (h - 1) * stride + (kh - 1) * dilation + 1 - 2 * pad + extra;
  s.out_w = (w - 1) * stride + (kw - 1) * dilation + 1 - 2 * pad + extra;
  return s;
}

// Pixels of strided outputs lie this much further apart than channels need.
constexpr int64_t kGap = 3;

// Of the sum of absolute terms, of which other ways make larger ones that cancel out.
constexpr double kOtherWaysError = 1e-5;

// Each kernel x threads x case; the epilogue clamps where `clamp` says.
class ConvChecker {
 public:
  ConvChecker()
      : in_(1 << 18), filter_(1 << 18), packed_(1 << 20), out_(1 << 18), scratch_(1 << 20) {}

  void Check(const GemmKernel &kernel, const Case &c, bool transposed, int threads,
             ConvEpilogue epilogue, bool bias, bool residual, bool strided) {
    ConvShape s = c.shape;
    if (!transposed) {
      s.winograd = ChooseWinograd(s, kernel);
      s.strassen = ChooseStrassen(s, kernel);
    }
    SCOPED_TRACE(testing::Message()
                 << c.what << ", " << threads << " threads" << (residual ? ", residual" : "")
                 << (strided ? ", strided" : ""));
    Random random(7);
    const std::vector<float> input = random.Vector(s.batch * s.in_h * s.in_w * s.in_c);
    const std::vector<float> filter =
        random.Vector(s.out_c * s.kernel_h * s.kernel_w * (s.in_c / s.group));
    const std::vector<float> biases = random.Vector(s.out_c);
    const int64_t outputs = s.batch * s.out_h * s.out_w * s.out_c;
    std::vector<double> expected(outputs), magnitude(outputs);
    ConvReference(s, transposed, input.data(), filter.data(), bias ? biases.data() : nullptr,
                  expected.data(), magnitude.data());

    ConvPlan plan = transposed ? PlanDeconv(s, kernel, threads) : PlanConv(s, kernel, threads);
    const int64_t stride = s.out_c + (strided ? kGap : 0), floats = outputs / s.out_c * stride;
    if (strided) MakeStrided(stride, &plan);
    // Filters are packed before sizes are known.
    ConvShape unknown = s;
    unknown.batch = unknown.in_h = unknown.in_w = unknown.out_h = unknown.out_w = 1;
    unknown.pad_top = unknown.pad_left = 0;
    const ConvPlan pack_plan =
        transposed ? PlanDeconv(unknown, kernel, 1) : PlanConv(unknown, kernel, 1);
    ASSERT_EQ(pack_plan.packed_floats, plan.packed_floats);
    float *packed = packed_.Take(plan.packed_floats, NAN);
    PackConv(pack_plan, filter_.Take(filter), bias ? biases.data() : nullptr, packed);
    const float *in = in_.Take(input);
    float *out = out_.Take(floats, NAN);
    const std::vector<float> added = random.Vector(floats);
    // The residual may be overwritten.
    if (residual) {
      std::copy(added.begin(), added.end(), out);
      epilogue.residual = s.strassen ? added.data() : out;
    }
    ASSERT_GE(plan.tiles, 1);
    for (int64_t tile = plan.tiles - 1; tile >= 0; --tile) {
      float *scratch = scratch_.Take(plan.scratch_floats, NAN);
      RunConvTile(plan, epilogue, in, packed, out, tile, scratch);
      ASSERT_TRUE(scratch_.Intact());
    }
    ErrorMeter meter;
    for (int64_t i = 0; i < outputs; ++i) {
      const int64_t at = i / s.out_c * stride + i % s.out_c;
      const double extra = residual ? added[at] : 0.0;
      const double sum = expected[i] + extra, terms = magnitude[i] + std::fabs(extra);
      double y = std::fmin(std::fmax(sum, epilogue.low), epilogue.high);
      if (epilogue.activation.kind == kActivationLeakyRelu && y < 0) {
        y *= epilogue.activation.coefficient;
      }
      if (s.winograd != nullptr || s.strassen) {
        ASSERT_NEAR(out[at], y, kOtherWaysError * terms) << "element " << i;
        continue;
      }
      ASSERT_TRUE(meter.Add(out[at], y, terms))
          << "element " << i << " is " << out[at] << ", not " << y;
    }
    for (int64_t at = 0; at < floats; ++at) {
      if (at % stride < s.out_c) continue;
      ASSERT_TRUE(residual && !s.strassen ? out[at] == added[at] : std::isnan(out[at]))
          << "a gap was written";
    }
    meter.Expect(c.what);
    ASSERT_TRUE(in_.Intact() && packed_.Intact() && out_.Intact());
  }

  void CheckAll(const std::vector<Case> &cases, bool transposed) {
    ForEachKernel(GemmKernels(), [&](const GemmKernel &kernel) {
      ConvEpilogue epilogue;
      int count = 0;
      for (const Case &c : cases) {
        for (int threads : {1, 2, 5}) {
          const bool odd = ++count % 2 == 1;
          epilogue.low = odd ? -kInf : 0;
          epilogue.high = odd ? kInf : 1;
          epilogue.activation.kind = odd ? kActivationLeakyRelu : kActivationNoop;
          epilogue.activation.coefficient = 0.25f;
          Check(kernel, c, transposed, threads, epilogue, count % 3 != 0, count % 4 > 1,
                count % 5 == 0);
          if (testing::Test::HasFatalFailure()) return;
        }
      }
    });
  }

 private:
  GuardedFloats in_, filter_, packed_, out_, scratch_;
};

TEST(ConvTest, Geometries) {
  // batch, height, width, in, out, kernel, kernel, stride, dilation, pad, pad at the end, group
  const std::vector<Case> cases = {
      {"1x1", Conv(1, 7, 9, 17, 35, 1, 1, 1, 1, 0, 0)},
      {"1x1, batch 3", Conv(3, 5, 5, 8, 12, 1, 1, 1, 1, 0, 0)},
      {"1x1, one pixel", Conv(1, 1, 1, 70, 67, 1, 1, 1, 1, 0, 0)},
      {"1x1, k in three parts", Conv(1, 4, 5, 800, 37, 1, 1, 1, 1, 0, 0)},
      {"1x1, 2 groups, k in two parts", Conv(1, 3, 3, 1000, 32, 1, 1, 2, 1, 0, 0, 2)},
      {"1x1, stride 2", Conv(2, 7, 8, 6, 33, 1, 1, 2, 1, 0, 0)},
      {"1x1, stride 2 on one pixel", Conv(1, 1, 1, 6, 5, 1, 1, 2, 1, 0, 0)},
      {"1x1, padded", Conv(1, 3, 3, 5, 7, 1, 1, 1, 1, 1, 1)},
      {"3x3, valid", Conv(2, 6, 8, 5, 9, 3, 3, 1, 1, 0, 0)},
      {"3x3, same", Conv(2, 9, 15, 7, 34, 3, 3, 1, 1, 1, 1)},
      {"3x3, 3 channels, stride 2, same", Conv(1, 16, 16, 3, 32, 3, 3, 2, 1, 0, 1)},
      {"7x7, 3 channels, stride 2", Conv(1, 20, 20, 3, 8, 7, 7, 2, 1, 3, 3)},
      {"1x7", Conv(1, 8, 8, 9, 6, 1, 7, 1, 1, 3, 3)},
      {"7x1", Conv(1, 8, 8, 9, 6, 7, 1, 1, 1, 3, 3)},
      {"5x5, stride 3", Conv(1, 13, 14, 4, 5, 5, 5, 3, 1, 2, 2)},
      {"2x2, stride 2", Conv(1, 8, 6, 4, 5, 2, 2, 2, 1, 0, 0)},
      {"3x3, dilation 2", Conv(1, 9, 10, 6, 7, 3, 3, 1, 2, 2, 2)},
      {"3x3, dilation 3, stride 2", Conv(1, 14, 13, 5, 9, 3, 3, 2, 3, 3, 3)},
      {"3x3, window wider than the image", Conv(1, 2, 1, 5, 9, 3, 3, 1, 1, 1, 1)},
      {"3x3, padding wider than the kernel", Conv(1, 3, 2, 3, 4, 3, 3, 1, 1, 4, 5)},
      {"3x3, Winograd", Conv(2, 30, 29, 32, 64, 3, 3, 1, 1, 1, 1)},
      {"3x3, 2 groups", Conv(1, 6, 7, 10, 14, 3, 3, 1, 1, 1, 1, 2)},
      {"1x1, 4 groups", Conv(2, 4, 5, 8, 72, 1, 1, 1, 1, 0, 0, 4)},
      {"3x3, as many groups as channels", Conv(1, 5, 6, 6, 12, 3, 3, 2, 1, 1, 1, 6)},
      {"3x3, filters of 600 KB", Conv(1, 5, 4, 80, 215, 3, 3, 1, 1, 1, 1)},
      {"1x1, seven parts", Conv(2, 9, 11, 512, 384, 1, 1, 1, 1, 0, 0)},
      {"1x1, filters of 600 KB, many pixels", Conv(1, 8, 15, 400, 390, 1, 1, 1, 1, 0, 0)},
      {"3x3, bands in scratch", Conv(1, 12, 90, 60, 4, 3, 3, 1, 1, 1, 1)},
  };
  ConvChecker().CheckAll(cases, false);
}

TEST(ConvTest, TransposedGeometries) {
  // batch, height, width, in, out, kernel, kernel, stride, dilation, pad, extra rows, group
  const std::vector<Case> cases = {
      {"1x1", Deconv(1, 3, 4, 5, 6, 1, 1, 1, 1, 0, 0)},
      {"2x2, stride 2", Deconv(2, 5, 7, 12, 34, 2, 2, 2, 1, 0, 0)},
      {"3x3, stride 1", Deconv(1, 6, 5, 4, 7, 3, 3, 1, 1, 1, 0)},
      {"3x3, stride 2", Deconv(1, 5, 5, 6, 7, 3, 3, 2, 1, 0, 0)},
      {"3x3, stride 2, padded, extra row", Deconv(1, 5, 4, 6, 7, 3, 3, 2, 1, 1, 1)},
      {"4x4, stride 2, padded", Deconv(2, 4, 6, 3, 9, 4, 4, 2, 1, 1, 0)},
      {"stride 4 > kernel 2", Deconv(1, 4, 3, 5, 6, 2, 2, 4, 1, 0, 2)},
      {"5x3, stride 3", Deconv(1, 3, 4, 5, 6, 5, 3, 3, 1, 1, 0)},
      {"3x3, stride 2, dilation 2", Deconv(1, 5, 4, 4, 5, 3, 3, 2, 2, 1, 0)},
      {"3x3, stride 3, dilation 2", Deconv(1, 4, 4, 4, 5, 3, 3, 3, 2, 2, 2)},
      {"3x3, stride 2, 2 groups", Deconv(1, 4, 5, 6, 10, 3, 3, 2, 1, 1, 1, 2)},
      {"16x16, stride 8", Deconv(1, 3, 3, 4, 4, 16, 16, 8, 1, 4, 0)},
      {"output of one pixel", Deconv(1, 1, 1, 4, 4, 3, 3, 2, 1, 1, 0)},
  };
  ConvChecker().CheckAll(cases, true);
}

TEST(ConvTest, TilesForThreads) {
  const GemmKernel &gemm = *GemmKernels().begin();
  // Small filters: rows are split; large filters: filters are.
  EXPECT_EQ(PlanConv(Conv(1, 56, 56, 64, 64, 5, 5, 1, 1, 2, 2), gemm, 4).splits, 1);
  const ConvPlan large = PlanConv(Conv(1, 7, 7, 512, 512, 5, 5, 1, 1, 2, 2), gemm, 4);
  EXPECT_GT(large.splits, 1);
  EXPECT_EQ(large.bands, 1);
  // Many pixels pay for reading all of them again.
  const ConvPlan both = PlanConv(Conv(1, 14, 14, 512, 512, 1, 1, 1, 1, 0, 0), gemm, 2);
  EXPECT_EQ(both.bands, 2);
  EXPECT_EQ(both.tiles, 4);
  for (int threads : {2, 3, 8}) {
    for (const ConvShape &shape :
         {Conv(1, 7, 7, 512, 512, 3, 3, 1, 1, 1, 1), Conv(1, 1, 1, 1024, 1000, 1, 1, 1, 1, 0, 0),
          Conv(1, 112, 112, 32, 64, 1, 1, 1, 1, 0, 0)}) {
      EXPECT_GE(PlanConv(shape, gemm, threads).tiles, threads);
    }
  }
}

}  // namespace
}  // namespace kernels
}  // namespace mace
