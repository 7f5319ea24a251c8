// SPDX-License-Identifier: Apache-2.0
// Tile along each dimension.
#include <gtest/gtest.h>

#include "mace/ops/ops_test_util.h"

namespace mace {
namespace ops {
namespace test {
namespace {

TEST(TileTest, Cases) {
  RunOpCases({
      {"columns",
       OpDefBuilder("Tile"),
       {MakeIota<float>({2, 3}), MakeConst<int64_t>({2}, {1, 2})},
       {MakeTensor<float>({2, 6}, {0, 1, 2, 0, 1, 2, 3, 4, 5, 3, 4, 5})}},
      {"rows",
       OpDefBuilder("Tile"),
       {MakeIota<float>({2, 3}), MakeConst<int64_t>({2}, {2, 1})},
       {MakeTensor<float>({4, 3}, {0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5})}},
      {"both",
       OpDefBuilder("Tile"),
       {MakeIota<float>({2, 2}), MakeConst<int64_t>({2}, {2, 3})},
       {MakeTensor<float>(
           {4, 6}, {0, 1, 0, 1, 0, 1, 2, 3, 2, 3, 2, 3, 0, 1, 0, 1, 0, 1, 2, 3, 2, 3, 2, 3})}},
      {"once",
       OpDefBuilder("Tile"),
       {MakeIota<float>({2, 3, 4}), MakeConst<int64_t>({3}, {1, 1, 1})},
       {MakeIota<float>({2, 3, 4})}},
      {"not at all",
       OpDefBuilder("Tile"),
       {MakeIota<float>({2, 3}), MakeConst<int64_t>({2}, {2, 0})},
       {MakeTensor<float>({4, 0}, {})}},
      {"scalar",
       OpDefBuilder("Tile"),
       {MakeTensor<float>({}, {3}), MakeConst<int64_t>({0}, {})},
       {MakeTensor<float>({}, {3})}},
      {"nothing",
       OpDefBuilder("Tile"),
       {MakeTensor<float>({0, 2}, {}), MakeConst<int64_t>({2}, {3, 2})},
       {MakeTensor<float>({0, 4}, {})}},
      {"six dimensions",
       OpDefBuilder("Tile"),
       {MakeIota<float>({1, 2, 1, 1, 2, 1}), MakeConst<int64_t>({6}, {2, 1, 2, 1, 2, 2})},
       {MakeTensor<float>({2, 2, 2, 1, 4, 2},
                          {0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 2, 2, 3, 3, 2, 2,
                           3, 3, 2, 2, 3, 3, 2, 2, 3, 3, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1,
                           0, 0, 1, 1, 2, 2, 3, 3, 2, 2, 3, 3, 2, 2, 3, 3, 2, 2, 3, 3})}},
      {"int32",
       OpDefBuilder("Tile"),
       {MakeTensor<int32_t>({2}, {1, 2}), MakeConst<int64_t>({1}, {2})},
       {MakeTensor<int32_t>({4}, {1, 2, 1, 2})}},
      {"int64",
       OpDefBuilder("Tile"),
       {MakeTensor<int64_t>({2}, {1, 2}), MakeConst<int64_t>({1}, {3})},
       {MakeTensor<int64_t>({6}, {1, 2, 1, 2, 1, 2})}},
  });
}

TEST(TileTest, Errors) {
  RunOpCases({
      Refused("count", OpDefBuilder("Tile"),
              {MakeIota<float>({2, 3, 4}), MakeConst<int64_t>({2}, {1, 2})},
              MaceStatus::MACE_INVALID_ARGS, "repeats has 2 entries for input shape [2, 3, 4]"),
      Refused("negative", OpDefBuilder("Tile"),
              {MakeTensor<float>({2}, {0, 1}), MakeConst<int64_t>({1}, {-1})},
              MaceStatus::MACE_INVALID_ARGS,
              "dimension 0 of input shape [2] cannot be repeated -1 times"),
      Refused("overflow", OpDefBuilder("Tile"),
              {MakeTensor<float>({2}, {0, 1}), MakeConst<int64_t>({1}, {4611686018427387904})},
              MaceStatus::MACE_INVALID_ARGS, "cannot be repeated 4611686018427387904 times"),
      Refused("too large", OpDefBuilder("Tile"),
              {MakeIota<float>({2, 2}), MakeConst<int64_t>({2}, {1099511627776, 1099511627776})},
              MaceStatus::MACE_INVALID_ARGS, "too large to be addressed"),
  });
}

}  // namespace
}  // namespace test
}  // namespace ops
}  // namespace mace
