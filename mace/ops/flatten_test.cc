// SPDX-License-Identifier: Apache-2.0
// Flatten as Caffe and as ONNX have it.
#include <gtest/gtest.h>

#include "mace/ops/ops_test_util.h"

namespace mace {
namespace ops {
namespace test {
namespace {

TEST(FlattenTest, Caffe) {
  RunOpCases({
      {"default",
       OpDefBuilder("Flatten"),
       {MakeIota<float>({2, 3, 4})},
       {MakeIota<float>({2, 12})}},
      {"middle",
       OpDefBuilder("Flatten").AddIntArg("axis", 1).AddIntArg("end_axis", 2),
       {MakeTensor<float>({1, 3, 4, 2}, {0,  1,  5,  6,  10, 11, 15, 16, 20, 21, 25, 26,
                                         30, 31, 35, 36, 40, 41, 45, 46, 50, 51, 55, 56})},
       {MakeTensor<float>({1, 12, 2}, {0,  1,  5,  6,  10, 11, 15, 16, 20, 21, 25, 26,
                                       30, 31, 35, 36, 40, 41, 45, 46, 50, 51, 55, 56})}},
      {"all",
       OpDefBuilder("Flatten").AddIntArg("axis", 0),
       {MakeIota<float>({2, 3, 4})},
       {MakeIota<float>({24})}},
      {"negative axes",
       OpDefBuilder("Flatten").AddIntArg("axis", -3).AddIntArg("end_axis", -2),
       {MakeIota<float>({2, 3, 4})},
       {MakeIota<float>({6, 4})}},
      {"one dimension",
       OpDefBuilder("Flatten").AddIntArg("axis", 1).AddIntArg("end_axis", 1),
       {MakeIota<float>({2, 3, 4})},
       {MakeIota<float>({2, 3, 4})}},
  });
}

TEST(FlattenTest, Onnx) {
  RunOpCases({
      {"default",
       OpDefBuilder("Flatten").AddIntArg("two_dimensional", 1),
       {MakeIota<float>({2, 3, 4})},
       {MakeIota<float>({2, 12})}},
      {"axis 0",
       OpDefBuilder("Flatten").AddIntArg("two_dimensional", 1).AddIntArg("axis", 0),
       {MakeIota<float>({2, 3, 4})},
       {MakeIota<float>({1, 24})}},
      {"axis 2",
       OpDefBuilder("Flatten").AddIntArg("two_dimensional", 1).AddIntArg("axis", 2),
       {MakeIota<float>({2, 3, 4})},
       {MakeIota<float>({6, 4})}},
      {"axis of the rank",
       OpDefBuilder("Flatten").AddIntArg("two_dimensional", 1).AddIntArg("axis", 3),
       {MakeIota<float>({2, 3, 4})},
       {MakeIota<float>({24, 1})}},
      {"negative axis",
       OpDefBuilder("Flatten").AddIntArg("two_dimensional", 1).AddIntArg("axis", -1),
       {MakeIota<float>({2, 3, 4})},
       {MakeIota<float>({6, 4})}},
      {"int64 scalar",
       OpDefBuilder("Flatten").AddIntArg("two_dimensional", 1).AddIntArg("axis", 0),
       {MakeTensor<int64_t>({}, {5})},
       {MakeTensor<int64_t>({1, 1}, {5})}},
      {"int32 vector",
       OpDefBuilder("Flatten").AddIntArg("two_dimensional", 1).AddIntArg("axis", 1),
       {MakeTensor<int32_t>({2}, {5, 6})},
       {MakeTensor<int32_t>({2, 1}, {5, 6})}},
  });
}

TEST(FlattenTest, Errors) {
  RunOpCases({
      Refused("axis outside", OpDefBuilder("Flatten").AddIntArg("axis", 3),
              {MakeIota<float>({2, 3, 4})}, MaceStatus::MACE_INVALID_ARGS,
              "axis 3 is outside of [-3, 2]"),
      Refused("end_axis outside", OpDefBuilder("Flatten").AddIntArg("end_axis", -4),
              {MakeIota<float>({2, 3, 4})}, MaceStatus::MACE_INVALID_ARGS,
              "axis -4 is outside of [-3, 2]"),
      Refused("axes reversed",
              OpDefBuilder("Flatten").AddIntArg("axis", 2).AddIntArg("end_axis", 1),
              {MakeIota<float>({2, 3, 4})}, MaceStatus::MACE_INVALID_ARGS,
              "axis 2 lies behind end_axis 1"),
      Refused("scalar", OpDefBuilder("Flatten").AddIntArg("axis", 0), {MakeTensor<float>({}, {1})},
              MaceStatus::MACE_INVALID_ARGS, "there is none"),
      Refused("axis outside, ONNX",
              OpDefBuilder("Flatten").AddIntArg("two_dimensional", 1).AddIntArg("axis", 4),
              {MakeIota<float>({2, 3, 4})}, MaceStatus::MACE_INVALID_ARGS,
              "axis 4 is outside of [-3, 3]"),
      Refused("end_axis with ONNX",
              OpDefBuilder("Flatten").AddIntArg("two_dimensional", 1).AddIntArg("end_axis", 1),
              {MakeIota<float>({2, 3, 4})}, MaceStatus::MACE_INVALID_ARGS,
              "end_axis 1 does not go with two_dimensional"),
  });
}

}  // namespace
}  // namespace test
}  // namespace ops
}  // namespace mace
