// SPDX-License-Identifier: Apache-2.0
// StridedSlice: every mask of TensorFlow's. Comments of cases are the same in numpy.
#include <gtest/gtest.h>

#include "mace/ops/ops_test_util.h"

namespace mace {
namespace ops {
namespace test {
namespace {

TEST(StridedSliceTest, Cases) {
  RunOpCases({
      {"[0:1, 1:3]",
       OpDefBuilder("StridedSlice"),
       {MakeIota<float>({2, 3, 4}), MakeConst<int32_t>({2}, {0, 1}),
        MakeConst<int32_t>({2}, {1, 3})},
       {MakeTensor<float>({1, 2, 4}, {4, 5, 6, 7, 8, 9, 10, 11})}},
      {"[:, ::2]",
       OpDefBuilder("StridedSlice").AddIntArg("begin_mask", 3).AddIntArg("end_mask", 3),
       {MakeIota<float>({2, 3, 4}), MakeConst<int32_t>({2}, {0, 0}),
        MakeConst<int32_t>({2}, {0, 0}), MakeConst<int32_t>({2}, {1, 2})},
       {MakeTensor<float>({2, 2, 4}, {0, 1, 2, 3, 8, 9, 10, 11, 12, 13, 14, 15, 20, 21, 22, 23})}},
      {"[:, ::-1]",
       OpDefBuilder("StridedSlice").AddIntArg("begin_mask", 3).AddIntArg("end_mask", 3),
       {MakeIota<float>({2, 3, 4}), MakeConst<int32_t>({2}, {0, 0}),
        MakeConst<int32_t>({2}, {0, 0}), MakeConst<int32_t>({2}, {1, -1})},
       {MakeTensor<float>({2, 3, 4}, {8,  9,  10, 11, 4,  5,  6,  7,  0,  1,  2,  3,
                                      20, 21, 22, 23, 16, 17, 18, 19, 12, 13, 14, 15})}},
      {"[-1:0:-1]",
       OpDefBuilder("StridedSlice"),
       {MakeIota<float>({2, 3, 4}), MakeConst<int32_t>({1}, {-1}), MakeConst<int32_t>({1}, {0}),
        MakeConst<int32_t>({1}, {-1})},
       {MakeTensor<float>({1, 3, 4}, {12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23})}},
      {"[..., 1:3]",
       OpDefBuilder("StridedSlice").AddIntArg("ellipsis_mask", 1),
       {MakeIota<float>({2, 3, 4}), MakeConst<int32_t>({2}, {0, 1}),
        MakeConst<int32_t>({2}, {0, 3})},
       {MakeTensor<float>({2, 3, 2}, {1, 2, 5, 6, 9, 10, 13, 14, 17, 18, 21, 22})}},
      {"[1:, ..., 0:1]",
       OpDefBuilder("StridedSlice").AddIntArg("end_mask", 1).AddIntArg("ellipsis_mask", 2),
       {MakeIota<float>({2, 3, 2, 2}), MakeConst<int32_t>({3}, {1, 0, 0}),
        MakeConst<int32_t>({3}, {0, 0, 1})},
       {MakeTensor<float>({1, 3, 2, 1}, {12, 14, 16, 18, 20, 22})}},
      {"ellipsis of nothing",
       OpDefBuilder("StridedSlice").AddIntArg("ellipsis_mask", 2),
       {MakeIota<float>({2, 3, 4}), MakeConst<int32_t>({4}, {0, 0, 0, 1}),
        MakeConst<int32_t>({4}, {1, 0, 2, 2})},
       {MakeTensor<float>({1, 2, 1}, {1, 5})}},
      {"[:, None]",
       OpDefBuilder("StridedSlice")
           .AddIntArg("begin_mask", 1)
           .AddIntArg("end_mask", 1)
           .AddIntArg("new_axis_mask", 2),
       {MakeIota<float>({2, 3, 4}), MakeConst<int32_t>({2}, {0, 0}),
        MakeConst<int32_t>({2}, {0, 0})},
       {MakeIota<float>({2, 1, 3, 4})}},
      {"[..., None]",
       OpDefBuilder("StridedSlice").AddIntArg("ellipsis_mask", 1).AddIntArg("new_axis_mask", 2),
       {MakeIota<float>({2, 3, 4}), MakeConst<int32_t>({2}, {0, 0}),
        MakeConst<int32_t>({2}, {0, 0})},
       {MakeIota<float>({2, 3, 4, 1})}},
      {"[..., None, 0:2]",
       OpDefBuilder("StridedSlice").AddIntArg("ellipsis_mask", 1).AddIntArg("new_axis_mask", 2),
       {MakeIota<float>({2, 3, 4}), MakeConst<int32_t>({3}, {0, 0, 0}),
        MakeConst<int32_t>({3}, {0, 0, 2})},
       {MakeTensor<float>({2, 3, 1, 2}, {0, 1, 4, 5, 8, 9, 12, 13, 16, 17, 20, 21})}},
      {"[1]",
       OpDefBuilder("StridedSlice").AddIntArg("shrink_axis_mask", 1),
       {MakeIota<float>({2, 3, 4}), MakeConst<int32_t>({1}, {1}), MakeConst<int32_t>({1}, {2})},
       {MakeTensor<float>({3, 4}, {12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23})}},
      {"[:, -1]",
       OpDefBuilder("StridedSlice")
           .AddIntArg("begin_mask", 1)
           .AddIntArg("end_mask", 1)
           .AddIntArg("shrink_axis_mask", 2),
       {MakeIota<float>({2, 3, 4}), MakeConst<int32_t>({2}, {0, -1}),
        MakeConst<int32_t>({2}, {0, 0})},
       {MakeTensor<float>({2, 4}, {8, 9, 10, 11, 20, 21, 22, 23})}},
      {"[..., 2]",
       OpDefBuilder("StridedSlice").AddIntArg("ellipsis_mask", 1).AddIntArg("shrink_axis_mask", 2),
       {MakeIota<float>({2, 3, 4}), MakeConst<int32_t>({2}, {0, 2}),
        MakeConst<int32_t>({2}, {0, 3})},
       {MakeTensor<float>({2, 3}, {2, 6, 10, 14, 18, 22})}},
      {"to scalar",
       OpDefBuilder("StridedSlice").AddIntArg("shrink_axis_mask", 1),
       {MakeTensor<int32_t>({3}, {4, 5, 6}), MakeConst<int32_t>({1}, {1}),
        MakeConst<int32_t>({1}, {2})},
       {MakeTensor<int32_t>({}, {5})}},
      {"shrink ignores end and begin_mask",
       OpDefBuilder("StridedSlice")
           .AddIntArg("begin_mask", 1)
           .AddIntArg("end_mask", 1)
           .AddIntArg("shrink_axis_mask", 1),
       {MakeIota<float>({2, 3, 4}), MakeConst<int32_t>({1}, {1}), MakeConst<int32_t>({1}, {0}),
        MakeConst<int32_t>({1}, {1})},
       {MakeTensor<float>({3, 4}, {12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23})}},
      {"new axis goes before shrink",
       OpDefBuilder("StridedSlice").AddIntArg("new_axis_mask", 1).AddIntArg("shrink_axis_mask", 1),
       {MakeIota<float>({4}), MakeConst<int32_t>({1}, {9}), MakeConst<int32_t>({1}, {0})},
       {MakeIota<float>({1, 4})}},
      {"clamped",
       OpDefBuilder("StridedSlice"),
       {MakeIota<float>({2, 3, 4}), MakeConst<int32_t>({1}, {-9}), MakeConst<int32_t>({1}, {9})},
       {MakeIota<float>({2, 3, 4})}},
      {"empty",
       OpDefBuilder("StridedSlice"),
       {MakeIota<float>({2, 3, 4}), MakeConst<int32_t>({1}, {1}), MakeConst<int32_t>({1}, {1})},
       {MakeTensor<float>({0, 3, 4}, {})}},
      {"no entry",
       OpDefBuilder("StridedSlice"),
       {MakeIota<float>({2, 3, 4}), MakeConst<int32_t>({0}, {}), MakeConst<int32_t>({0}, {})},
       {MakeIota<float>({2, 3, 4})}},
      {"bool",
       OpDefBuilder("StridedSlice").AddIntArg("end_mask", 1),
       {MakeTensor<bool>({3}, {true, false, true}), MakeConst<int32_t>({1}, {1}),
        MakeConst<int32_t>({1}, {0})},
       {MakeTensor<bool>({2}, {false, true})}},
      {"int64",
       OpDefBuilder("StridedSlice"),
       {MakeIota<int64_t>({5}), MakeConst<int32_t>({1}, {1}), MakeConst<int32_t>({1}, {4}),
        MakeConst<int32_t>({1}, {2})},
       {MakeTensor<int64_t>({2}, {1, 3})}},
  });
}

TEST(StridedSliceTest, Errors) {
  RunOpCases({
      Refused("zero stride", OpDefBuilder("StridedSlice"),
              {MakeIota<float>({2, 3, 4}), MakeConst<int32_t>({1}, {0}),
               MakeConst<int32_t>({1}, {1}), MakeConst<int32_t>({1}, {0})},
              MaceStatus::MACE_INVALID_ARGS, "the stride along axis 0 is 0"),
      Refused(
          "shrink outside", OpDefBuilder("StridedSlice").AddIntArg("shrink_axis_mask", 1),
          {MakeIota<float>({2, 3, 4}), MakeConst<int32_t>({1}, {2}), MakeConst<int32_t>({1}, {3})},
          MaceStatus::MACE_INVALID_ARGS, "index 2 is outside of axis 0, which has 2 elements"),
      Refused(
          "shrink below", OpDefBuilder("StridedSlice").AddIntArg("shrink_axis_mask", 1),
          {MakeIota<float>({2, 3, 4}), MakeConst<int32_t>({1}, {-3}), MakeConst<int32_t>({1}, {3})},
          MaceStatus::MACE_INVALID_ARGS, "index -3 is outside of axis 0"),
      Refused("shrink backwards", OpDefBuilder("StridedSlice").AddIntArg("shrink_axis_mask", 1),
              {MakeIota<float>({2, 3, 4}), MakeConst<int32_t>({1}, {1}),
               MakeConst<int32_t>({1}, {3}), MakeConst<int32_t>({1}, {-1})},
              MaceStatus::MACE_INVALID_ARGS, "its stride must be 1, not -1"),
      Refused("two ellipses", OpDefBuilder("StridedSlice").AddIntArg("ellipsis_mask", 3),
              {MakeIota<float>({2, 3, 4}), MakeConst<int32_t>({2}, {0, 0}),
               MakeConst<int32_t>({2}, {0, 0})},
              MaceStatus::MACE_INVALID_ARGS, "ellipsis_mask has more than one bit"),
      Refused("too many entries", OpDefBuilder("StridedSlice"),
              {MakeIota<float>({2, 3, 4}), MakeConst<int32_t>({4}, {0, 0, 0, 0}),
               MakeConst<int32_t>({4}, {1, 1, 1, 1})},
              MaceStatus::MACE_INVALID_ARGS, "begin indexes 4 dimensions of input shape [2, 3, 4]"),
      Refused("counts differ", OpDefBuilder("StridedSlice"),
              {MakeIota<float>({2, 3, 4}), MakeConst<int32_t>({2}, {0, 0}),
               MakeConst<int32_t>({1}, {1})},
              MaceStatus::MACE_INVALID_ARGS, "begin has 2 entries, end 1 and strides 2"),
      Refused("many new axes", OpDefBuilder("StridedSlice").AddIntArg("new_axis_mask", 15),
              {MakeIota<float>({2, 3, 4}), MakeConst<int32_t>({4}, {0, 0, 0, 0}),
               MakeConst<int32_t>({4}, {1, 1, 1, 1})},
              MaceStatus::MACE_UNSUPPORTED, "7 dimensions"),
      Refused("more than the masks hold",
              OpDefBuilder("StridedSlice").AddIntArg("new_axis_mask", -1),
              {MakeIota<float>({2, 3, 4}),
               MakeConst<int32_t>({33}, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
                                         0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}),
               MakeConst<int32_t>({33}, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
                                         0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})},
              MaceStatus::MACE_INVALID_ARGS, "begin has 33 entries"),
  });
}

}  // namespace
}  // namespace test
}  // namespace ops
}  // namespace mace
