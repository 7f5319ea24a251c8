// SPDX-License-Identifier: Apache-2.0
// Compress along axes, with short and long conditions.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <vector>

#include "mace/ops/ops_test_util.h"

namespace mace {
namespace ops {
namespace test {
namespace {

TEST(CompressTest, Cases) {
  const auto op = OpDefBuilder("Compress");
  RunOpCases({
      {"rows",
       op,
       {MakeIota<float>({3, 2}), MakeTensor<bool>({3}, {false, true, true})},
       {MakeTensor<float>({2, 2}, {2, 3, 4, 5})}},
      {"columns, short condition",
       OpDefBuilder("Compress").AddIntArg("axis", -1),
       {MakeIota<int64_t>({2, 3}), MakeTensor<bool>({2}, {false, true})},
       {MakeTensor<int64_t>({2, 1}, {1, 4})}},
      {"long condition that does not hold there",
       op,
       {MakeIota<uint8_t>({2}), MakeTensor<bool>({4}, {true, false, false, false})},
       {MakeTensor<uint8_t>({1}, {0})}},
      {"none",
       op,
       {MakeIota<float>({2, 2}), MakeTensor<bool>({2}, {false})},
       {MakeTensor<float>({0, 2}, {})}},
      {"of nothing",
       op,
       {MakeTensor<float>({2, 0}, {}), MakeTensor<bool>({2}, {false, true})},
       {MakeTensor<float>({1, 0}, {})}},
  });
}

TEST(CompressTest, Errors) {
  const auto op = OpDefBuilder("Compress");
  RunOpCases({
      Refused("beyond", op, {MakeIota<float>({2}), MakeTensor<bool>({3}, {true})},
              MaceStatus::MACE_INVALID_ARGS, "the condition holds at place 2, axis 0"),
      Refused("rank", op, {MakeIota<float>({2}), MakeTensor<bool>({1, 2}, {true})},
              MaceStatus::MACE_INVALID_ARGS, "one dimension"),
      Refused("type", op, {MakeIota<float>({2}), MakeTensor<int32_t>({2}, {1})},
              MaceStatus::MACE_INVALID_ARGS, "must be bool"),
  });
}

}  // namespace
}  // namespace test
}  // namespace ops
}  // namespace mace
