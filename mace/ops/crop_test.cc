// SPDX-License-Identifier: Apache-2.0
// Crop: the window's size from an attribute or from a second input.
#include <gtest/gtest.h>

#include "mace/ops/ops_test_util.h"

namespace mace {
namespace ops {
namespace test {
namespace {

TEST(CropTest, Cases) {
  RunOpCases({
      {"size attribute",
       OpDefBuilder("Crop").AddIntsArg("offset", {0, 1, 0, 0}).AddIntsArg("size", {1, 2, 1, 2}),
       {MakeIota<float>({1, 3, 2, 2})},
       {MakeTensor<float>({1, 2, 1, 2}, {4, 5, 8, 9})}},
      {"size of an input",
       OpDefBuilder("Crop").AddIntsArg("offset", {-1, 1, 0, -1}),
       {MakeIota<float>({1, 3, 2, 2}), MakeIota<float>({9, 2, 1, 9})},
       {MakeTensor<float>({1, 2, 1, 2}, {4, 5, 8, 9})}},
      {"whole",
       OpDefBuilder("Crop").AddIntsArg("offset", {-1, -1}).AddIntsArg("size", {5, 5}),
       {MakeIota<float>({2, 3})},
       {MakeIota<float>({2, 3})}},
      {"the rest",
       OpDefBuilder("Crop").AddIntsArg("offset", {0, 1}).AddIntsArg("size", {-1, -1}),
       {MakeIota<float>({2, 3})},
       {MakeTensor<float>({2, 2}, {1, 2, 4, 5})}},
      {"nothing",
       OpDefBuilder("Crop").AddIntsArg("offset", {2, 0}).AddIntsArg("size", {0, 3}),
       {MakeIota<float>({2, 3})},
       {MakeTensor<float>({0, 3}, {})}},
  });
}

TEST(CropTest, Errors) {
  RunOpCases({
      Refused("beyond the end",
              OpDefBuilder("Crop").AddIntsArg("offset", {0, 2}).AddIntsArg("size", {2, 2}),
              {MakeIota<float>({2, 3})}, MaceStatus::MACE_INVALID_ARGS,
              "a window of 2 from 2 on does not fit dimension 1 of input shape [2, 3]"),
      Refused("offset outside",
              OpDefBuilder("Crop").AddIntsArg("offset", {3, 0}).AddIntsArg("size", {-1, 1}),
              {MakeIota<float>({2, 3})}, MaceStatus::MACE_INVALID_ARGS, "a window of -1 from 3 on"),
      Refused("negative offset",
              OpDefBuilder("Crop").AddIntsArg("offset", {-2, 0}).AddIntsArg("size", {1, 1}),
              {MakeIota<float>({2, 3})}, MaceStatus::MACE_INVALID_ARGS, "from -2 on"),
      Refused("negative size",
              OpDefBuilder("Crop").AddIntsArg("offset", {0, 0}).AddIntsArg("size", {-2, 1}),
              {MakeIota<float>({2, 3})}, MaceStatus::MACE_INVALID_ARGS, "a window of -2"),
      Refused("offset too short",
              OpDefBuilder("Crop").AddIntsArg("offset", {0}).AddIntsArg("size", {1, 1}),
              {MakeIota<float>({2, 3})}, MaceStatus::MACE_INVALID_ARGS,
              "offset has 1 entries and the size 2"),
      Refused("no size", OpDefBuilder("Crop").AddIntsArg("offset", {0, 0}),
              {MakeIota<float>({2, 3})}, MaceStatus::MACE_INVALID_ARGS, "and the size 0"),
      Refused("other rank", OpDefBuilder("Crop").AddIntsArg("offset", {0, 0}),
              {MakeIota<float>({2, 3}), MakeIota<float>({2, 3, 1})}, MaceStatus::MACE_INVALID_ARGS,
              "and the size 3"),
  });
}

}  // namespace
}  // namespace test
}  // namespace ops
}  // namespace mace
