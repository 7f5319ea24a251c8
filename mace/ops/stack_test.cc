// SPDX-License-Identifier: Apache-2.0
// Stack along each new axis.
#include <gtest/gtest.h>

#include "mace/ops/ops_test_util.h"

namespace mace {
namespace ops {
namespace test {
namespace {

TEST(StackTest, Cases) {
  RunOpCases({
      {"front",
       OpDefBuilder("Stack"),
       {MakeIota<float>({2, 3}), MakeTensor<float>({2, 3}, {6, 7, 8, 9, 10, 11})},
       {MakeIota<float>({2, 2, 3})}},
      {"middle",
       OpDefBuilder("Stack").AddIntArg("axis", 1),
       {MakeIota<float>({2, 3}), MakeTensor<float>({2, 3}, {6, 7, 8, 9, 10, 11})},
       {MakeTensor<float>({2, 2, 3}, {0, 1, 2, 6, 7, 8, 3, 4, 5, 9, 10, 11})}},
      {"back",
       OpDefBuilder("Stack").AddIntArg("axis", -1),
       {MakeIota<float>({2, 3}), MakeTensor<float>({2, 3}, {6, 7, 8, 9, 10, 11})},
       {MakeTensor<float>({2, 3, 2}, {0, 6, 1, 7, 2, 8, 3, 9, 4, 10, 5, 11})}},
      {"scalars",
       OpDefBuilder("Stack"),
       {MakeTensor<int32_t>({}, {4}), MakeTensor<int32_t>({}, {5}), MakeTensor<int32_t>({}, {6})},
       {MakeTensor<int32_t>({3}, {4, 5, 6})}},
      {"one input",
       OpDefBuilder("Stack").AddIntArg("axis", 1),
       {MakeIota<float>({5})},
       {MakeIota<float>({5, 1})}},
      {"bool",
       OpDefBuilder("Stack").AddIntArg("axis", 1),
       {MakeTensor<bool>({2}, {true, false}), MakeTensor<bool>({2}, {true, true})},
       {MakeTensor<bool>({2, 2}, {true, true, false, true})}},
      {"int64",
       OpDefBuilder("Stack"),
       {MakeTensor<int64_t>({1}, {1}), MakeTensor<int64_t>({1}, {2})},
       {MakeTensor<int64_t>({2, 1}, {1, 2})}},
  });
}

TEST(StackTest, Errors) {
  RunOpCases({
      Refused("shapes differ", OpDefBuilder("Stack"),
              {MakeIota<float>({2, 3}), MakeIota<float>({3, 2})}, MaceStatus::MACE_INVALID_ARGS,
              "input 1 has shape [3, 2], but input 0 has [2, 3]"),
      Refused("axis outside", OpDefBuilder("Stack").AddIntArg("axis", 3),
              {MakeIota<float>({2, 3}), MakeIota<float>({2, 3})}, MaceStatus::MACE_INVALID_ARGS,
              "axis 3 is outside of [-3, 2]"),
      Refused("types differ", OpDefBuilder("Stack"),
              {MakeTensor<float>({2}, {0, 1}), MakeTensor<int64_t>({2}, {1, 2})},
              MaceStatus::MACE_INVALID_ARGS, "there are float32 and int64"),
      Refused("seven dimensions", OpDefBuilder("Stack"),
              {MakeTensor<float>({1, 1, 1, 1, 1, 1}, {0})}, MaceStatus::MACE_UNSUPPORTED,
              "7 dimensions"),
  });
}

}  // namespace
}  // namespace test
}  // namespace ops
}  // namespace mace
