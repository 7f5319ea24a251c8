// SPDX-License-Identifier: Apache-2.0
// DepthToSpace in both orders of ONNX; DCR is TensorFlow's.
#include <gtest/gtest.h>

#include "mace/ops/ops_test_util.h"

namespace mace {
namespace ops {
namespace test {
namespace {

TEST(DepthToSpaceTest, Cases) {
  RunOpCases({
      {"DCR",
       OpDefBuilder("DepthToSpace").AddIntArg("block_size", 2),
       {MakeIota<float>({1, 2, 1, 8})},
       {MakeIota<float>({1, 4, 2, 2})}},
      {"CRD",
       OpDefBuilder("DepthToSpace").AddIntArg("block_size", 2).AddStringArg("mode", "CRD"),
       {MakeIota<float>({1, 2, 1, 8})},
       {MakeTensor<float>({1, 4, 2, 2}, {0, 4, 1, 5, 2, 6, 3, 7, 8, 12, 9, 13, 10, 14, 11, 15})}},
      {"rows and columns",
       OpDefBuilder("DepthToSpace").AddIntArg("block_size", 2),
       {MakeIota<float>({1, 2, 3, 4})},
       {MakeTensor<float>({1, 4, 6, 1}, {0,  1,  4,  5,  8,  9,  2,  3,  6,  7,  10, 11,
                                         12, 13, 16, 17, 20, 21, 14, 15, 18, 19, 22, 23})}},
      {"two images, one channel",
       OpDefBuilder("DepthToSpace").AddIntArg("block_size", 2),
       {MakeIota<float>({2, 1, 2, 4})},
       {MakeTensor<float>({2, 2, 4, 1}, {0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13, 10, 11, 14, 15})}},
      {"block 1",
       OpDefBuilder("DepthToSpace").AddIntArg("block_size", 1),
       {MakeIota<float>({1, 2, 1, 8})},
       {MakeIota<float>({1, 2, 1, 8})}},
      {"block 3",
       OpDefBuilder("DepthToSpace").AddIntArg("block_size", 3).AddStringArg("mode", "CRD"),
       {MakeIota<float>({1, 1, 1, 18})},
       {MakeTensor<float>({1, 3, 3, 2},
                          {0, 9, 1, 10, 2, 11, 3, 12, 4, 13, 5, 14, 6, 15, 7, 16, 8, 17})}},
      {"nothing",
       OpDefBuilder("DepthToSpace").AddIntArg("block_size", 2),
       {MakeTensor<float>({0, 2, 2, 4}, {})},
       {MakeTensor<float>({0, 4, 4, 1}, {})}},
  });
}

TEST(DepthToSpaceTest, Errors) {
  RunOpCases({
      Refused("channels", OpDefBuilder("DepthToSpace").AddIntArg("block_size", 2),
              {MakeIota<float>({1, 1, 2, 6})}, MaceStatus::MACE_INVALID_ARGS,
              "the 6 channels of the input are not a multiple of the block of 2 x 2"),
      Refused("rank", OpDefBuilder("DepthToSpace").AddIntArg("block_size", 2),
              {MakeIota<float>({2, 8})}, MaceStatus::MACE_INVALID_ARGS,
              "the input must be NHWC, not [2, 8]"),
      Refused("huge block",
              OpDefBuilder("DepthToSpace").AddIntArg("block_size", 4611686018427387904),
              {MakeIota<float>({1, 2, 1, 8})}, MaceStatus::MACE_INVALID_ARGS,
              "are not a multiple of the block"),
      Refused("huge block, no channels",
              OpDefBuilder("DepthToSpace").AddIntArg("block_size", 2147483648),
              {MakeTensor<float>({1, 1048576, 1048576, 0}, {})}, MaceStatus::MACE_INVALID_ARGS,
              "too large to be addressed"),
  });
}

}  // namespace
}  // namespace test
}  // namespace ops
}  // namespace mace
