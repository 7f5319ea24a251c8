// SPDX-License-Identifier: Apache-2.0
// Reverse along one, several and no axes.
#include <gtest/gtest.h>

#include "mace/ops/ops_test_util.h"

namespace mace {
namespace ops {
namespace test {
namespace {

TEST(ReverseTest, Cases) {
  RunOpCases({
      {"one",
       OpDefBuilder("Reverse").AddIntsArg("axis", {1}),
       {MakeIota<float>({2, 3, 4})},
       {MakeTensor<float>({2, 3, 4}, {8,  9,  10, 11, 4,  5,  6,  7,  0,  1,  2,  3,
                                      20, 21, 22, 23, 16, 17, 18, 19, 12, 13, 14, 15})}},
      {"last",
       OpDefBuilder("Reverse").AddIntsArg("axis", {-1}),
       {MakeIota<float>({2, 3, 4})},
       {MakeTensor<float>({2, 3, 4}, {3,  2,  1,  0,  7,  6,  5,  4,  11, 10, 9,  8,
                                      15, 14, 13, 12, 19, 18, 17, 16, 23, 22, 21, 20})}},
      {"several",
       OpDefBuilder("Reverse").AddIntsArg("axis", {2, 0}),
       {MakeIota<float>({2, 3, 4})},
       {MakeTensor<float>({2, 3, 4}, {15, 14, 13, 12, 19, 18, 17, 16, 23, 22, 21, 20,
                                      3,  2,  1,  0,  7,  6,  5,  4,  11, 10, 9,  8})}},
      {"none",
       OpDefBuilder("Reverse").AddIntsArg("axis", {}),
       {MakeIota<float>({2, 3, 4})},
       {MakeIota<float>({2, 3, 4})}},
      {"int32",
       OpDefBuilder("Reverse").AddIntsArg("axis", {0}),
       {MakeIota<int32_t>({5})},
       {MakeTensor<int32_t>({5}, {4, 3, 2, 1, 0})}},
      {"int64",
       OpDefBuilder("Reverse").AddIntsArg("axis", {0}),
       {MakeIota<int64_t>({5})},
       {MakeTensor<int64_t>({5}, {4, 3, 2, 1, 0})}},
      {"nothing",
       OpDefBuilder("Reverse").AddIntsArg("axis", {0}),
       {MakeTensor<float>({0, 2}, {})},
       {MakeTensor<float>({0, 2}, {})}},
  });
}

TEST(ReverseTest, Errors) {
  RunOpCases({
      Refused("outside", OpDefBuilder("Reverse").AddIntsArg("axis", {3}),
              {MakeIota<float>({2, 3, 4})}, MaceStatus::MACE_INVALID_ARGS,
              "axis 3 is outside of [-3, 2]"),
      Refused("twice", OpDefBuilder("Reverse").AddIntsArg("axis", {0, -3}),
              {MakeIota<float>({2, 3, 4})}, MaceStatus::MACE_INVALID_ARGS,
              "axis -3 is named twice"),
  });
}

}  // namespace
}  // namespace test
}  // namespace ops
}  // namespace mace
