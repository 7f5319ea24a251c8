// SPDX-License-Identifier: Apache-2.0
// SpaceToDepth as TensorFlow and ONNX have it.
#include <gtest/gtest.h>

#include "mace/ops/ops_test_util.h"

namespace mace {
namespace ops {
namespace test {
namespace {

TEST(SpaceToDepthTest, Cases) {
  RunOpCases({
      {"two channels",
       OpDefBuilder("SpaceToDepth").AddIntArg("block_size", 2),
       {MakeIota<float>({1, 4, 2, 2})},
       {MakeIota<float>({1, 2, 1, 8})}},
      {"two images",
       OpDefBuilder("SpaceToDepth").AddIntArg("block_size", 2),
       {MakeIota<float>({2, 2, 4, 1})},
       {MakeTensor<float>({2, 1, 2, 4}, {0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13, 10, 11, 14, 15})}},
      {"block 1",
       OpDefBuilder("SpaceToDepth").AddIntArg("block_size", 1),
       {MakeIota<float>({1, 4, 2, 2})},
       {MakeIota<float>({1, 4, 2, 2})}},
      {"nothing",
       OpDefBuilder("SpaceToDepth").AddIntArg("block_size", 2),
       {MakeTensor<float>({0, 2, 2, 4}, {})},
       {MakeTensor<float>({0, 1, 1, 16}, {})}},
  });
}

TEST(SpaceToDepthTest, Errors) {
  RunOpCases({
      Refused("not a multiple", OpDefBuilder("SpaceToDepth").AddIntArg("block_size", 4),
              {MakeIota<float>({1, 4, 2, 2})}, MaceStatus::MACE_INVALID_ARGS,
              "height and width of input shape [1, 4, 2, 2] are not multiples of the block of 4"),
      Refused("rank", OpDefBuilder("SpaceToDepth").AddIntArg("block_size", 2),
              {MakeIota<float>({2, 8})}, MaceStatus::MACE_INVALID_ARGS,
              "the input must be NHWC, not [2, 8]"),
      Refused("huge block",
              OpDefBuilder("SpaceToDepth").AddIntArg("block_size", 4611686018427387904),
              {MakeTensor<float>({1, 0, 0, 1}, {})}, MaceStatus::MACE_INVALID_ARGS,
              "too large to be addressed"),
  });
}

}  // namespace
}  // namespace test
}  // namespace ops
}  // namespace mace
