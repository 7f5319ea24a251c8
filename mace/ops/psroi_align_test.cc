// SPDX-License-Identifier: Apache-2.0
// PSROIAlign against samples of a plane, whose value anywhere is known.
#include <gtest/gtest.h>

#include <cmath>

#include "mace/ops/ops_test_util.h"

namespace mace {
namespace ops {
namespace test {
namespace {

OpDefBuilder Align(int64_t group, int64_t channels, int64_t samples, float scale = 1) {
  return OpDefBuilder("PSROIAlign")
      .AddIntArg("group_size", group)
      .AddIntArg("output_dim", channels)
      .AddIntArg("sample_num", samples)
      .AddFloatArg("spatial_scale", scale);
}

TEST(PSROIAlignTest, Cases) {
  // 4 * row + column.
  const TestTensor plane = MakeIota<float>({1, 4, 4, 1});
  RunOpCases({
      {"one sample in the middle",
       Align(1, 1, 1),
       {plane, MakeTensor<float>({1, 5}, {0, 0, 0, 1, 2})},
       {MakeTensor<float>({1, 1, 1, 1}, {7})}},
      {"four samples about the middle",
       Align(1, 1, 2),
       {plane, MakeTensor<float>({1, 5}, {0, 0, 0, 1, 2})},
       {MakeTensor<float>({1, 1, 1, 1}, {7})}},
      {"nothing is rounded",
       Align(1, 1, 1, 0.5f),
       {plane, MakeTensor<float>({1, 5}, {0, 1, 1, 2.5f, 2})},
       {MakeTensor<float>({1, 1, 1, 1}, {5.125f})}},
      // Of samples at 2, 2.5 and 3, 3.5 two lie before the last pixel.
      {"samples beyond the last pixel are zeros",
       Align(1, 1, 3),
       {plane, MakeTensor<float>({1, 5}, {0, 0, 2, 0, 3})},
       {MakeTensor<float>({1, 1, 1, 1}, {(10.25f + 10.5f + 10.75f) / 9})}},
      {"each cell has a channel",
       Align(2, 1, 1),
       {MakeIota<float>({1, 3, 3, 4}), MakeTensor<float>({1, 5}, {0, 0, 0, 1, 1})},
       {MakeTensor<float>({1, 2, 2, 1}, {8, 13, 22, 27 - 0.0f})}},
      {"outside, and not a number",
       Align(1, 1, 2),
       {plane, MakeTensor<float>({2, 5}, {0, 8, 8, 9, 9, 0, NAN, NAN, NAN, NAN})},
       {MakeTensor<float>({2, 1, 1, 1}, {0})},
       1e-5,
       1e-6},
      {"no pixels",
       Align(1, 2, 2),
       {MakeTensor<float>({1, 0, 4, 2}, {}), MakeTensor<float>({1, 5}, {0, 0, 0, 3, 3})},
       {MakeTensor<float>({1, 1, 1, 2}, {0})}},
      {"no regions",
       Align(1, 1, 2),
       {plane, MakeTensor<float>({0, 5}, {})},
       {MakeTensor<float>({0, 1, 1, 1}, {})}},
      Refused("samples without end", Align(1, 1, 1 << 20), {plane, MakeTensor<float>({1, 5}, {0})},
              MaceStatus::MACE_INVALID_ARGS, "sample_num"),
      Refused("channels", Align(2, 1, 1), {plane, MakeTensor<float>({1, 5}, {0})},
              MaceStatus::MACE_INVALID_ARGS, "2 x 2 cells"),
      Refused("region of no image", Align(1, 1, 1), {plane, MakeTensor<float>({1, 5}, {2})},
              MaceStatus::MACE_INVALID_ARGS, "region 0 is of image 2"),
  });
}

}  // namespace
}  // namespace test
}  // namespace ops
}  // namespace mace
