// SPDX-License-Identifier: Apache-2.0
// GatherND: lengths of tuples, batches, and indices outside.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <vector>

#include "mace/ops/ops_test_util.h"

namespace mace {
namespace ops {
namespace test {
namespace {

TEST(GatherNDTest, Cases) {
  const auto op = OpDefBuilder("GatherND");
  RunOpCases({
      {"elements",
       op,
       {MakeIota<int32_t>({2, 2}), MakeTensor<int64_t>({2, 2}, {0, 0, 1, -1})},
       {MakeTensor<int32_t>({2}, {0, 3})}},
      {"rows",
       op,
       {MakeIota<float>({2, 2}), MakeTensor<int32_t>({2, 1}, {1, -2})},
       {MakeTensor<float>({2, 2}, {2, 3, 0, 1})}},
      {"one tuple",
       op,
       {MakeIota<float>({2, 3, 2}), MakeTensor<int64_t>({2}, {1, 2})},
       {MakeTensor<float>({2}, {10, 11})}},
      {"empty tuples",
       op,
       {MakeIota<float>({2}), MakeTensor<int64_t>({3, 0}, {})},
       {MakeTensor<float>({3, 2}, {0, 1, 0, 1, 0, 1})}},
      {"batches",
       OpDefBuilder("GatherND").AddIntArg("batch_dims", 1),
       {MakeIota<float>({2, 2, 2}), MakeTensor<int64_t>({2, 1}, {1, 0})},
       {MakeTensor<float>({2, 2}, {2, 3, 4, 5})}},
      {"batches of several",
       OpDefBuilder("GatherND").AddIntArg("batch_dims", 1),
       {MakeIota<uint8_t>({2, 3}), MakeTensor<int64_t>({2, 2, 1}, {2, 0, -1, 1})},
       {MakeTensor<uint8_t>({2, 2}, {2, 0, 5, 4})}},
      {"nothing",
       op,
       {MakeIota<float>({2, 2}), MakeTensor<int64_t>({0, 2}, {})},
       {MakeTensor<float>({0}, {})}},
  });
}

TEST(GatherNDTest, Errors) {
  const auto op = OpDefBuilder("GatherND");
  RunOpCases({
      Refused("outside", op, {MakeIota<float>({2, 3}), MakeTensor<int64_t>({1, 2}, {1, 3})},
              MaceStatus::MACE_INVALID_ARGS, "index 3 at place 1 is outside of [-3, 2]"),
      Refused("extreme", op, {MakeIota<float>({2}), MakeTensor<int64_t>({1, 1}, {INT64_MIN})},
              MaceStatus::MACE_INVALID_ARGS, "is outside of [-2, 1]"),
      Refused("long tuples", op, {MakeIota<float>({2}), MakeTensor<int64_t>({1, 2}, {0})},
              MaceStatus::MACE_INVALID_ARGS, "the length of a tuple"),
      Refused("scalar", op, {MakeIota<float>({2}), MakeTensor<int64_t>({}, {0})},
              MaceStatus::MACE_INVALID_ARGS, "do not go with"),
      Refused("batches differ", OpDefBuilder("GatherND").AddIntArg("batch_dims", 1),
              {MakeIota<float>({2, 2}), MakeTensor<int64_t>({3, 1}, {0})},
              MaceStatus::MACE_INVALID_ARGS, "batch dimension 0 is 2 in the input and 3"),
      Refused("batches of nothing", OpDefBuilder("GatherND").AddIntArg("batch_dims", 1),
              {MakeIota<float>({2}), MakeTensor<int64_t>({2}, {0})}, MaceStatus::MACE_INVALID_ARGS,
              "do not go with"),
  });
}

}  // namespace
}  // namespace test
}  // namespace ops
}  // namespace mace
