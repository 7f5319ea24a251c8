// SPDX-License-Identifier: Apache-2.0
// Shape: the dimensions, or a range of them, without reading an element.
#include <gtest/gtest.h>

#include "mace/ops/ops_test_util.h"

namespace mace {
namespace ops {
namespace test {
namespace {

TEST(ShapeTest, Cases) {
  RunOpCases({
      {"int32",
       OpDefBuilder("Shape"),
       {MakeIota<float>({2, 3, 4})},
       {MakeTensor<int32_t>({3}, {2, 3, 4})}},
      {"int64",
       OpDefBuilder("Shape").AddIntArg("output_type", DT_INT64),
       {MakeIota<float>({2, 3, 4})},
       {MakeTensor<int64_t>({3}, {2, 3, 4})}},
      {"of bool",
       OpDefBuilder("Shape"),
       {MakeTensor<bool>({1}, {true})},
       {MakeTensor<int32_t>({1}, {1})}},
      {"range",
       OpDefBuilder("Shape").AddIntArg("start", 1).AddIntArg("end", 2),
       {MakeIota<float>({2, 3, 4})},
       {MakeTensor<int32_t>({1}, {3})}},
      {"negative range",
       OpDefBuilder("Shape").AddIntArg("start", -2).AddIntArg("end", -1),
       {MakeIota<float>({2, 3, 4})},
       {MakeTensor<int32_t>({1}, {3})}},
      {"clamped",
       OpDefBuilder("Shape").AddIntArg("start", -10).AddIntArg("end", 10),
       {MakeIota<float>({2, 3, 4})},
       {MakeTensor<int32_t>({3}, {2, 3, 4})}},
      {"empty range",
       OpDefBuilder("Shape").AddIntArg("start", 2).AddIntArg("end", 1),
       {MakeIota<float>({2, 3, 4})},
       {MakeTensor<int32_t>({0}, {})}},
      {"scalar",
       OpDefBuilder("Shape"),
       {MakeTensor<float>({}, {1})},
       {MakeTensor<int32_t>({0}, {})}},
      {"zero dimension",
       OpDefBuilder("Shape"),
       {MakeTensor<float>({0, 7}, {})},
       {MakeTensor<int32_t>({2}, {0, 7})}},
  });
}

TEST(ShapeTest, Errors) {
  RunOpCases({
      Refused("float output", OpDefBuilder("Shape").AddIntArg("output_type", DT_FLOAT),
              {MakeIota<float>({2, 3, 4})}, MaceStatus::MACE_INVALID_ARGS,
              "output_type must be int32 or int64, not float32"),
  });
}

TEST(ShapeTest, DimensionBeyondInt32) {
  OpsTestNet net;
  TestTensor huge;
  huge.dtype = DT_INT8;
  huge.shape = {0, int64_t{1} << 32};
  net.Add("x", huge);
  OpDefBuilder("Shape").Input("x").Output("y").Finalize(net.NewOperatorDef());
  EXPECT_TRUE(Fails(net.RunOp(), MaceStatus::MACE_INVALID_ARGS, "set output_type to int64"));
}

}  // namespace
}  // namespace test
}  // namespace ops
}  // namespace mace
