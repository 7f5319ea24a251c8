// SPDX-License-Identifier: Apache-2.0
// Every depthwise kernel that this machine can run, at all remainders of its groups of pixels and
// of its lanes, in buffers of exactly the right size, against sums in double.
#include "mace/kernels/dwconv/dwconv.h"

#include <cmath>
#include <limits>
#include <vector>

#include "gtest/gtest.h"
#include "mace/kernels/test_util.h"

namespace mace {
namespace kernels {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();

DwconvShape Shape(int64_t h, int64_t w, int64_t c, int64_t kernel, int64_t stride, int64_t pad,
                  int64_t pad_end) {
  DwconvShape s;
  s.in_h = h;
  s.in_w = w;
  s.in_c = c;
  s.kernel_h = s.kernel_w = kernel;
  s.stride_h = s.stride_w = stride;
  s.pad_top = s.pad_left = pad;
  s.out_h = (h + pad + pad_end - kernel) / stride + 1;
  s.out_w = (w + pad + pad_end - kernel) / stride + 1;
  return s;
}

class DwconvChecker {
 public:
  DwconvChecker() : in_(1 << 18), packed_(1 << 16), out_(1 << 18), scratch_(1 << 18) {}

  // `behind`: floats between the input and the end of its page.
  void Check(const DwconvShape &s, const DwconvPlan &plan, const DwconvEpilogue &epilogue,
             int64_t behind = 0) {
    SCOPED_TRACE(testing::Message()
                 << plan.kernel->name << ", " << s.in_h << "x" << s.in_w << "x" << s.in_c << " to "
                 << s.out_h << "x" << s.out_w << ", " << plan.bands << " bands");
    Random random(3);
    const int64_t taps = s.kernel_h * s.kernel_w;
    const std::vector<float> input = random.Vector(s.batch * s.in_h * s.in_w * s.in_c + behind);
    const std::vector<float> filter = random.Vector(taps * s.out_c());
    const std::vector<float> bias = random.Vector(s.out_c());
    const float *biases = s.in_w % 4 == 0 ? nullptr : bias.data();
    const int64_t outputs = s.batch * s.out_h * s.out_w * s.out_c();
    std::vector<double> expected(outputs), magnitude(outputs);
    DwconvReference(s, input.data(), filter.data(), biases, expected.data(), magnitude.data());

    const int lanes = plan.kernel->lanes;
    float *packed = packed_.Take(PackedDwconvFloats(lanes, taps, s.out_c()));
    PackDwconv(lanes, taps, s.out_c(), filter.data(), biases, packed);
    const float *in = in_.Take(input);
    float *out = out_.Take(outputs, NAN);
    for (int64_t tile = plan.tiles - 1; tile >= 0; --tile) {
      float *scratch = scratch_.Take(plan.scratch_floats, NAN);
      RunDwconvTile(plan, epilogue, in, packed, out, tile, scratch);
      ASSERT_TRUE(scratch_.Intact());
    }
    ErrorMeter meter;
    for (int64_t i = 0; i < outputs; ++i) {
      double y = std::fmin(std::fmax(expected[i], epilogue.low), epilogue.high);
      if (epilogue.activation.kind == kActivationLeakyRelu && y < 0) y *= 0.25;
      ASSERT_TRUE(meter.Add(out[i], y, magnitude[i]))
          << "element " << i << " is " << out[i] << ", not " << y;
    }
    meter.Expect(plan.kernel->name);
    ASSERT_TRUE(in_.Intact() && packed_.Intact() && out_.Intact());
  }

