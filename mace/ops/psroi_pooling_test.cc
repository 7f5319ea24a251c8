// SPDX-License-Identifier: Apache-2.0
// PSROIPooling against means counted by hand.
#include <gtest/gtest.h>

#include <cmath>

#include "mace/ops/ops_test_util.h"

namespace mace {
namespace ops {
namespace test {
namespace {

OpDefBuilder Pool(int64_t group, int64_t channels, float scale = 1) {
  return OpDefBuilder("PSROIPooling")
      .AddIntArg("group_size", group)
      .AddIntArg("output_dim", channels)
      .AddFloatArg("spatial_scale", scale);
}

TEST(PSROIPoolingTest, Cases) {
  const TestTensor image = MakeIota<float>({1, 2, 2, 4});
  RunOpCases({
      {"each cell has a channel",
       Pool(2, 1),
       {image, MakeTensor<float>({1, 5}, {0, 0, 0, 1, 1})},
       {MakeTensor<float>({1, 2, 2, 1}, {0, 5, 10, 15})}},
      {"outputs are apart by the number of cells",
       Pool(1, 4),
       {image, MakeTensor<float>({1, 5}, {0, 0, 0, 1, 1})},
       {MakeTensor<float>({1, 1, 1, 4}, {6, 7, 8, 9})}},
      {"borders are rounded, halves away from zero, before they are scaled",
       Pool(1, 4, 0.5f),
       {image, MakeTensor<float>({2, 5}, {0, 0, 0, 0.5f, 3, 0, 1.5f, 0, 3, 1.4f})},
       {MakeTensor<float>({2, 1, 1, 4}, {4, 5, 6, 7, 4, 5, 6, 7})}},
      {"outside of the image there is nothing",
       Pool(1, 4),
       {image, MakeTensor<float>({2, 5}, {0, 7, 7, 9, 9, 0, NAN, NAN, NAN, NAN})},
       {MakeTensor<float>({2, 1, 1, 4}, {0})}},
      {"no regions",
       Pool(2, 1),
       {image, MakeTensor<float>({0, 5}, {})},
       {MakeTensor<float>({0, 2, 2, 1}, {})}},
      Refused("channels", Pool(2, 3), {image, MakeTensor<float>({1, 5}, {0})},
              MaceStatus::MACE_INVALID_ARGS, "3 channels (output_dim) for each of 2 x 2 cells"),
      Refused("channels beyond 64 bits", Pool(int64_t{1} << 40, 1),
              {image, MakeTensor<float>({1, 5}, {0})}, MaceStatus::MACE_INVALID_ARGS, "channels"),
      Refused("region of no image", Pool(2, 1), {image, MakeTensor<float>({1, 5}, {-1})},
              MaceStatus::MACE_INVALID_ARGS, "region 0 is of image -1"),
      Refused("one dimension", Pool(2, 1), {MakeIota<float>({4}), MakeTensor<float>({1, 5}, {0})},
              MaceStatus::MACE_INVALID_ARGS, "must be NHWC"),
  });
}

}  // namespace
}  // namespace test
}  // namespace ops
}  // namespace mace
