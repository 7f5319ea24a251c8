// SPDX-License-Identifier: Apache-2.0
// Unstack along each axis.
#include <gtest/gtest.h>

#include "mace/ops/ops_test_util.h"

namespace mace {
namespace ops {
namespace test {
namespace {

TEST(UnstackTest, Cases) {
  RunOpCases({
      {"front",
       OpDefBuilder("Unstack"),
       {MakeIota<float>({2, 3, 4})},
       {MakeIota<float>({3, 4}),
        MakeTensor<float>({3, 4}, {12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23})}},
      {"middle",
       OpDefBuilder("Unstack").AddIntArg("axis", 1),
       {MakeIota<float>({2, 3, 4})},
       {MakeTensor<float>({2, 4}, {0, 1, 2, 3, 12, 13, 14, 15}),
        MakeTensor<float>({2, 4}, {4, 5, 6, 7, 16, 17, 18, 19}),
        MakeTensor<float>({2, 4}, {8, 9, 10, 11, 20, 21, 22, 23})}},
      {"back",
       OpDefBuilder("Unstack").AddIntArg("axis", -1),
       {MakeIota<float>({2, 3, 4})},
       {MakeTensor<float>({2, 3}, {0, 4, 8, 12, 16, 20}),
        MakeTensor<float>({2, 3}, {1, 5, 9, 13, 17, 21}),
        MakeTensor<float>({2, 3}, {2, 6, 10, 14, 18, 22}),
        MakeTensor<float>({2, 3}, {3, 7, 11, 15, 19, 23})}},
      {"to scalars",
       OpDefBuilder("Unstack"),
       {MakeTensor<int32_t>({3}, {4, 5, 6})},
       {MakeTensor<int32_t>({}, {4}), MakeTensor<int32_t>({}, {5}), MakeTensor<int32_t>({}, {6})}},
      {"int64",
       OpDefBuilder("Unstack").AddIntArg("axis", 1),
       {MakeTensor<int64_t>({1, 2}, {1, 2})},
       {MakeTensor<int64_t>({1}, {1}), MakeTensor<int64_t>({1}, {2})}},
  });
}

TEST(UnstackTest, Errors) {
  RunOpCases({
      Refused("other count",
              OpDefBuilder("Unstack").AddIntArg("axis", 1).Output("output0").Output("output1"),
              {MakeIota<float>({2, 3, 4})}, MaceStatus::MACE_INVALID_ARGS,
              "axis 1 of input shape [2, 3, 4] gives 3 slices, but there are 2 outputs"),
      Refused("axis outside",
              OpDefBuilder("Unstack").AddIntArg("axis", -4).Output("output0").Output("output1"),
              {MakeIota<float>({2, 3, 4})}, MaceStatus::MACE_INVALID_ARGS,
              "axis -4 is outside of [-3, 2]"),
  });
}

}  // namespace
}  // namespace test
}  // namespace ops
}  // namespace mace
