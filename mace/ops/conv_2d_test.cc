// SPDX-License-Identifier: Apache-2.0
// Conv2D: small cases by hand, many by sums in double, and what must be refused.
#include <gtest/gtest.h>

#include <algorithm>

#include "mace/kernels/conv/conv.h"
#include "mace/ops/ops_test_util.h"

namespace mace {
namespace ops {
namespace test {
namespace {

OpDefBuilder Conv(const char *padding, int64_t stride = 1) {
  return OpDefBuilder("Conv2D")
      .AddStringArg("padding", padding)
      .AddIntsArg("strides", {stride, stride});
}

TEST(Conv2DTest, Cases) {
  const TestTensor ones = MakeTensor<float>({1, 3, 3, 1}, {1});
  const TestTensor box = MakeConst<float>({1, 3, 3, 1}, {1});
  RunOpCases({
      {"VALID", Conv("VALID"), {ones, box}, {MakeTensor<float>({1, 1, 1, 1}, {9})}},
      {"SAME counts what the window covers",
       Conv("SAME"),
       {ones, box},
       {MakeTensor<float>({1, 3, 3, 1}, {4, 6, 4, 6, 9, 6, 4, 6, 4})}},
      {"SAME with stride 2 pads at the end",
       Conv("SAME", 2),
       {MakeTensor<float>({1, 4, 4, 1}, {1}), box},
       {MakeTensor<float>({1, 2, 2, 1}, {9, 6, 6, 4})}},
      {"EXPLICIT, top, bottom, left, right",
       Conv("EXPLICIT").AddIntsArg("paddings", {1, 0, 0, 2}),
       {ones, box},
       {MakeTensor<float>({1, 2, 3, 1}, {6, 4, 2, 9, 6, 3})}},
      {"bias",
       Conv("VALID"),
       {ones, box, MakeConst<float>({1}, {-4})},
       {MakeTensor<float>({1, 1, 1, 1}, {5})}},
      {"filter is OHWI: output channel 1 sees input channel 0 alone",
       Conv("VALID"),
       {MakeTensor<float>({1, 1, 2, 2}, {1, 2, 3, 4}),
        MakeConst<float>({2, 1, 1, 2}, {1, 10, 1, 0})},
       {MakeTensor<float>({1, 1, 2, 2}, {21, 1, 43, 3})}},
      {"not flipped",
       Conv("VALID"),
       {MakeTensor<float>({1, 1, 3, 1}, {1, 2, 3}), MakeConst<float>({1, 1, 3, 1}, {1, 0, 0})},
       {MakeTensor<float>({1, 1, 1, 1}, {1})}},
      {"two groups",
       Conv("VALID").AddIntArg("group", 2),
       {MakeTensor<float>({1, 1, 1, 4}, {1, 2, 3, 4}),
        MakeConst<float>({2, 1, 1, 2}, {1, 1, 1, 1})},
       {MakeTensor<float>({1, 1, 1, 2}, {3, 7})}},
      {"dilation",
       Conv("VALID").AddIntsArg("dilations", {1, 2}),
       {MakeTensor<float>({1, 1, 5, 1}, {1, 2, 3, 4, 5}), MakeConst<float>({1, 1, 2, 1}, {1, 10})},
       {MakeTensor<float>({1, 1, 3, 1}, {31, 42, 53})}},
      {"RELU",
       Conv("VALID").AddStringArg("activation", "RELU"),
       {ones, box, MakeConst<float>({1}, {-10})},
       {MakeTensor<float>({1, 1, 1, 1}, {0})}},
      {"RELUX",
       Conv("VALID").AddStringArg("activation", "RELUX").AddFloatArg("max_limit", 6),
       {ones, box},
       {MakeTensor<float>({1, 1, 1, 1}, {6})}},
      {"LEAKYRELU",
       Conv("VALID")
           .AddStringArg("activation", "LEAKYRELU")
           .AddFloatArg("activation_coefficient", 0.5f),
       {ones, box, MakeConst<float>({1}, {-10})},
       {MakeTensor<float>({1, 1, 1, 1}, {-0.5f})}},
      {"computed filter and bias",
       Conv("SAME"),
       {ones, MakeTensor<float>({1, 3, 3, 1}, {1}), MakeTensor<float>({1}, {1})},
       {MakeTensor<float>({1, 3, 3, 1}, {5, 7, 5, 7, 10, 7, 5, 7, 5})}},
      {"constant filter, computed bias",
       Conv("VALID"),
       {ones, box, MakeTensor<float>({1}, {1})},
       {MakeTensor<float>({1, 1, 1, 1}, {10})}},
      {"empty batch",
       Conv("SAME"),
       {MakeTensor<float>({0, 3, 3, 1}, {}), box},
       {MakeTensor<float>({0, 3, 3, 1}, {})}},
  });
}

TEST(Conv2DTest, Refusals) {
  const TestTensor image = MakeTensor<float>({1, 3, 3, 2}, {1});
  const MaceStatus::Code invalid = MaceStatus::MACE_INVALID_ARGS;
  RunOpCases({
      Refused("rank", Conv("SAME"),
              {MakeTensor<float>({3, 3, 2}, {1}), MakeConst<float>({1, 1, 1, 2}, {1})}, invalid,
              "must have 4 dimensions"),
      Refused("channels", Conv("SAME"), {image, MakeConst<float>({1, 1, 1, 3}, {1})}, invalid,
              "has 2 channels, but filter [1, 1, 1, 3] with 1 groups takes 3"),
      Refused("groups", Conv("SAME").AddIntArg("group", 2),
              {image, MakeConst<float>({3, 1, 1, 1}, {1})}, invalid,
              "cannot be divided into 2 groups"),
      Refused("more groups than channels", Conv("SAME").AddIntArg("group", int64_t{1} << 60),
              {image, MakeConst<float>({3, 1, 1, 1}, {1})}, invalid, "cannot be divided"),
      Refused("bias", Conv("SAME"),
              {image, MakeConst<float>({1, 1, 1, 2}, {1}), MakeConst<float>({2}, {1})}, invalid,
              "bias has shape [2]"),
      Refused("window", Conv("VALID"), {image, MakeConst<float>({1, 5, 1, 2}, {1})}, invalid,
              "height of input [1, 3, 3, 2]: a window of 5 does not fit into 3"),
      Refused("stride", Conv("VALID", int64_t{1} << 62),
              {image, MakeConst<float>({1, 1, 1, 2}, {1})}, invalid, "stride"),
      Refused("dilation", Conv("VALID").AddIntsArg("dilations", {1, INT64_MAX}),
              {image, MakeConst<float>({1, 1, 1, 2}, {1})}, invalid, "dilation"),
      Refused("padding", Conv("EXPLICIT").AddIntsArg("paddings", {0, 0, INT64_MAX, 0}),
              {image, MakeConst<float>({1, 1, 1, 2}, {1})}, invalid, "padding"),
      Refused("empty filter", Conv("VALID"), {image, MakeConst<float>({0, 1, 1, 2}, {})}, invalid,
              "dimensions must be from 1"),
      Refused("limit", Conv("VALID").AddStringArg("activation", "RELUX"),
              {image, MakeConst<float>({1, 1, 1, 2}, {1})}, invalid, "max_limit"),
      Refused("type of the filter", Conv("VALID"), {image, MakeConst<int32_t>({1, 1, 1, 2}, {1})},
              MaceStatus::MACE_UNSUPPORTED, "int32"),
  });
}

// Geometries with random numbers; constant and computed filters.
TEST(Conv2DTest, AgainstSumsInDouble) {
  struct Geometry {
    int64_t batch, h, w, in_c, out_c, kernel, stride, dilation, pad, group;
  };
  const Geometry geometries[] = {{1, 8, 9, 3, 16, 3, 2, 1, 1, 1},  {2, 5, 6, 40, 33, 1, 1, 1, 0, 1},
                                 {1, 7, 7, 20, 70, 3, 1, 1, 1, 1}, {1, 9, 9, 8, 12, 3, 1, 2, 2, 4},
                                 {2, 10, 7, 5, 9, 5, 3, 1, 2, 1},  {1, 4, 4, 6, 6, 3, 1, 1, 1, 6}};
  uint32_t stream = 0;
  for (const Geometry &g : geometries) {
    for (bool constant : {true, false}) {
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
      s.out_h = (g.h + 2 * g.pad - (g.kernel - 1) * g.dilation - 1) / g.stride + 1;
      s.out_w = (g.w + 2 * g.pad - (g.kernel - 1) * g.dilation - 1) / g.stride + 1;
      const Shape in({g.batch, g.h, g.w, g.in_c});
      const Shape filter({g.out_c, g.kernel, g.kernel, g.in_c / g.group});
      const Shape out({s.batch, s.out_h, s.out_w, s.out_c});
      const std::vector<float> x = RandomFloats(in.elements(), -1, 1, ++stream);
      const std::vector<float> w = RandomFloats(filter.elements(), -1, 1, ++stream);
      const std::vector<float> b = RandomFloats(g.out_c, -1, 1, ++stream);
      std::vector<double> y(out.elements()), magnitude(out.elements());
      kernels::ConvReference(s, false, x.data(), w.data(), b.data(), y.data(), magnitude.data());
      OpCase c = {MakeString("geometry ", stream),
                  Conv("EXPLICIT", g.stride)
                      .AddIntsArg("paddings", {g.pad, g.pad, g.pad, g.pad})
                      .AddIntsArg("dilations", {g.dilation, g.dilation})
                      .AddIntArg("group", g.group),
                  {MakeTensor<float>(in, x), MakeTensor<float>(filter, w, constant),
                   MakeTensor<float>({g.out_c}, b, constant)},
                  {MakeTensor<float>(out, std::vector<float>(y.begin(), y.end()))}};
      c.rel = 0;
      // Winograd's transforms round terms that are larger than those of the plain sum.
      c.abs = 2e-6 * *std::max_element(magnitude.begin(), magnitude.end());
      RunOpCase(c);
    }
  }
}

// Numbers as binary16; small integers are exact, and so are their sums.
TEST(Conv2DTest, Binary16Cases) {
  const TestTensor ones = Halves({1, 3, 3, 1}, {1}), box = MakeConst<float>({1, 3, 3, 1}, {1});
  RunOpCases({
      {"SAME, bias, RELUX",
       Conv("SAME").AddStringArg("activation", "RELUX").AddFloatArg("max_limit", 6),
       {ones, box, MakeConst<float>({1}, {-5})},
       {Halves({1, 3, 3, 1}, {0, 1, 0, 1, 4, 1, 0, 1, 0})}},
      {"LEAKYRELU",
       Conv("VALID")
           .AddStringArg("activation", "LEAKYRELU")
           .AddFloatArg("activation_coefficient", 0.5f),
       {ones, box, MakeConst<float>({1}, {-10})},
       {Halves({1, 1, 1, 1}, {-0.5f})}},
      {"two groups",
       Conv("VALID").AddIntArg("group", 2),
       {Halves({1, 1, 1, 4}, {1, 2, 3, 4}), MakeConst<float>({2, 1, 1, 2}, {1, 1, 1, 1})},
       {Halves({1, 1, 1, 2}, {3, 7})}},
      {"computed filter and bias",
       Conv("SAME"),
       {ones, MakeTensor<float>({1, 3, 3, 1}, {1}), MakeTensor<float>({1}, {1})},
       {Halves({1, 3, 3, 1}, {5, 7, 5, 7, 10, 7, 5, 7, 5})}},
      {"empty batch", Conv("SAME"), {Halves({0, 3, 3, 1}, {}), box}, {Halves({0, 3, 3, 1}, {})}},
      Refused("filter in binary16", Conv("SAME"), {ones, ones}, MaceStatus::MACE_UNSUPPORTED,
              "float16"),
  });
}

TEST(Conv2DTest, Binary16AgainstSumsInDouble) {
  uint32_t stream = 0;
  for (int64_t in_c : {3, 16}) {
    for (int64_t out_c : {16, 21}) {
      for (int64_t stride : {1, 2}) {
        kernels::ConvShape s;
        s.batch = 2;
        s.in_h = s.in_w = 7;
        s.in_c = in_c;
        s.out_c = out_c;
        s.kernel_h = s.kernel_w = 3;
        s.stride_h = s.stride_w = stride;
        s.pad_top = s.pad_left = 1;
        s.out_h = s.out_w = 6 / stride + 1;
        const auto integers = [&](int64_t n) {
          const std::vector<int64_t> drawn = RandomInts(n, -2, 2, ++stream);
          return std::vector<float>(drawn.begin(), drawn.end());
        };
        const std::vector<float> x = integers(2 * 49 * in_c), w = integers(out_c * 9 * in_c);
        const std::vector<float> b = integers(out_c);
        std::vector<double> y(2 * s.out_h * s.out_w * out_c), magnitude(y.size());
        kernels::ConvReference(s, false, x.data(), w.data(), b.data(), y.data(), magnitude.data());
        RunOpCase({MakeString(in_c, " to ", out_c, ", stride ", stride),
                   Conv("EXPLICIT", stride).AddIntsArg("paddings", {1, 1, 1, 1}),
                   {Halves({2, 7, 7, in_c}, x), MakeConst<float>({out_c, 3, 3, in_c}, w),
                    MakeConst<float>({out_c}, b)},
                   {Halves({2, s.out_h, s.out_w, out_c}, {y.begin(), y.end()})}});
      }
    }
  }
}

TEST(Conv2DTest, StatisticsAndMemory) {
  OpsTestNet net;
  net.AddRandomInput("x", {1, 8, 8, 4});
  net.AddRandomConst("w", {16, 3, 3, 4});
  Conv("SAME", 2).Input("x").Input("w").Output("y").Finalize(net.NewOperatorDef());
  ASSERT_TRUE(Succeeds(net.RunOp()));
  EXPECT_EQ(net.macs(), 4 * 4 * 16 * 9 * 4);
  EXPECT_GE(net.packed_bytes(), 16 * 9 * 4 * sizeof(float));
}

}  // namespace
}  // namespace test
}  // namespace ops
}  // namespace mace
