// SPDX-License-Identifier: Apache-2.0
// DepthwiseConv2d: small cases by hand, many by sums in double, and what must be refused.
#include <gtest/gtest.h>

#include "mace/kernels/dwconv/dwconv.h"
#include "mace/ops/ops_test_util.h"

namespace mace {
namespace ops {
namespace test {
namespace {

OpDefBuilder Depthwise(const char *padding, int64_t stride = 1) {
  return OpDefBuilder("DepthwiseConv2d")
      .AddStringArg("padding", padding)
      .AddIntsArg("strides", {stride, stride});
}

TEST(DepthwiseConv2dTest, Cases) {
  const TestTensor two = MakeTensor<float>({1, 2, 2, 2}, {1, 10, 2, 20, 3, 30, 4, 40});
  RunOpCases({
      {"channels apart",
       Depthwise("VALID"),
       {two, MakeConst<float>({1, 2, 2, 2}, {1})},
       {MakeTensor<float>({1, 1, 1, 2}, {10, 100})}},
      {"SAME",
       Depthwise("SAME"),
       {two, MakeConst<float>({1, 2, 2, 2}, {1})},
       {MakeTensor<float>({1, 2, 2, 2}, {10, 100, 6, 60, 7, 70, 4, 40})}},
      {"multiplier 2: output channel c is made of input channel c / 2",
       Depthwise("VALID"),
       {MakeTensor<float>({1, 1, 1, 2}, {1, 10}), MakeConst<float>({1, 1, 1, 4}, {1, 2, 3, 4}),
        MakeConst<float>({4}, {0, 0, 0, 5})},
       {MakeTensor<float>({1, 1, 1, 4}, {1, 2, 30, 45})}},
      {"activation",
       Depthwise("VALID").AddStringArg("activation", "RELUX").AddFloatArg("max_limit", 6),
       {two, MakeConst<float>({1, 1, 1, 2}, {-1, 0.25f})},
       {MakeTensor<float>({1, 2, 2, 2}, {0, 2.5f, 0, 5, 0, 6, 0, 6})}},
      {"computed filter",
       Depthwise("VALID"),
       {two, MakeTensor<float>({1, 1, 1, 2}, {2, 1}), MakeTensor<float>({2}, {1, 1})},
       {MakeTensor<float>({1, 2, 2, 2}, {3, 11, 5, 21, 7, 31, 9, 41})}},
      {"empty",
       Depthwise("SAME"),
       {MakeTensor<float>({0, 2, 2, 2}, {}), MakeConst<float>({1, 2, 2, 2}, {1})},
       {MakeTensor<float>({0, 2, 2, 2}, {})}},
  });
}

TEST(DepthwiseConv2dTest, Refusals) {
  const TestTensor image = MakeTensor<float>({1, 3, 3, 2}, {1});
  const MaceStatus::Code invalid = MaceStatus::MACE_INVALID_ARGS;
  RunOpCases({
      Refused("first dimension", Depthwise("SAME"), {image, MakeConst<float>({2, 3, 3, 2}, {1})},
              invalid, "its first dimension must be 1"),
      Refused("channels", Depthwise("SAME"), {image, MakeConst<float>({1, 3, 3, 3}, {1})}, invalid,
              "no multiple"),
      Refused("bias", Depthwise("SAME"),
              {image, MakeConst<float>({1, 3, 3, 2}, {1}), MakeConst<float>({3}, {1})}, invalid,
              "bias has shape [3]"),
      Refused("window", Depthwise("VALID"), {image, MakeConst<float>({1, 3, 4, 2}, {1})}, invalid,
              "width of input [1, 3, 3, 2]: a window of 4"),
      Refused("type", Depthwise("SAME"), {image, MakeConst<int32_t>({1, 3, 3, 2}, {1})},
              MaceStatus::MACE_UNSUPPORTED, "int32"),
  });
}

// Numbers as binary16; small integers are exact, and so are their sums.
TEST(DepthwiseConv2dTest, Binary16) {
  uint32_t stream = 100;
  for (int64_t channels : {8, 13}) {
    for (int64_t stride : {1, 2}) {
      for (bool constant : {true, false}) {
        kernels::DwconvShape s;
        s.in_h = s.in_w = 9;
        s.in_c = channels;
        s.kernel_h = s.kernel_w = 3;
        s.stride_h = s.stride_w = stride;
        s.pad_top = s.pad_left = 1;
        s.out_h = s.out_w = 8 / stride + 1;
        const auto integers = [&](int64_t n) {
          const std::vector<int64_t> drawn = RandomInts(n, -3, 3, ++stream);
          return std::vector<float>(drawn.begin(), drawn.end());
        };
        const std::vector<float> x = integers(81 * channels), w = integers(9 * channels);
        const std::vector<float> b = integers(channels);
        std::vector<double> y(s.out_h * s.out_w * channels), magnitude(y.size());
        kernels::DwconvReference(s, x.data(), w.data(), b.data(), y.data(), magnitude.data());
        for (double &value : y) value = value < 0 ? value / 2 : value;
        RunOpCase(
            {MakeString(channels, " channels, stride ", stride),
             Depthwise("EXPLICIT", stride)
                 .AddIntsArg("paddings", {1, 1, 1, 1})
                 .AddStringArg("activation", "LEAKYRELU")
                 .AddFloatArg("activation_coefficient", 0.5f),
             {Halves({1, 9, 9, channels}, x), MakeTensor<float>({1, 3, 3, channels}, w, constant),
              MakeTensor<float>({channels}, b, constant)},
             {Halves({1, s.out_h, s.out_w, channels}, {y.begin(), y.end()})}});
      }
    }
  }
  RunOpCases({
      Refused("few channels", Depthwise("SAME"),
              {Halves({1, 3, 3, 7}, {1}), MakeConst<float>({1, 3, 3, 7}, {1})},
              MaceStatus::MACE_UNSUPPORTED, "8 at least"),
      Refused("multiplier", Depthwise("SAME"),
              {Halves({1, 3, 3, 8}, {1}), MakeConst<float>({1, 3, 3, 16}, {1})},
              MaceStatus::MACE_UNSUPPORTED, "as many of both"),
  });
}

TEST(DepthwiseConv2dTest, AgainstSumsInDouble) {
  struct Geometry {
    int64_t batch, h, w, c, multiplier, kernel, stride, dilation, pad;
  };
  const Geometry geometries[] = {{1, 9, 11, 24, 1, 3, 1, 1, 1}, {2, 8, 9, 33, 1, 3, 2, 1, 1},
                                 {1, 7, 7, 19, 1, 5, 1, 1, 2},  {1, 12, 9, 16, 2, 3, 1, 1, 1},
                                 {2, 9, 9, 3, 3, 4, 3, 1, 1},   {1, 9, 8, 20, 1, 3, 1, 3, 3},
                                 {1, 1, 9, 40, 1, 3, 1, 1, 1}};
  uint32_t stream = 100;
  for (const Geometry &g : geometries) {
    kernels::DwconvShape s;
    s.batch = g.batch;
    s.in_h = g.h;
    s.in_w = g.w;
    s.in_c = g.c;
    s.multiplier = g.multiplier;
    s.kernel_h = s.kernel_w = g.kernel;
    s.stride_h = s.stride_w = g.stride;
    s.dilation_h = s.dilation_w = g.dilation;
    s.pad_top = s.pad_left = g.pad;
    s.out_h = (g.h + 2 * g.pad - (g.kernel - 1) * g.dilation - 1) / g.stride + 1;
    s.out_w = (g.w + 2 * g.pad - (g.kernel - 1) * g.dilation - 1) / g.stride + 1;
    const Shape in({g.batch, g.h, g.w, g.c}), filter({1, g.kernel, g.kernel, s.out_c()});
    const Shape out({g.batch, s.out_h, s.out_w, s.out_c()});
    const std::vector<float> x = RandomFloats(in.elements(), -1, 1, ++stream);
    const std::vector<float> w = RandomFloats(filter.elements(), -1, 1, ++stream);
    const std::vector<float> b = RandomFloats(s.out_c(), -1, 1, ++stream);
    std::vector<double> y(out.elements()), magnitude(out.elements());
    kernels::DwconvReference(s, x.data(), w.data(), b.data(), y.data(), magnitude.data());
    for (bool constant : {true, false}) {
      OpCase c = {MakeString("geometry ", stream),
                  Depthwise("EXPLICIT", g.stride)
                      .AddIntsArg("paddings", {g.pad, g.pad, g.pad, g.pad})
                      .AddIntsArg("dilations", {g.dilation, g.dilation}),
                  {MakeTensor<float>(in, x), MakeTensor<float>(filter, w, constant),
                   MakeTensor<float>({s.out_c()}, b, constant)},
                  {MakeTensor<float>(out, std::vector<float>(y.begin(), y.end()))}};
      c.rel = 0;
      c.abs = 5e-6;
      RunOpCase(c);
    }
  }
}

}  // namespace
}  // namespace test
}  // namespace ops
}  // namespace mace
