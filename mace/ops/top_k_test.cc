// SPDX-License-Identifier: Apache-2.0
// TopK: order of equals and of what is not a number, axes, types, and sizes outside.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <vector>

#include "mace/ops/ops_test_util.h"

namespace mace {
namespace ops {
namespace test {
namespace {

TEST(TopKTest, Cases) {
  RunOpCases({
      {"largest",
       OpDefBuilder("TopK"),
       {MakeTensor<float>({2, 4}, {1, 4, 2, 4, -1, -2, NAN, 0}), MakeConst<int64_t>({1}, {2})},
       {MakeTensor<float>({2, 2}, {4, 4, NAN, 0}), MakeTensor<int64_t>({2, 2}, {1, 3, 2, 3})}},
      {"smallest along the first",
       OpDefBuilder("TopK")
           .AddIntArg("axis", 0)
           .AddIntArg("largest", 0)
           .AddIntArg("output_type", DT_INT32),
       {MakeTensor<int64_t>({3, 2}, {5, INT64_MIN, 5, INT64_MAX, 4, 0}),
        MakeConst<int32_t>({}, {2})},
       {MakeTensor<int64_t>({2, 2}, {4, INT64_MIN, 5, 0}),
        MakeTensor<int32_t>({2, 2}, {2, 0, 0, 2})}},
      {"all of uint64",
       OpDefBuilder("TopK"),
       {MakeTensor<uint64_t>({3}, {1, UINT64_MAX, 1}), MakeConst<int64_t>({1}, {3})},
       {MakeTensor<uint64_t>({3}, {UINT64_MAX, 1, 1}), MakeTensor<int64_t>({3}, {1, 0, 2})}},
      {"none",
       OpDefBuilder("TopK"),
       {MakeTensor<float>({2, 3}, {1}), MakeConst<int64_t>({1}, {0})},
       {MakeTensor<float>({2, 0}, {}), MakeTensor<int64_t>({2, 0}, {})}},
      {"of nothing",
       OpDefBuilder("TopK"),
       {MakeTensor<float>({2, 0}, {}), MakeConst<int64_t>({1}, {0})},
       {MakeTensor<float>({2, 0}, {})}},
  });
}

TEST(TopKTest, Errors) {
  const auto op = OpDefBuilder("TopK");
  RunOpCases({
      Refused("too many", op, {MakeIota<float>({3}), MakeConst<int64_t>({1}, {4})},
              MaceStatus::MACE_INVALID_ARGS, "from 0 to 3, the size of axis 0"),
      Refused("negative", op, {MakeIota<float>({3}), MakeConst<int64_t>({1}, {-1})},
              MaceStatus::MACE_INVALID_ARGS, "it is -1"),
      Refused("two", op, {MakeIota<float>({3}), MakeConst<int64_t>({2}, {1})},
              MaceStatus::MACE_INVALID_ARGS, "k must be one number"),
      Refused("scalar", op, {MakeIota<float>({}), MakeConst<int64_t>({1}, {1})},
              MaceStatus::MACE_INVALID_ARGS, "axis -1 names a dimension"),
  });
}

}  // namespace
}  // namespace test
}  // namespace ops
}  // namespace mace
