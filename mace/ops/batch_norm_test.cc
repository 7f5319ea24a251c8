// SPDX-License-Identifier: Apache-2.0
// BatchNorm: with statistics and folded, constant and computed parameters, all numbers of channels.
#include <algorithm>
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

OpDefBuilder Builder() { return OpDefBuilder("BatchNorm").AddFloatArg("epsilon", kEpsilon); }

TEST(BatchNorm, AllChannelCounts) {
  for (int64_t channels : {1, 2, 3, 5, 8, 16, 17, 33, 300, 2500}) {
    const int64_t pixels = channels < 20 ? 2 * 20 * 60 : 2 * 3 * 5;
    const Shape shape = channels < 20 ? Shape{2, 20, 60, channels} : Shape{2, 3, 5, channels};
    const std::vector<float> in = RandomFloats(pixels * channels, -2, 2, 1);
    const std::vector<float> scale = RandomFloats(channels, -2, 2, 2);
    const std::vector<float> offset = RandomFloats(channels, -2, 2, 3);
    const std::vector<float> mean = RandomFloats(channels, -2, 2, 4);
    const std::vector<float> var = RandomFloats(channels, 0.1f, 2, 5);
    std::vector<float> normalized, folded;
    for (size_t i = 0; i < in.size(); ++i) {
      const size_t c = i % static_cast<size_t>(channels);
      const double x = static_cast<double>(in[i]), s = static_cast<double>(scale[c]);
      const double deviation =
          std::sqrt(static_cast<double>(var[c]) + static_cast<double>(kEpsilon));
      const double y = s * (x - static_cast<double>(mean[c])) / deviation;
      normalized.push_back(static_cast<float>(std::max(y + static_cast<double>(offset[c]), 0.0)));
      folded.push_back(static_cast<float>(s * x + static_cast<double>(offset[c])));
    }
    for (bool is_const : {true, false}) {
      const auto channel = [&](const std::vector<float> &values) {
        return MakeTensor<float>({channels}, values, is_const);
      };
      OpCase with_statistics = {MakeString(channels, " channels"),
                                Builder().AddStringArg("activation", "RELU"),
                                {MakeTensor<float>(shape, in), channel(scale), channel(offset),
                                 channel(mean), channel(var)},
                                {MakeTensor<float>(shape, normalized)}};
      with_statistics.abs = 2e-5;
      RunOpCase(with_statistics);
      OpCase without = {MakeString(channels, " channels, folded"),
                        Builder(),
                        {MakeTensor<float>(shape, in), channel(scale), channel(offset)},
                        {MakeTensor<float>(shape, folded)}};
      without.abs = 1e-6;
      RunOpCase(without);
    }
  }
}

TEST(BatchNorm, OtherRanks) {
  const TestTensor scale = MakeConst<float>({2}, {2, 3}), offset = MakeConst<float>({2}, {1, -1});
  RunOpCases({
      {"one",
       Builder(),
       {MakeTensor<float>({2}, {1, 2}), scale, offset},
       {MakeTensor<float>({2}, std::vector<float>{3, 5})}},
      {"two",
       Builder(),
       {MakeTensor<float>({2, 2}, {1, 2, 3, 4}), scale, offset},
       {MakeTensor<float>({2, 2}, std::vector<float>{3, 5, 7, 11})}},
      {"nothing",
       Builder(),
       {MakeTensor<float>({0, 2}, {}), scale, offset},
       {MakeTensor<float>({0, 2}, {})}},
  });
}

TEST(BatchNorm, SomeConstantParameters) {
  RunOpCase({"the offset is computed",
             Builder(),
             {MakeTensor<float>({2, 2}, {1, 2, 3, 4}), MakeConst<float>({2}, {2, 3}),
              MakeTensor<float>({2}, {1, -1})},
             {MakeTensor<float>({2, 2}, std::vector<float>{3, 5, 7, 11})}});
}

TEST(BatchNorm, RefusesWhatDoesNotFit) {
  const auto refused = [](const OpDefBuilder &def, const std::vector<TestTensor> &inputs,
                          const char *message) {
    OpCase op_case = {message, def, inputs, {}};
    op_case.code = MaceStatus::MACE_INVALID_ARGS;
    op_case.message = message;
    RunOpCase(op_case);
  };
  const TestTensor in = MakeTensor<float>({2, 2}, {1});
  const TestTensor two = MakeConst<float>({2}, {1}), three = MakeConst<float>({3}, {1});
  refused(Builder(), {in, three, three}, "does not fit the 2 channels");
  refused(Builder(), {in, two, three}, "BatchNorm 'test': input 2 of shape [3]");
  refused(Builder(), {in, two, two, two}, "mean and var go together");
  refused(Builder(), {in, two, MakeConst<int32_t>({2}, {1})}, "input 2 must be float32, not int32");
  refused(Builder(), {MakeTensor<float>({}, {1}), two, two}, "has no channels");
  refused(Builder().AddStringArg("activation", "RELUX"), {in, two, two}, "max_limit above 0");
}

}  // namespace
}  // namespace test
}  // namespace ops
}  // namespace mace
