// SPDX-License-Identifier: Apache-2.0
// LayerNorm against its formula in double.
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

OpDefBuilder Builder(int64_t axis) {
  return OpDefBuilder("LayerNorm").AddIntArg("axis", axis).AddFloatArg("epsilon", kEpsilon);
}

std::vector<float> Expected(const std::vector<float> &in, size_t n, const std::vector<float> &scale,
                            const std::vector<float> &offset) {
  std::vector<float> out;
  for (size_t first = 0; first < in.size(); first += n) {
    double mean = 0, variance = 0;
    for (size_t i = 0; i < n; ++i) mean += static_cast<double>(in[first + i]);
    mean /= static_cast<double>(n);
    for (size_t i = 0; i < n; ++i)
      variance += std::pow(static_cast<double>(in[first + i]) - mean, 2);
    variance /= static_cast<double>(n);
    for (size_t i = 0; i < n; ++i) {
      double y = (static_cast<double>(in[first + i]) - mean) /
                 std::sqrt(variance + static_cast<double>(kEpsilon));
      if (!scale.empty()) y *= static_cast<double>(scale[i]);
      if (!offset.empty()) y += static_cast<double>(offset[i]);
      out.push_back(static_cast<float>(y));
    }
  }
  return out;
}

TEST(LayerNorm, AllAxes) {
  for (const Shape &shape : {Shape{5}, Shape{7, 120}, Shape{2, 3, 4}, Shape{2, 40, 3, 96}}) {
    const std::vector<float> in = RandomFloats(shape.elements(), -1, 5);
    for (int axis = 0; axis < shape.rank(); ++axis) {
      const int64_t n = shape.elements(axis, shape.rank());
      Shape parameters;
      for (int i = axis; i < shape.rank(); ++i) parameters.push_back(shape[i]);
      const std::vector<float> scale = RandomFloats(n, -2, 2, 1),
                               offset = RandomFloats(n, -2, 2, 2);
      const auto run = [&](std::vector<TestTensor> inputs, const std::vector<float> &expected) {
        inputs.insert(inputs.begin(), MakeTensor<float>(shape, in));
        OpCase op_case = {MakeString(shape.ToString(), " axis ", axis),
                          Builder(axis),
                          inputs,
                          {MakeTensor<float>(shape, expected)}};
        op_case.abs = 1e-5;
        RunOpCase(op_case);
      };
      const TestTensor s = MakeConst<float>(parameters, scale);
      const TestTensor o = MakeTensor<float>(parameters, offset);
      const size_t count = static_cast<size_t>(n);
      run({}, Expected(in, count, {}, {}));
      run({s}, Expected(in, count, scale, {}));
      run({s, o}, Expected(in, count, scale, offset));
      run({TestTensor(), o}, Expected(in, count, {}, offset));
    }
  }
}

TEST(LayerNorm, RefusesWhatDoesNotFit) {
  const auto refused = [](const OpDefBuilder &def, const std::vector<TestTensor> &inputs,
                          const char *message) {
    OpCase op_case = {message, def, inputs, {}};
    op_case.code = MaceStatus::MACE_INVALID_ARGS;
    op_case.message = message;
    RunOpCase(op_case);
  };
  const TestTensor in = MakeTensor<float>({2, 3}, {1});
  refused(Builder(2), {in}, "axis 2 is outside");
  refused(Builder(0), {in, MakeConst<float>({3}, {1})},
          "does not have one element for each of the 6");
  refused(Builder(1), {in, MakeConst<int32_t>({3}, {1})}, "scale must be float32, not int32");
}

}  // namespace
}  // namespace test
}  // namespace ops
}  // namespace mace
