// SPDX-License-Identifier: Apache-2.0
// Deconv2D: small cases by hand, many by sums in double, and what must be refused.
#include <gtest/gtest.h>

#include "mace/kernels/conv/conv.h"
#include "mace/ops/ops_test_util.h"

namespace mace {
namespace ops {
namespace test {
namespace {

OpDefBuilder Deconv(const char *padding, int64_t stride) {
  return OpDefBuilder("Deconv2D")
      .AddStringArg("padding", padding)
      .AddIntsArg("strides", {stride, stride});
}

TEST(Deconv2DTest, Cases) {
  const TestTensor image = MakeTensor<float>({1, 2, 2, 1}, {1, 2, 3, 4});
  const TestTensor box = MakeConst<float>({1, 2, 2, 1}, {1});
  const TestTensor absent;
  RunOpCases({
      {"stride as the kernel: each pixel becomes a block",
       Deconv("VALID", 2),
       {image, box},
       {MakeTensor<float>({1, 4, 4, 1}, {1, 1, 2, 2, 1, 1, 2, 2, 3, 3, 4, 4, 3, 3, 4, 4})}},
      {"stride 1: blocks overlap",
       Deconv("VALID", 1),
       {image, box},
       {MakeTensor<float>({1, 3, 3, 1}, {1, 3, 2, 4, 10, 6, 3, 7, 4})}},
      {"the kernel is laid down as it is",
       Deconv("VALID", 2),
       {MakeTensor<float>({1, 1, 1, 1}, {1}), MakeConst<float>({1, 2, 2, 1}, {1, 2, 3, 4})},
       {MakeTensor<float>({1, 2, 2, 1}, {1, 2, 3, 4})}},
      {"stride beyond the kernel leaves the bias",
       Deconv("VALID", 3),
       {MakeTensor<float>({1, 1, 2, 1}, {1, 2}), MakeConst<float>({1, 1, 1, 1}, {5}),
        MakeConst<float>({1}, {7})},
       {MakeTensor<float>({1, 1, 4, 1}, {12, 7, 7, 17})}},
      {"SAME is input times stride",
       Deconv("SAME", 2),
       {MakeTensor<float>({1, 1, 2, 1}, {1, 2}), MakeConst<float>({1, 3, 3, 1}, {1})},
       {MakeTensor<float>({1, 2, 4, 1}, {1, 1, 3, 2, 1, 1, 3, 2})}},
      {"EXPLICIT cuts off",
       Deconv("EXPLICIT", 2).AddIntsArg("paddings", {1, 1, 1, 1}),
       {image, box},
       {MakeTensor<float>({1, 2, 2, 1}, {1, 2, 3, 4})}},
      {"output_paddings",
       Deconv("VALID", 2).AddIntsArg("output_paddings", {0, 1}),
       {MakeTensor<float>({1, 1, 1, 1}, {1}), box},
       {MakeTensor<float>({1, 2, 3, 1}, {1, 1, 0, 1, 1, 0})}},
      {"output_shape of TensorFlow",
       Deconv("SAME", 2),
       {MakeTensor<float>({1, 1, 2, 1}, {1, 2}), MakeConst<float>({1, 1, 3, 1}, {1, 10, 100}),
        absent, MakeConst<int32_t>({4}, {1, 1, 3, 1})},
       {MakeTensor<float>({1, 1, 3, 1}, {10, 102, 20})}},
      {"two groups",
       Deconv("VALID", 1).AddIntArg("group", 2),
       {MakeTensor<float>({1, 1, 1, 4}, {1, 2, 3, 4}), MakeConst<float>({2, 1, 1, 2}, {1})},
       {MakeTensor<float>({1, 1, 1, 2}, {3, 7})}},
      {"activation",
       Deconv("VALID", 1).AddStringArg("activation", "RELU"),
       {image, MakeConst<float>({1, 1, 1, 1}, {-1}), MakeConst<float>({1}, {2.5f})},
       {MakeTensor<float>({1, 2, 2, 1}, {1.5f, 0.5f, 0, 0})}},
      {"computed filter",
       Deconv("VALID", 2),
       {image, MakeTensor<float>({1, 2, 2, 1}, {1}), MakeTensor<float>({1}, {1})},
       {MakeTensor<float>({1, 4, 4, 1}, {2, 2, 3, 3, 2, 2, 3, 3, 4, 4, 5, 5, 4, 4, 5, 5})}},
  });
}

TEST(Deconv2DTest, Refusals) {
  const TestTensor image = MakeTensor<float>({1, 2, 2, 1}, {1});
  const TestTensor box = MakeConst<float>({1, 2, 2, 1}, {1});
  const MaceStatus::Code invalid = MaceStatus::MACE_INVALID_ARGS;
  RunOpCases({
      Refused("channels", Deconv("SAME", 1), {image, MakeConst<float>({1, 2, 2, 2}, {1})}, invalid,
              "takes 2"),
      Refused("paddings", Deconv("EXPLICIT", 1).AddIntsArg("paddings", {2, 1, 0, 0}), {image, box},
              invalid, "leave nothing"),
      Refused("output_shape", Deconv("SAME", 1), {image, box, {}, MakeConst<int32_t>({2}, {4, 4})},
              invalid, "it must have 4"),
      Refused("output_shape of nothing", Deconv("SAME", 1),
              {image, box, {}, MakeConst<int32_t>({4}, {1, 0, 4, 1})}, invalid,
              "there must be one or more"),
      Refused("output_shape computed from elements", Deconv("SAME", 1),
              {image, box, {}, MakeTensor<int32_t>({4}, {1, 4, 4, 1})},
              MaceStatus::MACE_UNSUPPORTED, "output_shape"),
      Refused("stride", Deconv("VALID", 65), {image, box}, MaceStatus::MACE_UNSUPPORTED,
              "stride 65"),
  });
}

TEST(Deconv2DTest, AgainstSumsInDouble) {
  struct Geometry {
    int64_t batch, h, w, in_c, out_c, kernel, stride, dilation, pad, group;
  };
  const Geometry geometries[] = {{2, 6, 7, 24, 34, 2, 2, 1, 0, 1},
                                 {1, 5, 5, 9, 17, 3, 2, 1, 1, 1},
                                 {1, 4, 6, 8, 12, 4, 2, 1, 1, 2},
                                 {1, 3, 4, 5, 6, 5, 3, 2, 2, 1},
                                 {1, 9, 9, 16, 1, 2, 2, 1, 0, 1}};
  uint32_t stream = 200;
  for (const Geometry &g : geometries) {
    kernels::ConvShape s;
    s.batch = g.batch;
    s.in_h = g.h;
    s.in_w = g.w;
    s.in_c = g.in_c;
    s.out_c = g.out_c;
    s.kernel_h = s.kernel_w = g.kernel;
    s.stride_h = s.stride_w = g.stride;
    s.dilation_h = s.dilation_w = g.dilation;
    s.pad_top = s.pad_left = g.pad;
    s.group = g.group;
    s.out_h = (g.h - 1) * g.stride + (g.kernel - 1) * g.dilation + 1 - 2 * g.pad;
    s.out_w = (g.w - 1) * g.stride + (g.kernel - 1) * g.dilation + 1 - 2 * g.pad;
    const Shape in({g.batch, g.h, g.w, g.in_c});
    const Shape filter({g.out_c, g.kernel, g.kernel, g.in_c / g.group});
    const Shape out({s.batch, s.out_h, s.out_w, s.out_c});
    const std::vector<float> x = RandomFloats(in.elements(), -1, 1, ++stream);
    const std::vector<float> w = RandomFloats(filter.elements(), -1, 1, ++stream);
    std::vector<double> y(out.elements()), magnitude(out.elements());
    kernels::ConvReference(s, true, x.data(), w.data(), nullptr, y.data(), magnitude.data());
    for (bool constant : {true, false}) {
      OpCase c = {MakeString("geometry ", stream),
                  Deconv("EXPLICIT", g.stride)
                      .AddIntsArg("paddings", {g.pad, g.pad, g.pad, g.pad})
                      .AddIntsArg("dilations", {g.dilation, g.dilation})
                      .AddIntArg("group", g.group),
                  {MakeTensor<float>(in, x), MakeTensor<float>(filter, w, constant)},
                  {MakeTensor<float>(out, std::vector<float>(y.begin(), y.end()))}};
      c.rel = 0;
      c.abs = 1e-5;
      RunOpCase(c);
    }
  }
}

}  // namespace
}  // namespace test
}  // namespace ops
}  // namespace mace
