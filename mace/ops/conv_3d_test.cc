// SPDX-License-Identifier: Apache-2.0
// Conv3D against its definition, over shapes, paddings and groups.
#include <gtest/gtest.h>

#include <array>

#include "mace/ops/ops_test_util.h"

namespace mace {
namespace ops {
namespace test {
namespace {

struct Case {
  int64_t batch, in_c, out_c, group;
  std::array<int64_t, 3> in, kernel, stride, dilation, before, after;
  bool constant;
};

// The definition, in double.
std::vector<float> Expected(const Case &c, const std::vector<float> &x, const std::vector<float> &w,
                            const std::vector<float> &bias, Shape *shape) {
  std::array<int64_t, 3> out;
  for (size_t i = 0; i < 3; ++i) {
    const int64_t reach = (c.kernel[i] - 1) * c.dilation[i] + 1;
    out[i] = (c.in[i] + c.before[i] + c.after[i] - reach) / c.stride[i] + 1;
  }
  *shape = Shape({c.batch, out[0], out[1], out[2], c.out_c});
  const int64_t each = c.in_c / c.group;
  std::vector<float> y;
  const auto tap = [&](size_t i, int64_t o, int64_t k) {
    return o * c.stride[i] - c.before[i] + k * c.dilation[i];
  };
  const auto inside = [&](size_t i, int64_t at) { return at >= 0 && at < c.in[i]; };
  for (int64_t n = 0; n < c.batch; ++n) {
    for (int64_t p = 0; p < out[0] * out[1] * out[2] * c.out_c; ++p) {
      const int64_t o = p % c.out_c, g = o / (c.out_c / c.group);
      const std::array<int64_t, 3> at = {p / c.out_c / out[2] / out[1],
                                         p / c.out_c / out[2] % out[1], p / c.out_c % out[2]};
      double sum = bias[static_cast<size_t>(o)];
      for (int64_t k = 0; k < c.kernel[0] * c.kernel[1] * c.kernel[2]; ++k) {
        const int64_t z = tap(0, at[0], k / c.kernel[2] / c.kernel[1]);
        const int64_t v = tap(1, at[1], k / c.kernel[2] % c.kernel[1]);
        const int64_t u = tap(2, at[2], k % c.kernel[2]);
        if (!inside(0, z) || !inside(1, v) || !inside(2, u)) continue;
        for (int64_t i = 0; i < each; ++i) {
          const int64_t pixel = ((n * c.in[0] + z) * c.in[1] + v) * c.in[2] + u;
          const int64_t taps = c.kernel[0] * c.kernel[1] * c.kernel[2];
          sum += static_cast<double>(x[static_cast<size_t>(pixel * c.in_c + g * each + i)]) *
                 w[static_cast<size_t>((o * taps + k) * each + i)];
        }
      }
      y.push_back(static_cast<float>(sum));
    }
  }
  return y;
}

TEST(Conv3DTest, AgainstTheDefinition) {
  const Case cases[] = {
      {1, 1, 1, 1, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}, {0, 0, 0}, {0, 0, 0}, true},
      {2, 3, 5, 1, {4, 5, 6}, {3, 3, 3}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}, true},
      {1, 4, 35, 1, {5, 4, 3}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}, {0, 0, 0}, {0, 0, 0}, true},
      {1, 4, 6, 2, {5, 4, 7}, {2, 1, 3}, {2, 1, 3}, {1, 1, 1}, {0, 0, 2}, {1, 0, 0}, true},
      {1, 3, 3, 3, {7, 7, 7}, {2, 3, 2}, {1, 2, 1}, {3, 2, 2}, {2, 0, 1}, {0, 1, 1}, true},
      {2, 2, 3, 1, {3, 4, 4}, {3, 1, 1}, {1, 1, 1}, {1, 1, 1}, {2, 0, 0}, {2, 0, 0}, false},
      {1, 17, 9, 1, {3, 9, 8}, {3, 3, 3}, {1, 2, 2}, {1, 1, 1}, {0, 1, 0}, {0, 1, 1}, false},
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
    RunOpCases({{"conv",
                 OpDefBuilder("Conv3D")
                     .AddIntArg("group", c.group)
                     .AddStringArg("padding", "EXPLICIT")
                     .AddIntsArg("strides", ints(c.stride))
                     .AddIntsArg("dilations", ints(c.dilation))
                     .AddIntsArg("paddings", {c.before[0], c.after[0], c.before[1], c.after[1],
                                              c.before[2], c.after[2]}),
                 {MakeTensor<float>(in, x), MakeTensor<float>(filter, w, c.constant),
                  MakeTensor<float>({c.out_c}, bias, c.constant)},
                 {MakeTensor<float>(shape, expected)},
                 1e-4,
                 1e-4}});
  }
}

TEST(Conv3DTest, PaddingAndActivation) {
  const TestTensor ones = MakeConst<float>({1, 2, 2, 2, 1}, {1});
  RunOpCases({
      {"SAME has its surplus at the end",
       OpDefBuilder("Conv3D").AddStringArg("padding", "SAME").AddStringArg("activation", "RELU"),
       {MakeTensor<float>({1, 1, 1, 2, 1}, {-1, 3}), ones},
       {MakeTensor<float>({1, 1, 1, 2, 1}, {2, 3})}},
      {"empty",
       OpDefBuilder("Conv3D"),
       {MakeTensor<float>({0, 2, 2, 2, 1}, {}), ones},
       {MakeTensor<float>({0, 1, 1, 1, 1}, {})}},
  });
}

TEST(Conv3DTest, Refusals) {
  const MaceStatus::Code invalid = MaceStatus::MACE_INVALID_ARGS;
  const TestTensor input = MakeIota<float>({1, 2, 2, 2, 1});
  const TestTensor filter = MakeConst<float>({2, 1, 1, 1, 1}, {1});
  const OpDefBuilder conv("Conv3D");
  RunOpCases({
      Refused("rank", conv, {MakeIota<float>({1, 2, 2, 1}), filter}, invalid, "5 dimensions"),
      Refused("channels", conv, {MakeIota<float>({1, 2, 2, 2, 2}), filter}, invalid, "1 channels"),
      Refused("filter", conv, {input, MakeConst<float>({1, 1, 1, 1}, {1})}, invalid, "filter has"),
      Refused("empty filter", conv, {input, MakeConst<float>({0, 1, 1, 1, 1}, {})}, invalid,
              "dimensions must be from 1"),
      Refused("window", conv, {input, MakeConst<float>({1, 3, 1, 1, 1}, {1})}, invalid,
              "depth of input"),
      Refused("groups", OpDefBuilder("Conv3D").AddIntArg("group", 3), {input, filter}, invalid,
              "3 groups"),
      Refused("bias", conv, {input, filter, MakeConst<float>({3}, {1})}, invalid, "bias has shape"),
      Refused("stride", OpDefBuilder("Conv3D").AddIntsArg("strides", {1, INT64_MAX, 1}),
              {input, filter}, invalid, "stride"),
      Refused("hugely padded",
              OpDefBuilder("Conv3D")
                  .AddStringArg("padding", "EXPLICIT")
                  .AddIntsArg("strides", {1 << 20, 1 << 20, 1 << 20})
                  .AddIntsArg("paddings", {1 << 20, 1 << 20, 1 << 20, 1 << 20, 1 << 20, 1 << 20}),
              {input, filter}, invalid, "too large"),
  });
}

}  // namespace
}  // namespace test
}  // namespace ops
}  // namespace mace
