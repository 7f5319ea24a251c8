// SPDX-License-Identifier: Apache-2.0
// ScatterElements: each way to combine, duplicates in order, and what must be refused.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <vector>

#include "mace/ops/ops_test_util.h"

namespace mace {
namespace ops {
namespace test {
namespace {

OpDefBuilder Scatter(const char *reduction, int64_t axis = 0) {
  return OpDefBuilder("ScatterElements")
      .AddStringArg("reduction", reduction)
      .AddIntArg("axis", axis);
}

TEST(ScatterElementsTest, Cases) {
  RunOpCases({
      {"rows",
       Scatter("NONE"),
       {MakeTensor<float>({3, 3}, {0}), MakeTensor<int64_t>({2, 3}, {1, 0, 2, 0, 2, -2}),
        MakeTensor<float>({2, 3}, {1, 2, 3, 4, 5, 6})},
       {MakeTensor<float>({3, 3}, {4, 2, 0, 1, 0, 6, 0, 5, 3})}},
      {"the last of equals",
       Scatter("NONE", 1),
       {MakeTensor<uint8_t>({1, 3}, {7}), MakeTensor<int32_t>({1, 3}, {1, 1, -2}),
        MakeTensor<uint8_t>({1, 3}, {1, 2, 3})},
       {MakeTensor<uint8_t>({1, 3}, {7, 3, 7})}},
      {"add",
       Scatter("ADD", 1),
       {MakeTensor<float>({1, 5}, {1, 2, 3, 4, 5}), MakeTensor<int64_t>({1, 2}, {1, 1}),
        MakeTensor<float>({1, 2}, {1.5f, 2})},
       {MakeTensor<float>({1, 5}, {1, 5.5f, 3, 4, 5})}},
      {"multiply",
       Scatter("MUL"),
       {MakeTensor<int32_t>({3}, {1, 2, 3}), MakeTensor<int64_t>({2}, {2, 2}),
        MakeTensor<int32_t>({2}, {-2, 5})},
       {MakeTensor<int32_t>({3}, {1, 2, -30})}},
      {"smallest",
       Scatter("MIN"),
       {MakeTensor<double>({2}, {1, 2}), MakeTensor<int64_t>({2}, {0, 1}),
        MakeTensor<double>({2}, {3, -1})},
       {MakeTensor<double>({2}, {1, -1})}},
      {"largest",
       Scatter("MAX"),
       {MakeTensor<int8_t>({2}, {1, -2}), MakeTensor<int64_t>({2}, {0, 1}),
        MakeTensor<int8_t>({2}, {-3, -1})},
       {MakeTensor<int8_t>({2}, {1, -1})}},
      {"nothing",
       Scatter("NONE"),
       {MakeIota<float>({2, 2}), MakeTensor<int64_t>({0, 2}, {}), MakeTensor<float>({0, 2}, {})},
       {MakeIota<float>({2, 2})}},
  });
}

TEST(ScatterElementsTest, UpdatesThatAreTheInput) {
  OpsTestNet net;
  net.AddInput<float>("x", {4}, {1, 2, 3, 4});
  net.AddInput<int64_t>("i", {4}, {1, 2, 3, 0});
  OpDefBuilder("ScatterElements")
      .Input("x")
      .Input("i")
      .Input("x")
      .Output("y")
      .Finalize(net.NewOperatorDef());
  ASSERT_TRUE(Succeeds(net.RunOp()));
  ExpectTensorNear<float>(net, "y", {4}, {4, 1, 2, 3});
}

TEST(ScatterElementsTest, Errors) {
  const auto one = MakeTensor<float>({1}, {5});
  RunOpCases({
      Refused("beyond", Scatter("NONE"), {MakeIota<float>({2}), MakeTensor<int64_t>({1}, {2}), one},
              MaceStatus::MACE_INVALID_ARGS, "index 2 at place 0 is outside of [-2, 1]"),
      Refused("shapes", Scatter("NONE"),
              {MakeIota<float>({2}), MakeTensor<int64_t>({2}, {0, 1}), one},
              MaceStatus::MACE_INVALID_ARGS, "must be alike"),
      Refused("types", Scatter("NONE"), {MakeIota<double>({2}), MakeTensor<int64_t>({1}, {0}), one},
              MaceStatus::MACE_INVALID_ARGS, "one type"),
      Refused("sum of bool", Scatter("ADD"),
              {MakeTensor<bool>({2}, {true}), MakeTensor<int64_t>({1}, {0}),
               MakeTensor<bool>({1}, {true})},
              MaceStatus::MACE_UNSUPPORTED, "can only be replaced"),
  });
}

}  // namespace
}  // namespace test
}  // namespace ops
}  // namespace mace
