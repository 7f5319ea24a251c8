// SPDX-License-Identifier: Apache-2.0
// Expand broadcasts both ways.
#include <gtest/gtest.h>

#include "mace/ops/ops_test_util.h"

namespace mace {
namespace ops {
namespace test {
namespace {

TEST(ExpandTest, Cases) {
  RunOpCases({
      {"columns",
       OpDefBuilder("Expand"),
       {MakeTensor<float>({3, 1}, {0, 1, 2}), MakeConst<int64_t>({2}, {3, 4})},
       {MakeTensor<float>({3, 4}, {0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2})}},
      {"new dimensions",
       OpDefBuilder("Expand"),
       {MakeTensor<float>({2}, {0, 1}), MakeConst<int64_t>({3}, {2, 3, 2})},
       {MakeTensor<float>({2, 3, 2}, {0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1})}},
      {"ones keep the input",
       OpDefBuilder("Expand"),
       {MakeIota<float>({3, 2}), MakeConst<int64_t>({2}, {1, 1})},
       {MakeIota<float>({3, 2})}},
      {"both ways",
       OpDefBuilder("Expand"),
       {MakeTensor<float>({3, 1}, {0, 1, 2}), MakeConst<int64_t>({3}, {2, 1, 6})},
       {MakeTensor<float>({2, 3, 6}, {0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2,
                                      0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2})}},
      {"shorter shape",
       OpDefBuilder("Expand"),
       {MakeIota<float>({2, 3}), MakeConst<int64_t>({1}, {3})},
       {MakeIota<float>({2, 3})}},
      {"scalar",
       OpDefBuilder("Expand"),
       {MakeTensor<float>({}, {5}), MakeConst<int64_t>({2}, {2, 2})},
       {MakeTensor<float>({2, 2}, {5, 5, 5, 5})}},
      {"to scalar shape",
       OpDefBuilder("Expand"),
       {MakeTensor<float>({2}, {0, 1}), MakeConst<int64_t>({0}, {})},
       {MakeTensor<float>({2}, {0, 1})}},
      {"to nothing",
       OpDefBuilder("Expand"),
       {MakeTensor<float>({1, 2}, {0, 1}), MakeConst<int64_t>({2}, {0, 2})},
       {MakeTensor<float>({0, 2}, {})}},
      {"int32",
       OpDefBuilder("Expand"),
       {MakeTensor<int32_t>({2, 1}, {1, 2}), MakeConst<int64_t>({2}, {2, 2})},
       {MakeTensor<int32_t>({2, 2}, {1, 1, 2, 2})}},
      {"int64",
       OpDefBuilder("Expand"),
       {MakeTensor<int64_t>({1}, {7}), MakeConst<int64_t>({1}, {3})},
       {MakeTensor<int64_t>({3}, {7, 7, 7})}},
      {"bool",
       OpDefBuilder("Expand"),
       {MakeTensor<bool>({1, 2}, {true, false}), MakeConst<int64_t>({2}, {2, 2})},
       {MakeTensor<bool>({2, 2}, {true, false, true, false})}},
  });
}

TEST(ExpandTest, Errors) {
  RunOpCases({
      Refused("does not fit", OpDefBuilder("Expand"),
              {MakeTensor<float>({3}, {0, 1, 2}), MakeConst<int64_t>({1}, {2})},
              MaceStatus::MACE_INVALID_ARGS, "input shape [3] cannot be broadcast with [2]"),
      Refused("negative", OpDefBuilder("Expand"),
              {MakeTensor<float>({1}, {0}), MakeConst<int64_t>({1}, {-1})},
              MaceStatus::MACE_INVALID_ARGS,
              "[-1], which is negative or too large to be addressed"),
      Refused(
          "too large", OpDefBuilder("Expand"),
          {MakeTensor<float>({1, 1}, {0}), MakeConst<int64_t>({2}, {1099511627776, 1099511627776})},
          MaceStatus::MACE_INVALID_ARGS, "too large to be addressed"),
      Refused("seven dimensions", OpDefBuilder("Expand"),
              {MakeTensor<float>({1}, {0}), MakeConst<int64_t>({7}, {1, 1, 1, 1, 1, 1, 1})},
              MaceStatus::MACE_UNSUPPORTED, "7 dimensions"),
  });
}

}  // namespace
}  // namespace test
}  // namespace ops
}  // namespace mace
