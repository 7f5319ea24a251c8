// SPDX-License-Identifier: Apache-2.0
// CropAndResize: places, extrapolation, and boxes of images that are not there.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <vector>

#include "mace/ops/ops_test_util.h"

namespace mace {
namespace ops {
namespace test {
namespace {

TEST(CropAndResizeTest, Cases) {
  const auto image = MakeIota<float>({1, 3, 3, 1});
  const auto first = MakeTensor<int32_t>({1}, {0});
  const auto two = MakeConst<int32_t>({2}, {2, 2});
  const auto op = OpDefBuilder("CropAndResize").AddFloatArg("extrapolation_value", -1);
  RunOpCases({
      {"whole",
       op,
       {image, MakeTensor<float>({1, 4}, {0, 0, 1, 1}), first, two},
       {MakeTensor<float>({1, 2, 2, 1}, {0, 2, 6, 8})}},
      {"part and beyond",
       op,
       {image, MakeTensor<float>({1, 4}, {0.25f, 0, 1.5f, 0.5f}), first, two},
       {MakeTensor<float>({1, 2, 2, 1}, {1.5f, 2.5f, -1, -1})}},
      {"three places from within",
       op,
       {image, MakeTensor<float>({1, 4}, {0.5f, 0.25f, 1, 0.75f}), first,
        MakeConst<int32_t>({2}, {2, 3})},
       {MakeTensor<float>({1, 2, 3, 1}, {3.5f, 4, 4.5f, 6.5f, 7, 7.5f})}},
      {"nearest, one pixel",
       OpDefBuilder("CropAndResize").AddStringArg("method", "NEAREST"),
       {image, MakeTensor<float>({1, 4}, {0, 0.4f, 1, 1}), first, MakeConst<int32_t>({2}, {1, 1})},
       {MakeTensor<float>({1, 1, 1, 1}, {4})}},
      {"no number",
       op,
       {image, MakeTensor<float>({1, 4}, {NAN, 0, 1, 1}), first, MakeConst<int32_t>({2}, {1, 1})},
       {MakeTensor<float>({1, 1, 1, 1}, {-1})}},
  });
}

TEST(CropAndResizeTest, Errors) {
  const auto image = MakeIota<float>({1, 3, 3, 1});
  const auto box = MakeTensor<float>({1, 4}, {0});
  RunOpCases({
      Refused("image", OpDefBuilder("CropAndResize"),
              {image, box, MakeTensor<int32_t>({1}, {-1}), MakeConst<int32_t>({2}, {1, 1})},
              MaceStatus::MACE_INVALID_ARGS, "index -1 of box 0 is outside of [0, 0]"),
      Refused("size", OpDefBuilder("CropAndResize"),
              {image, box, MakeTensor<int32_t>({1}, {0}), MakeConst<int32_t>({1}, {1})},
              MaceStatus::MACE_INVALID_ARGS, "height and width"),
  });
}

}  // namespace
}  // namespace test
}  // namespace ops
}  // namespace mace