 private:
  GuardedFloats in_, packed_, out_, scratch_;
};

DwconvEpilogue Linear() {
  DwconvEpilogue epilogue;
  epilogue.low = -kInf;
  epilogue.high = kInf;
  return epilogue;
}

// Pixels at a multiple of 1024 bytes, and the output at any place beside such a multiple of the
// input's: what is stored for some channels then decides which are next.
TEST(DwconvTest, OutputsBesideInputsInTheirPages) {
  DwconvChecker checker;
  ForEachKernel(DwconvKernels(), [&](const DwconvKernel &kernel) {
    if (kernel.window == 0) return;
    for (int64_t channels : {256, 512}) {
      for (int64_t behind : {0, 8, 16, 32, 40, 64, 240}) {
        const int64_t pad = kernel.window / 2;
        const DwconvShape shape = Shape(5, 6, channels, kernel.window, kernel.stride, pad, pad);
        checker.Check(shape, PlanDwconv(shape, kernel, 1), Linear(), behind);
        if (testing::Test::HasFatalFailure()) return;
      }
    }
  });
}

// Each kernel on its own window, or on 3x3 and 4x4 if it takes any.
TEST(DwconvTest, SizesAndRemainders) {
  DwconvChecker checker;
  ForEachKernel(DwconvKernels(), [&](const DwconvKernel &kernel) {
    for (int64_t window : {kernel.window == 0 ? 4 : kernel.window, 3}) {
      if (kernel.window != 0 && window != kernel.window) continue;
      const int64_t stride = kernel.stride == 0 ? 1 : kernel.stride;
      for (int64_t width = 1; width <= 17; ++width) {
        for (int64_t height : {width % 3 + 2, width % 2 + 5}) {
          for (int64_t c : {0, 1, kernel.lanes - 1, kernel.lanes, kernel.lanes + 3}) {
            for (int64_t pad = 0; pad <= 2; ++pad) {
              // 0: VALID; 1: SAME with the surplus at the end; 2: as much on both sides.
              const int64_t before = pad == 0 ? 0 : (window - stride + (pad == 2)) / 2;
              const int64_t after = pad == 0 ? 0 : (window - stride + 1) / 2;
              if (height + before + after < window || width + before + after < window) continue;
              const DwconvShape shape =
                  Shape(height, width, kernel.lanes + c, window, stride, before, after);
              if (!DwconvFits(kernel, shape)) continue;
              DwconvEpilogue epilogue = Linear();
              if (width % 2 == 0) epilogue.low = 0;
              if (width % 2 == 0) epilogue.high = 1;
              checker.Check(shape, PlanDwconv(shape, kernel, width % 4 == 1 ? 3 : 1), epilogue);
              if (testing::Test::HasFatalFailure()) return;
            }
          }
        }
      }
    }
  });
}

// Windows, strides, dilations, paddings and multipliers that only the kernels for any window take.
TEST(DwconvTest, AnyGeometry) {
  DwconvChecker checker;
  for (int64_t c : {1, 3, 4, 7, 9, 16, 21, 40}) {
    for (int64_t multiplier : {1, 2, 3}) {
      for (int64_t batch : {1, 2}) {
        for (int geometry = 0; geometry < 8; ++geometry) {
          DwconvShape s = Shape(9, 11, c, 3, 1, 1, 1);
          if (geometry == 1) s = Shape(8, 9, c, 3, 2, 0, 1);
          if (geometry == 2) s = Shape(13, 13, c, 7, 3, 3, 3);
          if (geometry == 3) {  // 1x5
            s.kernel_h = 1;
            s.kernel_w = 5;
            s.pad_top = 0;
            s.pad_left = 2;
          }
          if (geometry == 4) {  // dilation 2, 3
            s.dilation_h = 2;
            s.dilation_w = 3;
            s.pad_top = 2;
            s.pad_left = 3;
          }
          if (geometry == 5) s = Shape(2, 2, c, 3, 1, 4, 4);
          if (geometry == 6) s = Shape(5, 6, c, 5, 1, 2, 2);
          if (geometry == 7) {
            s.stride_h = 2;
            s.out_h = 5;
          }
          s.multiplier = multiplier;
          s.batch = batch;
          DwconvEpilogue epilogue = Linear();
          if (geometry % 2 == 1) epilogue.activation.kind = kActivationLeakyRelu;
          epilogue.activation.coefficient = 0.25f;
          uint32_t isas = DetectedIsas();
          while (true) {
            const int lanes = DwconvLanes(isas, s.out_c());
            const DwconvPlan plan = PlanDwconv(s, isas, lanes, 1 + geometry % 3);
            ASSERT_EQ(plan.kernel->lanes, lanes);
            checker.Check(s, plan, epilogue);
            if (testing::Test::HasFatalFailure()) return;
            if (plan.kernel->isa == kIsaReference) break;
            isas &= ~static_cast<uint32_t>(plan.kernel->isa);
          }
        }
      }
    }
  }
}

TEST(DwconvTest, EachIsaHasOneForAnyWindowWithItsLanes) {
  for (const DwconvKernel &kernel : DwconvKernels()) {
    int any = 0;
    for (const DwconvKernel &other : DwconvKernels()) {
      if (other.isa != kernel.isa) continue;
      EXPECT_EQ(other.lanes, kernel.lanes) << kernel.name;
      any += other.window == 0;
    }
    EXPECT_EQ(any, 1) << kernel.name;
  }
}

TEST(DwconvTest, WindowKernelsAreChosen) {
  const uint32_t isas = DetectedIsas();
  const DwconvShape shape = Shape(14, 14, 64, 3, 1, 1, 1);
  const DwconvPlan plan = PlanDwconv(shape, isas, DwconvLanes(isas, 64), 1);
  EXPECT_EQ(plan.kernel->window, isas == kIsaReference ? 0 : 3);
}

}  // namespace
}  // namespace kernels
}  // namespace mace
