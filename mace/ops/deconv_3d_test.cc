// SPDX-License-Identifier: Apache-2.0
// Deconv3D against its definition: each input element adds its filter to the output.
#include <gtest/gtest.h>

#include <array>

#include "mace/ops/ops_test_util.h"

namespace mace {
namespace ops {
namespace test {
namespace {

struct Case {
  int64_t batch, in_c, out_c, group;
  std::array<int64_t, 3> in, kernel, stride, dilation, before, after, extra;
  bool constant;
};

std::vector<float> Expected(const Case &c, const std::vector<float> &x, const std::vector<float> &w,
                            const std::vector<float> &bias, Shape *shape) {
  std::array<int64_t, 3> out;
  for (size_t i = 0; i < 3; ++i) {
    out[i] = (c.in[i] - 1) * c.stride[i] + (c.kernel[i] - 1) * c.dilation[i] + 1 + c.extra[i] -
             c.before[i] - c.after[i];
  }
  *shape = Shape({c.batch, out[0], out[1], out[2], c.out_c});
  const int64_t in_each = c.in_c / c.group, out_each = c.out_c / c.group;
  const int64_t taps = c.kernel[0] * c.kernel[1] * c.kernel[2];
  const int64_t pixels = c.in[0] * c.in[1] * c.in[2];
  std::vector<double> sums(static_cast<size_t>(shape->elements()));
  for (size_t i = 0; i < sums.size(); ++i) sums[i] = bias[i % static_cast<size_t>(c.out_c)];
  for (int64_t p = 0; p < c.batch * pixels; ++p) {
    const std::array<int64_t, 3> at = {p % pixels / c.in[2] / c.in[1], p / c.in[2] % c.in[1],
                                       p % c.in[2]};
    for (int64_t k = 0; k < taps; ++k) {
      const std::array<int64_t, 3> tap = {k / c.kernel[2] / c.kernel[1],
                                          k / c.kernel[2] % c.kernel[1], k % c.kernel[2]};
      int64_t to = p / pixels;
      bool inside = true;
      for (size_t i = 0; i < 3; ++i) {
        const int64_t o = at[i] * c.stride[i] + tap[i] * c.dilation[i] - c.before[i];
        inside = inside && o >= 0 && o < out[i];
        to = to * out[i] + o;
      }
      for (int64_t o = 0; inside && o < c.out_c; ++o) {
        for (int64_t i = 0; i < in_each; ++i) {
          sums[static_cast<size_t>(to * c.out_c + o)] +=
              static_cast<double>(x[static_cast<size_t>(p * c.in_c + o / out_each * in_each + i)]) *
              w[static_cast<size_t>((o * taps + k) * in_each + i)];
        }
      }
    }
  }
  return std::vector<float>(sums.begin(), sums.end());
}

TEST(Deconv3DTest, AgainstTheDefinition) {
  const Case cases[] = {
      {1,
       1,
       1,
       1,
       {1, 1, 1},
       {1, 1, 1},
       {1, 1, 1},
       {1, 1, 1},
       {0, 0, 0},
       {0, 0, 0},
       {0, 0, 0},
       true},
      {2,
       3,
       5,
       1,
       {3, 4, 2},
       {3, 3, 3},
       {2, 2, 2},
       {1, 1, 1},
       {1, 1, 1},
       {1, 1, 1},
       {1, 1, 1},
       true},
      {1,
       4,
       6,
       2,
       {3, 2, 4},
       {2, 1, 3},
       {2, 1, 3},
       {1, 1, 1},
       {0, 0, 2},
       {1, 0, 0},
       {0, 0, 0},
       true},
      // Kernels smaller than strides: some of the output is bias alone.
      {1,
       2,
       3,
       1,
       {2, 3, 2},
       {1, 2, 1},
       {3, 3, 2},
       {1, 1, 1},
       {0, 0, 0},
       {0, 0, 0},
       {2, 1, 1},
       true},
      {1,
       3,
       3,
       3,
       {4, 3, 5},
       {2, 3, 2},
       {1, 2, 1},
       {3, 2, 2},
       {2, 0, 1},
       {0, 1, 1},
       {0, 0, 0},
       false},
      {2,
       2,
       33,
       1,
       {2, 2, 2},
       {3, 1, 1},
       {1, 1, 1},
       {1, 1, 1},
       {2, 0, 0},
       {0, 0, 0},
       {0, 0, 0},
       false},
  };
  for (const Case &c : cases) {
    const Shape in({c.batch, c.in[0], c.in[1], c.in[2], c.in_c});
    const Shape filter({c.out_c, c.kernel[0], c.kernel[1], c.kernel[2], c.in_c / c.group});
    const std::vector<float> x = RandomFloats(in.elements(), -1, 1, 1),
                             w = RandomFloats(filter.elements(), -1, 1, 2),
                             bias = RandomFloats(c.out_c, -1, 1, 3);
    Shape shape;
    const std::vector<float> expected = Expected(c, x, w, bias, &shape);
    const auto ints = [](const std::array<int64_t, 3> &a) {
      return std::vector<int64_t>(a.begin(), a.end());
    };
    RunOpCases({{"deconv",
                 OpDefBuilder("Deconv3D")
                     .AddIntArg("group", c.group)
                     .AddStringArg("padding", "EXPLICIT")
                     .AddIntsArg("strides", ints(c.stride))
                     .AddIntsArg("dilations", ints(c.dilation))
                     .AddIntsArg("output_paddings", ints(c.extra))
                     .AddIntsArg("paddings", {c.before[0], c.after[0], c.before[1], c.after[1],
                                              c.before[2], c.after[2]}),
                 {MakeTensor<float>(in, x), MakeTensor<float>(filter, w, c.constant),
                  MakeTensor<float>({c.out_c}, bias, c.constant)},
                 {MakeTensor<float>(shape, expected)},
                 1e-4,
                 1e-4}});
  }
}

TEST(Deconv3DTest, SizeGiven) {
  const TestTensor input = MakeTensor<float>({1, 1, 1, 2, 1}, {1, 2});
  const TestTensor filter = MakeConst<float>({1, 1, 1, 3, 1}, {1, 2, 3});
  const OpDefBuilder same =
      OpDefBuilder("Deconv3D").AddStringArg("padding", "SAME").AddIntsArg("strides", {1, 1, 2});
  const TestTensor absent;
  RunOpCases({
      {"as the convolution of that size pads",
       same,
       {input, filter, absent, MakeConst<int32_t>({5}, {1, 1, 1, 4, 1})},
       {MakeTensor<float>({1, 1, 1, 4, 1}, {1, 2, 5, 4})}},
      Refused("sizes", same, {input, filter, absent, MakeConst<int32_t>({4}, {1, 1, 4, 1})},
              MaceStatus::MACE_INVALID_ARGS, "it must have 5"),
      Refused("size", same, {input, filter, absent, MakeConst<int32_t>({5}, {1, 1, 1, -4, 1})},
              MaceStatus::MACE_INVALID_ARGS, "output_shape has -4"),
      Refused("stride", OpDefBuilder("Deconv3D").AddIntsArg("strides", {1, 17, 1}), {input, filter},
              MaceStatus::MACE_UNSUPPORTED, "stride 17 is larger"),
      Refused("depth dilated", OpDefBuilder("Deconv3D").AddIntsArg("dilations", {1 << 30, 1, 1}),
              {input, filter}, MaceStatus::MACE_INVALID_ARGS, "1048576"),
      Refused("output padding",
              OpDefBuilder("Deconv3D").AddIntsArg("output_paddings", {0, 0, INT64_MAX}),
              {input, filter}, MaceStatus::MACE_INVALID_ARGS, "output_paddings"),
  });
}

}  // namespace
}  // namespace test
}  // namespace ops
}  // namespace mace
