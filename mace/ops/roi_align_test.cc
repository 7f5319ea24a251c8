// SPDX-License-Identifier: Apache-2.0
// RoiAlign: means and maxima, both rules of coordinates, regions of images that are not there.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <vector>

#include "mace/ops/ops_test_util.h"

namespace mace {
namespace ops {
namespace test {
namespace {

OpDefBuilder Align(int64_t size, int64_t ratio, bool half) {
  return OpDefBuilder("RoiAlign")
      .AddIntArg("output_height", size)
      .AddIntArg("output_width", size)
      .AddIntArg("sampling_ratio", ratio)
      .AddIntArg("half_pixel", half ? 1 : 0);
}

TEST(RoiAlignTest, Cases) {
  const auto image = MakeIota<float>({1, 4, 4, 1});
  const auto first = MakeTensor<int64_t>({1}, {0});
  RunOpCases({
      {"one point",
       Align(1, 1, false),
       {image, MakeTensor<float>({1, 4}, {0, 0, 3, 3}), first},
       {MakeTensor<float>({1, 1, 1, 1}, {7.5f})}},
      {"bins, half a pixel",
       Align(2, 1, true),
       {image, MakeTensor<float>({1, 4}, {0, 0, 4, 4}), first},
       {MakeTensor<float>({1, 2, 2, 1}, {2.5f, 4.5f, 10.5f, 12.5f})}},
      {"as many points as pixels",
       Align(1, 0, true),
       {image, MakeTensor<float>({1, 4}, {0, 0, 4, 4}), first},
       {MakeTensor<float>({1, 1, 1, 1}, {7.5f})}},
      {"largest weighted pixel",
       Align(1, 1, false).AddStringArg("mode", "MAX"),
       {image, MakeTensor<float>({1, 4}, {0, 0, 3, 3}), first},
       {MakeTensor<float>({1, 1, 1, 1}, {2.5f})}},
      {"outside",
       Align(1, 1, false),
       {image, MakeTensor<float>({2, 4}, {9, 9, 12, 12, NAN, 0, NAN, 1}),
        MakeTensor<int32_t>({2}, {0, 0})},
       {MakeTensor<float>({2, 1, 1, 1}, {0, 0})}},
      {"none",
       Align(1, 1, false),
       {image, MakeTensor<float>({0, 4}, {}), MakeTensor<int64_t>({0}, {})},
       {MakeTensor<float>({0, 1, 1, 1}, {})}},
  });
}

TEST(RoiAlignTest, Errors) {
  const auto image = MakeIota<float>({1, 4, 4, 1});
  const auto roi = MakeTensor<float>({1, 4}, {0});
  RunOpCases({
      Refused("image", Align(1, 1, false), {image, roi, MakeTensor<int64_t>({1}, {1})},
              MaceStatus::MACE_INVALID_ARGS, "batch index 1 of region 0 is outside of [0, 0]"),
      Refused("shape", Align(1, 1, false), {image, roi, MakeTensor<int64_t>({2}, {0})},
              MaceStatus::MACE_INVALID_ARGS, "must be NHWC"),
  });
}

}  // namespace
}  // namespace test
}  // namespace ops
}  // namespace mace
