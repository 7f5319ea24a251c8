// SPDX-License-Identifier: Apache-2.0
// ROIPooling against cells counted by hand.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "mace/ops/ops_test_util.h"

namespace mace {
namespace ops {
namespace test {
namespace {

OpDefBuilder Pool(int64_t rows, int64_t columns, float scale = 1) {
  return OpDefBuilder("ROIPooling")
      .AddIntsArg("pooled_size", {rows, columns})
      .AddFloatArg("spatial_scale", scale);
}

// 0 to 15 in rows of four.
TestTensor Image() { return MakeIota<float>({1, 4, 4, 1}); }

TEST(ROIPoolingTest, Cases) {
  const float inf = std::numeric_limits<float>::infinity();
  RunOpCases({
      {"whole image",
       Pool(2, 2),
       {Image(), MakeTensor<float>({1, 5}, {0, 0, 0, 3, 3})},
       {MakeTensor<float>({1, 2, 2, 1}, {5, 7, 13, 15})}},
      {"cells overlap when they do not divide the region",
       Pool(2, 1),
       {Image(), MakeTensor<float>({1, 5}, {0, 0, 0, 0, 2})},
       {MakeTensor<float>({1, 2, 1, 1}, {4, 8})}},
      {"borders are rounded after they are scaled",
       Pool(1, 1, 0.5f),
       {Image(), MakeTensor<float>({2, 5}, {0, 1, 1, 3, 3, 0, 0, 0, 2.9f, 2.9f})},
       {MakeTensor<float>({2, 1, 1, 1}, {10, 5})}},
      {"outside of the image there is nothing",
       Pool(1, 2),
       {Image(), MakeTensor<float>({3, 5}, {0, 9, 9, 12, 12, 0, -4, 0, -1, 0, 0, -4, 0, 3, 0})},
       {MakeTensor<float>({3, 1, 2, 1}, {0, 0, 0, 0, 0, 3})}},
      {"numbers that are none",
       Pool(1, 1),
       {Image(), MakeTensor<float>({2, 5}, {0, NAN, NAN, NAN, NAN, 0, -inf, -inf, inf, inf})},
       {MakeTensor<float>({2, 1, 1, 1}, {0, 0})}},
      {"of the second image, two channels",
       Pool(1, 1),
       {MakeIota<float>({2, 1, 2, 2}), MakeTensor<float>({1, 5}, {1, 0, 0, 1, 0})},
       {MakeTensor<float>({1, 1, 1, 2}, {6, 7})}},
      {"no regions",
       Pool(2, 2),
       {Image(), MakeTensor<float>({0, 5}, {})},
       {MakeTensor<float>({0, 2, 2, 1}, {})}},
      {"no pixels",
       Pool(1, 1),
       {MakeTensor<float>({1, 0, 4, 2}, {}), MakeTensor<float>({1, 5}, {0, 0, 0, 3, 3})},
       {MakeTensor<float>({1, 1, 1, 2}, {0, 0})}},
      Refused("region of no image", Pool(1, 1),
              {Image(), MakeTensor<float>({1, 5}, {1, 0, 0, 3, 3})}, MaceStatus::MACE_INVALID_ARGS,
              "region 0 is of image 1, and there are 1"),
      Refused("region of image NaN", Pool(1, 1),
              {Image(), MakeTensor<float>({1, 5}, {NAN, 0, 0, 3, 3})},
              MaceStatus::MACE_INVALID_ARGS, "region 0 is of image"),
      Refused("four numbers", Pool(1, 1), {Image(), MakeTensor<float>({1, 4}, {0, 0, 3, 3})},
              MaceStatus::MACE_INVALID_ARGS, "rows of five numbers"),
      Refused("three dimensions", Pool(1, 1),
              {MakeIota<float>({4, 4, 1}), MakeTensor<float>({1, 5}, {0, 0, 0, 3, 3})},
              MaceStatus::MACE_INVALID_ARGS, "must be NHWC"),
      Refused("integers", Pool(1, 1), {Image(), MakeTensor<int32_t>({1, 5}, {0, 0, 0, 3, 3})},
              MaceStatus::MACE_INVALID_ARGS, "regions must be float32"),
      Refused("a grid beyond memory", Pool(int64_t{1} << 62, 4),
              {Image(), MakeTensor<float>({1, 5}, {0, 0, 0, 3, 3})}, MaceStatus::MACE_INVALID_ARGS,
              ""),
  });
}

}  // namespace
}  // namespace test
}  // namespace ops
}  // namespace mace
