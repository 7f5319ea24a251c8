// SPDX-License-Identifier: Apache-2.0
// GatherElements and ScatterElements' reading half: ranks, axes, types, and indices outside.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <vector>

#include "mace/ops/ops_test_util.h"

namespace mace {
namespace ops {
namespace test {
namespace {

TEST(GatherElementsTest, Cases) {
  RunOpCases({
      {"rows",
       OpDefBuilder("GatherElements"),
       {MakeIota<float>({3, 3}), MakeTensor<int64_t>({2, 3}, {1, 2, 0, 2, 0, -3})},
       {MakeTensor<float>({2, 3}, {3, 7, 2, 6, 1, 2})}},
      {"columns",
       OpDefBuilder("GatherElements").AddIntArg("axis", -1),
       {MakeIota<int32_t>({2, 2}), MakeTensor<int32_t>({2, 3}, {0, 0, 1, 1, 0, 1})},
       {MakeTensor<int32_t>({2, 3}, {0, 0, 1, 3, 2, 3})}},
      {"middle of three, fewer elsewhere",
       OpDefBuilder("GatherElements").AddIntArg("axis", 1),
       {MakeIota<uint8_t>({2, 2, 3}), MakeTensor<int64_t>({1, 3, 2}, {1, 0, 0, 1, -1, -2})},
       {MakeTensor<uint8_t>({1, 3, 2}, {3, 1, 0, 4, 3, 1})}},
      {"one dimension",
       OpDefBuilder("GatherElements"),
       {MakeIota<int64_t>({4}), MakeTensor<int64_t>({2}, {3, -4})},
       {MakeTensor<int64_t>({2}, {3, 0})}},
      {"nothing",
       OpDefBuilder("GatherElements"),
       {MakeIota<float>({3, 2}), MakeTensor<int64_t>({0, 2}, {})},
       {MakeTensor<float>({0, 2}, {})}},
  });
}

TEST(GatherElementsTest, Errors) {
  const auto op = OpDefBuilder("GatherElements");
  RunOpCases({
      Refused("beyond", op, {MakeIota<float>({3, 2}), MakeTensor<int64_t>({1, 2}, {0, 3})},
              MaceStatus::MACE_INVALID_ARGS, "index 3 at place 1 is outside of [-3, 2]"),
      Refused("extreme", op, {MakeIota<float>({3}), MakeTensor<int64_t>({1}, {INT64_MIN})},
              MaceStatus::MACE_INVALID_ARGS, "is outside of [-3, 2]"),
      Refused("of nothing", op, {MakeTensor<float>({0}, {}), MakeTensor<int64_t>({1}, {0})},
              MaceStatus::MACE_INVALID_ARGS, "is outside of"),
      Refused("longer", OpDefBuilder("GatherElements").AddIntArg("axis", 1),
              {MakeIota<float>({2, 3}), MakeTensor<int64_t>({3, 1}, {0})},
              MaceStatus::MACE_INVALID_ARGS, "no dimension but that of axis"),
      Refused("wider", op, {MakeIota<float>({3, 2}), MakeTensor<int64_t>({1, 3}, {0})},
              MaceStatus::MACE_INVALID_ARGS, "no dimension but that of axis 0 may be larger"),
      Refused("ranks", op, {MakeIota<float>({3, 2}), MakeTensor<int64_t>({2}, {0})},
              MaceStatus::MACE_INVALID_ARGS, "do not go with"),
      Refused("scalar", op, {MakeIota<float>({}), MakeTensor<int64_t>({}, {0})},
              MaceStatus::MACE_INVALID_ARGS, "axis 0 names a dimension"),
      Refused("float indices", op, {MakeIota<float>({2}), MakeTensor<float>({1}, {0})},
              MaceStatus::MACE_INVALID_ARGS, "indices must be int32 or int64"),
  });
}

}  // namespace
}  // namespace test
}  // namespace ops
}  // namespace mace
