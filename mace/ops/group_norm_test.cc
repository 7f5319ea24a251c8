// SPDX-License-Identifier: Apache-2.0
// GroupNorm against its formula in double.
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "mace/ops/ops_test_util.h"

namespace mace {
namespace ops {
namespace test {
namespace {

constexpr float kEpsilon = 1e-3f;

OpDefBuilder Builder(int64_t groups) {
  return OpDefBuilder("GroupNorm").AddIntArg("groups", groups).AddFloatArg("epsilon", kEpsilon);
}

std::vector<float> Expected(const Shape &shape, const std::vector<float> &in, int64_t groups,
                            const std::vector<float> &scale, const std::vector<float> &offset) {
  const int64_t channels = shape[shape.rank() - 1], pixels = shape.elements(1, shape.rank() - 1);
  const int64_t in_group = channels / groups;
  std::vector<float> out(in.size());
  for (int64_t n = 0; n < shape[0]; ++n) {
    for (int64_t g = 0; g < groups; ++g) {
      const auto each = [&](auto &&function) {
        for (int64_t p = 0; p < pixels; ++p) {
          for (int64_t c = g * in_group; c < (g + 1) * in_group; ++c) {
            function(static_cast<size_t>((n * pixels + p) * channels + c), static_cast<size_t>(c));
          }
        }
      };
      const double count = static_cast<double>(pixels * in_group);
      double mean = 0, variance = 0;
      each([&](size_t i, size_t) { mean += static_cast<double>(in[i]) / count; });
      each([&](size_t i, size_t) {
        variance += std::pow(static_cast<double>(in[i]) - mean, 2) / count;
      });
      each([&](size_t i, size_t c) {
        double y = (static_cast<double>(in[i]) - mean) /
                   std::sqrt(variance + static_cast<double>(kEpsilon));
        if (!scale.empty()) y *= static_cast<double>(scale[c]);
        if (!offset.empty()) y += static_cast<double>(offset[c]);
        out[i] = static_cast<float>(y);
      });
    }
  }
  return out;
}

TEST(GroupNorm, GroupsAndShapes) {
  struct Size {
    Shape shape;
    std::vector<int64_t> groups;
  };
  const Size sizes[] = {{{3, 8}, {1, 2, 4, 8}},         {{2, 300, 6}, {1, 2, 3, 6}},
                        {{2, 5, 7, 40}, {1, 2, 8, 40}}, {{1, 9, 4, 36}, {1, 4, 12, 36}},
                        {{1, 3, 2, 3, 2, 5}, {1, 5}},   {{1, 1, 1, 7}, {7}}};
  for (const Size &size : sizes) {
    const int64_t channels = size.shape[size.shape.rank() - 1];
    const std::vector<float> in = RandomFloats(size.shape.elements(), -1, 5);
    const std::vector<float> scale = RandomFloats(channels, -2, 2, 1),
                             offset = RandomFloats(channels, -2, 2, 2);
    for (int64_t groups : size.groups) {
      const auto run = [&](std::vector<TestTensor> inputs, const std::vector<float> &expected) {
        inputs.insert(inputs.begin(), MakeTensor<float>(size.shape, in));
        OpCase op_case = {MakeString(size.shape.ToString(), " groups ", groups),
                          Builder(groups == channels ? 0 : groups),
                          inputs,
                          {MakeTensor<float>(size.shape, expected)}};
        op_case.abs = 1e-5;
        RunOpCase(op_case);
      };
      const TestTensor factors = MakeTensor<float>({channels}, scale),
                       addends = MakeTensor<float>({channels}, offset);
      run({}, Expected(size.shape, in, groups, {}, {}));
      run({factors}, Expected(size.shape, in, groups, scale, {}));
      run({factors, addends}, Expected(size.shape, in, groups, scale, offset));
    }
  }
}

TEST(GroupNorm, LargeMeansKeepTheirVariance) {
  std::vector<float> in = RandomFloats(4000 * 3, -1, 1);
  for (float &x : in) x += 1000;
  const Shape shape{1, 4000, 3};
  OpCase op_case = {"large mean",
                    Builder(0),
                    {MakeTensor<float>(shape, in)},
                    {MakeTensor<float>(shape, Expected(shape, in, 3, {}, {}))}};
  op_case.abs = 1e-3;
  RunOpCase(op_case);
}

TEST(GroupNorm, Empty) {
  for (const Shape &shape : {Shape{0, 3, 4}, Shape{2, 0, 4}, Shape{2, 3, 0}}) {
    RunOpCase(
        {"empty", Builder(0), {MakeTensor<float>(shape, {})}, {MakeTensor<float>(shape, {})}});
  }
}

TEST(GroupNorm, Refuses) {
  const auto fails = [](int64_t groups, const Shape &shape, int64_t scale, const char *text) {
    OpsTestNet net;
    net.Add("x", MakeTensor<float>(shape, RandomFloats(shape.elements(), -1, 1)));
    net.Add("scale", MakeTensor<float>({scale}, RandomFloats(scale, -1, 1)));
    Builder(groups).Input("x").Input("scale").Output("y").Finalize(net.NewOperatorDef());
    EXPECT_TRUE(Fails(net.RunOp(), MaceStatus::MACE_INVALID_ARGS, text));
  };
  fails(1, {4}, 4, "has no batch and channels");
  fails(3, {1, 2, 4}, 4, "4 channels cannot be split into 3 groups");
  fails(2, {1, 2, 4}, 3, "does not have one element for each of the 4 channels");
  fails(-1, {1, 2, 4}, 4, "groups");
}

}  // namespace
}  // namespace test
}  // namespace ops
}  // namespace mace
