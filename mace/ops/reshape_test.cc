// SPDX-License-Identifier: Apache-2.0
// Reshape: ONNX and TensorFlow shapes, Caffe's axis and num_axes.
#include <gtest/gtest.h>

#include "mace/ops/ops_test_util.h"

namespace mace {
namespace ops {
namespace test {
namespace {

TEST(ReshapeTest, Shapes) {
  RunOpCases({
      {"shape attribute",
       OpDefBuilder("Reshape").AddIntsArg("shape", {4, 6}),
       {MakeIota<float>({2, 3, 4})},
       {MakeIota<float>({4, 6})}},
      {"shape input",
       OpDefBuilder("Reshape"),
       {MakeIota<float>({2, 3, 4}), MakeConst<int64_t>({3}, {6, 2, 2})},
       {MakeIota<float>({6, 2, 2})}},
      {"int32 shape input",
       OpDefBuilder("Reshape"),
       {MakeIota<float>({2, 3, 4}), MakeConst<int32_t>({1}, {24})},
       {MakeIota<float>({24})}},
      {"input wins over attribute",
       OpDefBuilder("Reshape").AddIntsArg("shape", {24}),
       {MakeIota<float>({2, 3, 4}), MakeConst<int64_t>({2}, {8, 3})},
       {MakeIota<float>({8, 3})}},
      {"one dimension computed",
       OpDefBuilder("Reshape").AddIntsArg("shape", {3, -1}),
       {MakeIota<float>({2, 3, 4})},
       {MakeIota<float>({3, 8})}},
      {"zero copies",
       OpDefBuilder("Reshape").AddIntsArg("shape", {0, -1}).AddIntArg("copy_zeros", 1),
       {MakeIota<float>({2, 3, 4})},
       {MakeIota<float>({2, 12})}},
      {"zero copies the dimension of its place",
       OpDefBuilder("Reshape").AddIntsArg("shape", {4, 0, 0, -1}).AddIntArg("copy_zeros", 1),
       {MakeIota<float>({1, 3, 2, 4})},
       {MakeIota<float>({4, 3, 2, 1})}},
      {"scalar",
       OpDefBuilder("Reshape").AddIntsArg("shape", {}),
       {MakeTensor<float>({1, 1}, {0})},
       {MakeTensor<float>({}, {0})}},
      {"from scalar",
       OpDefBuilder("Reshape").AddIntsArg("shape", {1, 1, 1}),
       {MakeTensor<float>({}, {7})},
       {MakeTensor<float>({1, 1, 1}, {7})}},
      {"nothing",
       OpDefBuilder("Reshape").AddIntsArg("shape", {0, 5}),
       {MakeTensor<float>({2, 0, 3}, {})},
       {MakeTensor<float>({0, 5}, {})}},
      {"nothing, one computed",
       OpDefBuilder("Reshape").AddIntsArg("shape", {-1, 5}),
       {MakeTensor<float>({2, 0, 3}, {})},
       {MakeTensor<float>({0, 5}, {})}},
      {"caffe axis",
       OpDefBuilder("Reshape").AddIntsArg("shape", {2, -1}).AddIntArg("axis", 1),
       {MakeIota<float>({2, 3, 4})},
       {MakeIota<float>({2, 2, 6})}},
      {"caffe num_axes",
       OpDefBuilder("Reshape")
           .AddIntsArg("shape", {6})
           .AddIntArg("axis", 0)
           .AddIntArg("num_axes", 2),
       {MakeIota<float>({2, 3, 4})},
       {MakeIota<float>({6, 4})}},
      {"no elements elsewhere",
       OpDefBuilder("Reshape")
           .AddIntsArg("shape", {-1})
           .AddIntArg("axis", 1)
           .AddIntArg("num_axes", 2),
       {MakeTensor<float>({0, 3, 4}, {})},
       {MakeTensor<float>({0, 12}, {})}},
      {"caffe insertion",
       OpDefBuilder("Reshape")
           .AddIntsArg("shape", {1})
           .AddIntArg("axis", 1)
           .AddIntArg("num_axes", 0),
       {MakeIota<float>({2, 3, 4})},
       {MakeIota<float>({2, 1, 3, 4})}},
      {"caffe negative axis",
       OpDefBuilder("Reshape")
           .AddIntsArg("shape", {1})
           .AddIntArg("axis", -1)
           .AddIntArg("num_axes", 0),
       {MakeIota<float>({2, 3, 4})},
       {MakeIota<float>({2, 3, 4, 1})}},
      {"caffe zero from its axis on",
       OpDefBuilder("Reshape")
           .AddIntsArg("shape", {0, 2, 2})
           .AddIntArg("axis", 1)
           .AddIntArg("copy_zeros", 1),
       {MakeIota<float>({2, 3, 4})},
       {MakeIota<float>({2, 3, 2, 2})}},
  });
}

TEST(ReshapeTest, ElementTypes) {
  RunOpCases({
      {"float64",
       OpDefBuilder("Reshape").AddIntsArg("shape", {2}),
       {MakeTensor<double>({2, 1}, {1.5, 2})},
       {MakeTensor<double>({2}, {1.5, 2})}},
      {"int32",
       OpDefBuilder("Reshape").AddIntsArg("shape", {2}),
       {MakeTensor<int32_t>({2, 1}, {1, 2})},
       {MakeTensor<int32_t>({2}, {1, 2})}},
      {"int64",
       OpDefBuilder("Reshape").AddIntsArg("shape", {2}),
       {MakeTensor<int64_t>({2, 1}, {1, 2})},
       {MakeTensor<int64_t>({2}, {1, 2})}},
      {"uint8",
       OpDefBuilder("Reshape").AddIntsArg("shape", {2}),
       {MakeTensor<uint8_t>({2, 1}, {1, 2})},
       {MakeTensor<uint8_t>({2}, {1, 2})}},
      {"int8",
       OpDefBuilder("Reshape").AddIntsArg("shape", {2}),
       {MakeTensor<int8_t>({2, 1}, {1, -2})},
       {MakeTensor<int8_t>({2}, {1, -2})}},
      {"bool",
       OpDefBuilder("Reshape").AddIntsArg("shape", {2}),
       {MakeTensor<bool>({2, 1}, {true, false})},
       {MakeTensor<bool>({2}, {true, false})}},
  });
}

TEST(ReshapeTest, Errors) {
  RunOpCases({
      Refused("other count", OpDefBuilder("Reshape").AddIntsArg("shape", {5, 5}),
              {MakeIota<float>({2, 3, 4})}, MaceStatus::MACE_INVALID_ARGS,
              "the 24 elements of input shape [2, 3, 4] do not fit the new shape [5, 5]"),
      Refused("not divisible", OpDefBuilder("Reshape").AddIntsArg("shape", {5, -1}),
              {MakeIota<float>({2, 3, 4})}, MaceStatus::MACE_INVALID_ARGS,
              "do not fit the new shape [5, -1]"),
      Refused("two unknown", OpDefBuilder("Reshape").AddIntsArg("shape", {-1, -1}),
              {MakeIota<float>({2, 3, 4})}, MaceStatus::MACE_INVALID_ARGS, "more than one -1"),
      Refused("below -1", OpDefBuilder("Reshape").AddIntsArg("shape", {-2, 12}),
              {MakeIota<float>({2, 3, 4})}, MaceStatus::MACE_INVALID_ARGS, "has a dimension of -2"),
      Refused("minus one of nothing", OpDefBuilder("Reshape").AddIntsArg("shape", {0, -1}),
              {MakeTensor<float>({2, 0}, {})}, MaceStatus::MACE_INVALID_ARGS, "do not fit"),
      Refused(
          "product overflows",
          OpDefBuilder("Reshape").AddIntsArg("shape", {2305843009213693952, 2305843009213693952}),
          {MakeIota<float>({2, 3, 4})}, MaceStatus::MACE_INVALID_ARGS, "too large to be addressed"),
      Refused("negative product overflows",
              OpDefBuilder("Reshape").AddIntsArg("shape", {2305843009213693952, 8, -1}),
              {MakeIota<float>({2, 3, 4})}, MaceStatus::MACE_INVALID_ARGS,
              "too large to be addressed"),
      Refused("copies what is not there",
              OpDefBuilder("Reshape").AddIntsArg("shape", {2, 3, 4, 0}).AddIntArg("copy_zeros", 1),
              {MakeIota<float>({2, 3, 4})}, MaceStatus::MACE_INVALID_ARGS,
              "dimension 3 of the new shape copies that of the input, but [2, 3, 4] has none"),
      Refused("axis outside",
              OpDefBuilder("Reshape").AddIntsArg("shape", {24}).AddIntArg("axis", 4),
              {MakeIota<float>({2, 3, 4})}, MaceStatus::MACE_INVALID_ARGS,
              "axis 4 is outside of [-4, 3]"),
      Refused("num_axes outside",
              OpDefBuilder("Reshape")
                  .AddIntsArg("shape", {24})
                  .AddIntArg("axis", 1)
                  .AddIntArg("num_axes", 3),
              {MakeIota<float>({2, 3, 4})}, MaceStatus::MACE_INVALID_ARGS,
              "num_axes 3 from axis 1 on does not fit an input of rank 3"),
      Refused("num_axes negative",
              OpDefBuilder("Reshape").AddIntsArg("shape", {24}).AddIntArg("num_axes", -2),
              {MakeIota<float>({2, 3, 4})}, MaceStatus::MACE_INVALID_ARGS, "num_axes -2"),
      Refused("seven dimensions",
              OpDefBuilder("Reshape").AddIntsArg("shape", {1, 1, 1, 1, 1, 1, 24}),
              {MakeIota<float>({2, 3, 4})}, MaceStatus::MACE_UNSUPPORTED, "7 dimensions"),
      Refused("shape computed", OpDefBuilder("Reshape"),
              {MakeIota<float>({2, 3, 4}), MakeTensor<int64_t>({1}, {24})},
              MaceStatus::MACE_UNSUPPORTED, "is computed from the elements of a model input"),
      Refused("shape of floats", OpDefBuilder("Reshape"),
              {MakeIota<float>({2, 3, 4}), MakeConst<float>({1}, {24})},
              MaceStatus::MACE_INVALID_ARGS, "must be int32 or int64, not float32"),
  });
}

}  // namespace
}  // namespace test
}  // namespace ops
}  // namespace mace
