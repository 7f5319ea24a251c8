// SPDX-License-Identifier: Apache-2.0
// GRU with the reset gate before and after the product; expected numbers by the definition.
#include <gtest/gtest.h>

#include "mace/ops/ops_test_util.h"

namespace mace {
namespace ops {
namespace test {
namespace {

std::vector<TestTensor> Inputs(bool constant) {
  return {MakeTensor<float>({2, 2, 1}, {1, 2, -1, 0.5f}),
          MakeTensor<float>({1, 3, 1}, {0.5f, -0.25f, 1}, constant),
          MakeTensor<float>({1, 3, 1}, {0.1f, 0.2f, 0.3f}, constant),
          MakeTensor<float>({1, 6}, {0.1f, 0, 0.2f, 0, 0, 0.4f}, constant),
          TestTensor(),
          MakeTensor<float>({1, 2, 1}, {0.5f})};
}

TEST(GruTest, Cases) {
  const OpDefBuilder before = OpDefBuilder("GRU").AddIntArg("linear_before_reset", 1);
  const std::vector<float> plain = {0.6479898f, 0.6179036f, 0.1086219f, 0.7029741f};
  const std::vector<float> linear = {0.6360167f, 0.6164767f, 0.019141f, 0.672999f};
  for (bool constant : {true, false}) {
    RunOpCases({
        {"reset, then the product",
         OpDefBuilder("GRU"),
         Inputs(constant),
         {MakeTensor<float>({2, 1, 2, 1}, plain),
          MakeTensor<float>({1, 2, 1}, {plain[2], plain[3]})}},
        {"the product, then reset",
         before,
         Inputs(constant),
         {MakeTensor<float>({2, 1, 2, 1}, linear),
          MakeTensor<float>({1, 2, 1}, {linear[2], linear[3]})}},
    });
  }
}

TEST(GruTest, BothDirections) {
  for (bool constant : {true, false}) {
    RunOpCase({"each with weights of its own",
               OpDefBuilder("GRU").AddStringArg("direction", "BIDIRECTIONAL"),
               {MakeTensor<float>({2, 2, 1}, {1, 2, -1, 0.5f}),
                MakeTensor<float>({2, 3, 1}, {0.5f, -0.25f, 1, -0.5f, 0.75f, 0.25f}, constant),
                MakeTensor<float>({2, 3, 1}, {0.1f, 0.2f, 0.3f, 0.3f, -0.4f, 0.6f}, constant),
                MakeTensor<float>(
                    {2, 6}, {0.1f, 0, 0.2f, 0, 0, 0.4f, 0, 0.1f, -0.2f, 0.3f, 0, 0.1f}, constant),
                TestTensor(), MakeTensor<float>({2, 2, 1}, {0.5f, 0.5f, -0.25f, -0.25f})},
               {MakeTensor<float>({2, 2, 2, 1}, {0.6479898f, 0.6179036f, -0.1131335f, 0.1586495f,
                                                 0.1086219f, 0.7029741f, -0.2937612f, -0.1593147f}),
                MakeTensor<float>({2, 2, 1}, {0.1086219f, 0.7029741f, -0.1131335f, 0.1586495f})},
               1e-5,
               1e-6});
  }
}

TEST(GruTest, Refusals) {
  std::vector<TestTensor> inputs = Inputs(true);
  inputs[1] = MakeIota<float>({1, 4, 1});
  RunOpCases({Refused("gates", OpDefBuilder("GRU"), inputs, MaceStatus::MACE_INVALID_ARGS,
                      "must begin with 1, 3")});
}

}  // namespace
}  // namespace test
}  // namespace ops
}  // namespace mace
