// SPDX-License-Identifier: Apache-2.0
// Where windows lie, with numbers of TensorFlow, Caffe and ONNX.
#include "mace/ops/window.h"

#include <gtest/gtest.h>

#include <cmath>

namespace mace {
namespace ops {
namespace {

struct LayoutCase {
  int64_t in, kernel, stride, dilation;
  PaddingKind padding;
  int64_t pad_begin, pad_end;
  bool round_up;
  int64_t count, begin, end;  // expected
};

WindowDimension Window(const LayoutCase &c) {
  WindowDimension w;
  w.kernel = c.kernel;
  w.stride = c.stride;
  w.dilation = c.dilation;
  w.padding = c.padding;
  w.pad_begin = c.pad_begin;
  w.pad_end = c.pad_end;
  w.round_up = c.round_up;
  return w;
}

TEST(WindowTest, LayOutWindow) {
  constexpr PaddingKind kValid = PaddingKind::kValid, kSame = PaddingKind::kSame,
                        kExplicit = PaddingKind::kExplicit;
  const LayoutCase cases[] = {
      {224, 3, 2, 1, kSame, 0, 0, false, 112, 0, 1},
      {224, 7, 2, 1, kSame, 0, 0, false, 112, 2, 3},
      {7, 3, 1, 1, kSame, 0, 0, false, 7, 1, 1},
      {5, 2, 1, 1, kSame, 0, 0, false, 5, 0, 1},
      {5, 1, 2, 1, kSame, 0, 0, false, 3, 0, 0},  // strides past pixels, no padding
      {9, 3, 1, 2, kSame, 0, 0, false, 9, 2, 2},
      {10, 3, 2, 1, kValid, 5, 5, false, 4, 0, 0},  // paddings are ignored
      {10, 3, 2, 1, kExplicit, 1, 1, false, 5, 1, 1},
      {10, 3, 2, 1, kExplicit, 0, 1, false, 5, 0, 1},
      {3, 3, 5, 1, kValid, 0, 0, false, 1, 0, 0},
      // Caffe's pooling of SqueezeNet and ResNet, and one whose last window would begin in the
      // padding at the end.
      {113, 3, 2, 1, kValid, 0, 0, true, 56, 0, 0},
      {112, 3, 2, 1, kValid, 0, 0, true, 56, 0, 0},
      {4, 2, 3, 1, kExplicit, 1, 1, true, 2, 1, 1},
      {4, 1, 3, 1, kExplicit, 0, 1, true, 2, 0, 1},
      {3, 1, 3, 1, kExplicit, 0, 2, true, 2, 0, 2},
  };
  for (const LayoutCase &c : cases) {
    WindowLayout layout;
    std::string problem;
    ASSERT_TRUE(LayOutWindow(Window(c), c.in, &layout, &problem)) << problem;
    EXPECT_EQ(layout.count, c.count) << "in " << c.in << ", kernel " << c.kernel;
    EXPECT_EQ(layout.pad_begin, c.begin) << "in " << c.in << ", kernel " << c.kernel;
    EXPECT_EQ(layout.pad_end, c.end) << "in " << c.in << ", kernel " << c.kernel;
  }
}

TEST(WindowTest, WindowThatDoesNotFit) {
  WindowDimension w;
  w.kernel = 3;
  w.dilation = 2;
  WindowLayout layout;
  std::string problem;
  EXPECT_FALSE(LayOutWindow(w, 4, &layout, &problem));
  EXPECT_NE(problem.find("a window of 5 does not fit into 4"), std::string::npos) << problem;
}

TEST(WindowTest, LayOutTransposed) {
  WindowDimension w;
  w.kernel = 3;
  w.stride = 2;
  WindowLayout layout;
  std::string problem;
  ASSERT_TRUE(LayOutTransposed(w, 4, 0, &layout, &problem));
  EXPECT_EQ(layout.count, 9);
  w.padding = PaddingKind::kSame;
  ASSERT_TRUE(LayOutTransposed(w, 4, 0, &layout, &problem));
  EXPECT_EQ(layout.count, 8);
  EXPECT_EQ(layout.pad_begin, 0);
  EXPECT_EQ(layout.pad_end, 1);
  w.padding = PaddingKind::kExplicit;
  w.pad_begin = w.pad_end = 1;
  ASSERT_TRUE(LayOutTransposed(w, 4, 1, &layout, &problem));
  EXPECT_EQ(layout.count, 8);
  w.pad_begin = 9;
  EXPECT_FALSE(LayOutTransposed(w, 4, 0, &layout, &problem));
  EXPECT_NE(problem.find("leave nothing"), std::string::npos) << problem;
}

TEST(WindowTest, FusedActivation) {
  kernels::ActivationParams params;
  params.kind = kernels::kActivationRelux;
  params.max_limit = 6;
  FusedActivation fused = FuseActivation(params);
  EXPECT_EQ(fused.low, 0);
  EXPECT_EQ(fused.high, 6);
  EXPECT_EQ(fused.rest.kind, kernels::kActivationNoop);
  params.kind = kernels::kActivationTanh;
  fused = FuseActivation(params);
  EXPECT_TRUE(std::isinf(fused.low) && std::isinf(fused.high));
  EXPECT_EQ(fused.rest.kind, kernels::kActivationTanh);
}

}  // namespace
}  // namespace ops
}  // namespace mace
