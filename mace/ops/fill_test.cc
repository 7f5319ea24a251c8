// SPDX-License-Identifier: Apache-2.0
// Fill with one value of each type.
#include <gtest/gtest.h>

#include "mace/ops/ops_test_util.h"

namespace mace {
namespace ops {
namespace test {
namespace {

TEST(FillTest, Cases) {
  RunOpCases({
      {"float",
       OpDefBuilder("Fill").AddFloatArg("value", 2.5f),
       {MakeConst<int64_t>({2}, {2, 3})},
       {MakeTensor<float>({2, 3}, {2.5f, 2.5f, 2.5f, 2.5f, 2.5f, 2.5f})}},
      {"zeros by default",
       OpDefBuilder("Fill"),
       {MakeConst<int32_t>({1}, {4})},
       {MakeTensor<float>({4}, {0, 0, 0, 0})}},
      {"scalar",
       OpDefBuilder("Fill").AddFloatArg("value", 3.0f),
       {MakeConst<int64_t>({0}, {})},
       {MakeTensor<float>({}, {3})}},
      {"nothing",
       OpDefBuilder("Fill"),
       {MakeConst<int64_t>({2}, {0, 2})},
       {MakeTensor<float>({0, 2}, {})}},
      {"int32",
       OpDefBuilder("Fill").AddFloatArg("value", -7.0f).AddIntArg("output_type", DT_INT32),
       {MakeConst<int64_t>({1}, {3})},
       {MakeTensor<int32_t>({3}, {-7, -7, -7})}},
      {"int64",
       OpDefBuilder("Fill").AddFloatArg("value", 7.0f).AddIntArg("output_type", DT_INT64),
       {MakeConst<int64_t>({1}, {3})},
       {MakeTensor<int64_t>({3}, {7, 7, 7})}},
      {"uint8",
       OpDefBuilder("Fill").AddFloatArg("value", 255.0f).AddIntArg("output_type", DT_UINT8),
       {MakeConst<int64_t>({1}, {3})},
       {MakeTensor<uint8_t>({3}, {255, 255, 255})}},
      {"int8",
       OpDefBuilder("Fill").AddFloatArg("value", -128.0f).AddIntArg("output_type", DT_INT8),
       {MakeConst<int64_t>({1}, {3})},
       {MakeTensor<int8_t>({3}, {-128, -128, -128})}},
      {"bool",
       OpDefBuilder("Fill").AddFloatArg("value", 1.0f).AddIntArg("output_type", DT_BOOL),
       {MakeConst<int64_t>({1}, {3})},
       {MakeTensor<bool>({3}, {true, true, true})}},
      {"float64",
       OpDefBuilder("Fill").AddFloatArg("value", 0.5f).AddIntArg("output_type", DT_DOUBLE),
       {MakeConst<int64_t>({1}, {3})},
       {MakeTensor<double>({3}, {0.5, 0.5, 0.5})}},
  });
}

TEST(FillTest, Errors) {
  RunOpCases({
      Refused("value too large for the type",
              OpDefBuilder("Fill").AddFloatArg("value", 256.0f).AddIntArg("output_type", DT_UINT8),
              {MakeConst<int64_t>({1}, {3})}, MaceStatus::MACE_INVALID_ARGS,
              "cannot be represented as uint8"),
      Refused("value too small for the type",
              OpDefBuilder("Fill").AddFloatArg("value", -129.0f).AddIntArg("output_type", DT_INT8),
              {MakeConst<int64_t>({1}, {3})}, MaceStatus::MACE_INVALID_ARGS,
              "cannot be represented as int8"),
      Refused("value at the bound of int32",
              OpDefBuilder("Fill")
                  .AddFloatArg("value", 2147483648.0f)
                  .AddIntArg("output_type", DT_INT32),
              {MakeConst<int64_t>({1}, {3})}, MaceStatus::MACE_INVALID_ARGS,
              "cannot be represented as int32"),
      Refused("half", OpDefBuilder("Fill").AddIntArg("output_type", DT_HALF),
              {MakeConst<int64_t>({1}, {3})}, MaceStatus::MACE_INVALID_ARGS,
              "cannot be represented as float16"),
      Refused("negative shape", OpDefBuilder("Fill"), {MakeConst<int64_t>({2}, {2, -1})},
              MaceStatus::MACE_INVALID_ARGS, "negative or too large to be addressed"),
      Refused("too large", OpDefBuilder("Fill"),
              {MakeConst<int64_t>({2}, {1099511627776, 1099511627776})},
              MaceStatus::MACE_INVALID_ARGS, "too large to be addressed"),
      Refused("zero hides no overflow", OpDefBuilder("Fill"),
              {MakeConst<int64_t>({3}, {0, 4611686018427387904, 4611686018427387904})},
              MaceStatus::MACE_INVALID_ARGS, "too large to be addressed"),
      Refused("computed shape", OpDefBuilder("Fill"), {MakeTensor<int64_t>({1}, {2})},
              MaceStatus::MACE_UNSUPPORTED, "is computed from the elements of a model input"),
  });
}

}  // namespace
}  // namespace test
}  // namespace ops
}  // namespace mace
