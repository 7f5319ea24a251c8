// SPDX-License-Identifier: Apache-2.0
// LocalResponseNorm against its formula in double.
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "mace/ops/ops_test_util.h"

namespace mace {
namespace ops {
namespace test {
namespace {

TEST(LocalResponseNorm, AllRadiiAndPowers) {
  for (const Shape &shape : {Shape{1, 2, 3, 1}, Shape{2, 3, 2, 7}, Shape{1, 4, 3, 35}}) {
    const int64_t channels = shape[3];
    const std::vector<float> in = RandomFloats(shape.elements(), -3, 3);
    for (int64_t radius : {int64_t{0}, int64_t{2}, int64_t{5}, int64_t{1} << 62}) {
      for (double beta : {0.5, 0.75, 1.0, 0.3}) {
        std::vector<float> expected;
        for (int64_t i = 0; i < shape.elements(); ++i) {
          double sum = 0;
          for (int64_t j = 0; j < channels; ++j) {
            if (std::llabs(j - i % channels) > radius) continue;
            const double x = static_cast<double>(in[static_cast<size_t>(i - i % channels + j)]);
            sum += x * x;
          }
          expected.push_back(static_cast<float>(static_cast<double>(in[static_cast<size_t>(i)]) /
                                                std::pow(1.5 + 0.25 * sum, beta)));
        }
        OpCase op_case = {MakeString(shape.ToString(), " radius ", radius, " beta ", beta),
                          OpDefBuilder("LocalResponseNorm")
                              .AddIntArg("depth_radius", radius)
                              .AddFloatArg("bias", 1.5f)
                              .AddFloatArg("alpha", 0.25f)
                              .AddFloatArg("beta", static_cast<float>(beta)),
                          {MakeTensor<float>(shape, in)},
                          {MakeTensor<float>(shape, expected)}};
        op_case.abs = 1e-6;
        RunOpCase(op_case);
      }
    }
  }
}

TEST(LocalResponseNorm, ManyPixelsOnSeveralThreads) {
  // With a window of the whole pixel the sum is the same for each channel: 4.
  const std::vector<float> ones(40 * 40 * 20, 1);
  RunOpCase(
      {"ones",
       OpDefBuilder("LocalResponseNorm").AddIntArg("depth_radius", 20).AddFloatArg("alpha", 0.15f),
       {MakeTensor<float>({1, 40, 40, 20}, ones)},
       {MakeTensor<float>({1, 40, 40, 20}, std::vector<float>{0.5f})}});
}

TEST(LocalResponseNorm, RefusesScalars) {
  OpCase op_case = {"scalar", OpDefBuilder("LocalResponseNorm"), {MakeTensor<float>({}, {1})}, {}};
  op_case.code = MaceStatus::MACE_INVALID_ARGS;
  op_case.message = "has no channels";
  RunOpCase(op_case);
}

}  // namespace
}  // namespace test
}  // namespace ops
}  // namespace mace
