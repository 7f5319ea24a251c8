// SPDX-License-Identifier: Apache-2.0
// Split into given sizes and into equal parts.
#include <gtest/gtest.h>

#include <cstdint>

#include "mace/ops/ops_test_util.h"

namespace mace {
namespace ops {
namespace test {
namespace {

TEST(SplitTest, Cases) {
  RunOpCases({
      {"equal",
       OpDefBuilder("Split").AddIntArg("axis", 1),
       {MakeIota<float>({2, 6})},
       {MakeTensor<float>({2, 2}, {0, 1, 6, 7}), MakeTensor<float>({2, 2}, {2, 3, 8, 9}),
        MakeTensor<float>({2, 2}, {4, 5, 10, 11})}},
      {"channels by default",
       OpDefBuilder("Split"),
       {MakeIota<float>({1, 1, 2, 4})},
       {MakeTensor<float>({1, 1, 2, 2}, {0, 1, 4, 5}),
        MakeTensor<float>({1, 1, 2, 2}, {2, 3, 6, 7})}},
      {"uneven, the last is smaller",
       OpDefBuilder("Split").AddIntArg("axis", 1),
       {MakeIota<float>({2, 7})},
       {MakeTensor<float>({2, 2}, {0, 1, 7, 8}), MakeTensor<float>({2, 2}, {2, 3, 9, 10}),
        MakeTensor<float>({2, 2}, {4, 5, 11, 12}), MakeTensor<float>({2, 1}, {6, 13})}},
      {"sizes attribute",
       OpDefBuilder("Split").AddIntArg("axis", -1).AddIntsArg("sizes", {1, 4, 2}),
       {MakeIota<float>({2, 7})},
       {MakeTensor<float>({2, 1}, {0, 7}), MakeTensor<float>({2, 4}, {1, 2, 3, 4, 8, 9, 10, 11}),
        MakeTensor<float>({2, 2}, {5, 6, 12, 13})}},
      {"sizes input",
       OpDefBuilder("Split").AddIntArg("axis", 1),
       {MakeIota<float>({2, 7}), MakeConst<int64_t>({2}, {5, 2})},
       {MakeTensor<float>({2, 5}, {0, 1, 2, 3, 4, 7, 8, 9, 10, 11}),
        MakeTensor<float>({2, 2}, {5, 6, 12, 13})}},
      {"one size computed",
       OpDefBuilder("Split").AddIntArg("axis", 1).AddIntsArg("sizes", {1, -1, 2}),
       {MakeIota<float>({2, 7})},
       {MakeTensor<float>({2, 1}, {0, 7}), MakeTensor<float>({2, 4}, {1, 2, 3, 4, 8, 9, 10, 11}),
        MakeTensor<float>({2, 2}, {5, 6, 12, 13})}},
      {"an empty part at the end",
       OpDefBuilder("Split").AddIntArg("axis", 1),
       {MakeIota<float>({1, 4})},
       {MakeTensor<float>({1, 2}, {0, 1}), MakeTensor<float>({1, 2}, {2, 3}),
        MakeTensor<float>({1, 0}, {})}},
      {"an empty part",
       OpDefBuilder("Split").AddIntArg("axis", 1).AddIntsArg("sizes", {3, 0, 4}),
       {MakeIota<float>({2, 7})},
       {MakeTensor<float>({2, 3}, {0, 1, 2, 7, 8, 9}), MakeTensor<float>({2, 0}, {}),
        MakeTensor<float>({2, 4}, {3, 4, 5, 6, 10, 11, 12, 13})}},
      {"one output",
       OpDefBuilder("Split").AddIntArg("axis", 0),
       {MakeIota<float>({2, 7})},
       {MakeIota<float>({2, 7})}},
      {"int32 rows",
       OpDefBuilder("Split").AddIntArg("axis", 0),
       {MakeIota<int32_t>({2, 7})},
       {MakeIota<int32_t>({1, 7}), MakeTensor<int32_t>({1, 7}, {7, 8, 9, 10, 11, 12, 13})}},
      {"int64",
       OpDefBuilder("Split").AddIntArg("axis", 0),
       {MakeTensor<int64_t>({3}, {4, 5, 6})},
       {MakeTensor<int64_t>({2}, {4, 5}), MakeTensor<int64_t>({1}, {6})}},
  });
}

TEST(SplitTest, Errors) {
  RunOpCases({
      Refused("axis outside", OpDefBuilder("Split").Output("output0").Output("output1"),
              {MakeIota<float>({2, 7})}, MaceStatus::MACE_INVALID_ARGS,
              "axis 3 is outside of [-2, 1]"),
      Refused("sum too small",
              OpDefBuilder("Split")
                  .AddIntArg("axis", 1)
                  .AddIntsArg("sizes", {3, 3})
                  .Output("output0")
                  .Output("output1"),
              {MakeIota<float>({2, 7})}, MaceStatus::MACE_INVALID_ARGS,
              "the sizes add up to 6, but the dimension to be cut is 7"),
      Refused("sum too large",
              OpDefBuilder("Split")
                  .AddIntArg("axis", 1)
                  .AddIntsArg("sizes", {3, -1, 5})
                  .Output("output0")
                  .Output("output1")
                  .Output("output2"),
              {MakeIota<float>({2, 7})}, MaceStatus::MACE_INVALID_ARGS, "the sizes add up to 8"),
      Refused("negative",
              OpDefBuilder("Split")
                  .AddIntArg("axis", 1)
                  .AddIntsArg("sizes", {9, -2})
                  .Output("output0")
                  .Output("output1"),
              {MakeIota<float>({2, 7})}, MaceStatus::MACE_INVALID_ARGS,
              "a size of -2 cannot be cut from a dimension of 7"),
      Refused("two unknown",
              OpDefBuilder("Split")
                  .AddIntArg("axis", 1)
                  .AddIntsArg("sizes", {-1, -1})
                  .Output("output0")
                  .Output("output1"),
              {MakeIota<float>({2, 7})}, MaceStatus::MACE_INVALID_ARGS,
              "a size of -1 cannot be cut"),
      Refused("overflow",
              OpDefBuilder("Split").AddIntArg("axis", 1).Output("output0").Output("output1"),
              {MakeIota<float>({2, 7}), MakeConst<int64_t>({2}, {INT64_MAX, INT64_MAX})},
              MaceStatus::MACE_INVALID_ARGS, "cannot be cut"),
      Refused("other count",
              OpDefBuilder("Split")
                  .AddIntArg("axis", 1)
                  .AddIntsArg("sizes", {3, 4})
                  .Output("output0")
                  .Output("output1")
                  .Output("output2"),
              {MakeIota<float>({2, 7})}, MaceStatus::MACE_INVALID_ARGS,
              "there are 2 sizes for 3 outputs"),
      Refused("too many parts",
              OpDefBuilder("Split")
                  .AddIntArg("axis", 0)
                  .Output("output0")
                  .Output("output1")
                  .Output("output2")
                  .Output("output3")
                  .Output("output4")
                  .Output("output5")
                  .Output("output6")
                  .Output("output7"),
              {MakeIota<float>({4, 1})}, MaceStatus::MACE_INVALID_ARGS,
              "a dimension of 4 cannot be cut into 8 parts of 1"),
  });
}

}  // namespace
}  // namespace test
}  // namespace ops
}  // namespace mace
