// SPDX-License-Identifier: Apache-2.0
// Range of floats and integers, upwards and downwards.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>

#include "mace/ops/ops_test_util.h"

namespace mace {
namespace ops {
namespace test {
namespace {

TEST(RangeTest, Cases) {
  RunOpCases({
      {"float",
       OpDefBuilder("Range"),
       {MakeConst<float>({}, {1}), MakeConst<float>({}, {5}), MakeConst<float>({}, {2})},
       {MakeTensor<float>({2}, {1, 3})}},
      {"fractions",
       OpDefBuilder("Range"),
       {MakeConst<float>({}, {0}), MakeConst<float>({}, {0.300000012f}),
        MakeConst<float>({}, {0.100000001f})},
       {MakeTensor<float>({3}, {0, 0.100000001f, 0.200000003f})}},
      {"downwards",
       OpDefBuilder("Range"),
       {MakeConst<float>({}, {10}), MakeConst<float>({}, {4}), MakeConst<float>({}, {-2})},
       {MakeTensor<float>({3}, {10, 8, 6})}},
      {"int32",
       OpDefBuilder("Range"),
       {MakeConst<int32_t>({}, {3}), MakeConst<int32_t>({}, {9}), MakeConst<int32_t>({}, {3})},
       {MakeTensor<int32_t>({2}, {3, 6})}},
      {"int32 downwards",
       OpDefBuilder("Range"),
       {MakeConst<int32_t>({}, {10}), MakeConst<int32_t>({}, {6}), MakeConst<int32_t>({}, {-3})},
       {MakeTensor<int32_t>({2}, {10, 7})}},
      {"int64",
       OpDefBuilder("Range"),
       {MakeConst<int64_t>({}, {-3}), MakeConst<int64_t>({}, {3}), MakeConst<int64_t>({}, {2})},
       {MakeTensor<int64_t>({3}, {-3, -1, 1})}},
      {"empty",
       OpDefBuilder("Range"),
       {MakeConst<int32_t>({}, {5}), MakeConst<int32_t>({}, {5}), MakeConst<int32_t>({}, {1})},
       {MakeTensor<int32_t>({0}, {})}},
      {"wrong direction",
       OpDefBuilder("Range"),
       {MakeConst<int64_t>({}, {5}), MakeConst<int64_t>({}, {1}), MakeConst<int64_t>({}, {1})},
       {MakeTensor<int64_t>({0}, {})}},
      {"wrong direction, float",
       OpDefBuilder("Range"),
       {MakeConst<float>({}, {1}), MakeConst<float>({}, {5}), MakeConst<float>({}, {-1})},
       {MakeTensor<float>({0}, {})}},
      {"one-element tensors",
       OpDefBuilder("Range"),
       {MakeConst<int32_t>({1}, {0}), MakeConst<int32_t>({1}, {3}), MakeConst<int32_t>({1}, {1})},
       {MakeTensor<int32_t>({3}, {0, 1, 2})}},
      {"whole span of int64",
       OpDefBuilder("Range"),
       {MakeConst<int64_t>({}, {INT64_MIN}), MakeConst<int64_t>({}, {INT64_MAX}),
        MakeConst<int64_t>({}, {4611686018427387904})},
       {MakeTensor<int64_t>({4}, {INT64_MIN, -4611686018427387904, 0, 4611686018427387904})}},
  });
}

TEST(RangeTest, Errors) {
  RunOpCases({
      Refused(
          "delta 0", OpDefBuilder("Range"),
          {MakeConst<int32_t>({}, {0}), MakeConst<int32_t>({}, {3}), MakeConst<int32_t>({}, {0})},
          MaceStatus::MACE_INVALID_ARGS, "delta is 0"),
      Refused("not a scalar", OpDefBuilder("Range"),
              {MakeConst<int32_t>({2}, {0, 1}), MakeConst<int32_t>({1}, {3}),
               MakeConst<int32_t>({1}, {1})},
              MaceStatus::MACE_INVALID_ARGS, "start must be one number, but has shape [2]"),
      Refused("types differ", OpDefBuilder("Range"),
              {MakeConst<int32_t>({}, {0}), MakeConst<float>({}, {3}), MakeConst<int32_t>({}, {1})},
              MaceStatus::MACE_INVALID_ARGS, "there are int32 and float32"),
      Refused(
          "computed", OpDefBuilder("Range"),
          {MakeConst<int32_t>({}, {0}), MakeTensor<int32_t>({}, {3}), MakeConst<int32_t>({}, {1})},
          MaceStatus::MACE_UNSUPPORTED, "is computed from the elements of a model input"),
      Refused("too many", OpDefBuilder("Range"),
              {MakeConst<int64_t>({}, {INT64_MIN}), MakeConst<int64_t>({}, {INT64_MAX}),
               MakeConst<int64_t>({}, {1})},
              MaceStatus::MACE_INVALID_ARGS, "there is no number of steps of 1"),
      Refused("too large", OpDefBuilder("Range"),
              {MakeConst<int64_t>({}, {0}), MakeConst<int64_t>({}, {2305843009213693952}),
               MakeConst<int64_t>({}, {1})},
              MaceStatus::MACE_INVALID_ARGS, "too large to be addressed"),
      Refused("not a number", OpDefBuilder("Range"),
              {MakeConst<float>({}, {std::nanf("")}), MakeConst<float>({}, {1}),
               MakeConst<float>({}, {1})},
              MaceStatus::MACE_INVALID_ARGS, "there is no number of steps"),
      Refused(
          "endless", OpDefBuilder("Range"),
          {MakeConst<float>({}, {0}), MakeConst<float>({}, {1e30f}), MakeConst<float>({}, {1e-3f})},
          MaceStatus::MACE_INVALID_ARGS, "there is no number of steps"),
  });
}

}  // namespace
}  // namespace test
}  // namespace ops
}  // namespace mace
