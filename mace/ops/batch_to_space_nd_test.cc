// SPDX-License-Identifier: Apache-2.0
// BatchToSpaceND against TensorFlow's results.
#include <gtest/gtest.h>

#include "mace/ops/ops_test_util.h"

namespace mace {
namespace ops {
namespace test {
namespace {

TEST(BatchToSpaceNDTest, Cases) {
  RunOpCases({
      {"no crop",
       OpDefBuilder("BatchToSpaceND")
           .AddIntsArg("block_shape", {2, 2})
           .AddIntsArg("crops", {0, 0, 0, 0}),
       {MakeIota<float>({4, 2, 2, 1})},
       {MakeTensor<float>({1, 4, 4, 1}, {0, 4, 1, 5, 8, 12, 9, 13, 2, 6, 3, 7, 10, 14, 11, 15})}},
      {"crops",
       OpDefBuilder("BatchToSpaceND")
           .AddIntsArg("block_shape", {2, 2})
           .AddIntsArg("crops", {1, 0, 0, 2}),
       {MakeIota<float>({4, 2, 2, 1})},
       {MakeTensor<float>({1, 3, 2, 1}, {8, 12, 2, 6, 10, 14})}},
      {"other blocks",
       OpDefBuilder("BatchToSpaceND")
           .AddIntsArg("block_shape", {2, 3})
           .AddIntsArg("crops", {0, 1, 1, 2}),
       {MakeIota<float>({12, 1, 2, 2})},
       {MakeTensor<float>({2, 1, 3, 2}, {8, 9, 16, 17, 2, 3, 12, 13, 20, 21, 6, 7})}},
      {"one side",
       OpDefBuilder("BatchToSpaceND")
           .AddIntsArg("block_shape", {1, 4})
           .AddIntsArg("crops", {0, 0, 0, 0}),
       {MakeIota<float>({4, 2, 2, 1})},
       {MakeTensor<float>({1, 2, 8, 1}, {0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15})}},
      {"everything cropped",
       OpDefBuilder("BatchToSpaceND")
           .AddIntsArg("block_shape", {2, 2})
           .AddIntsArg("crops", {2, 2, 0, 0}),
       {MakeIota<float>({4, 2, 2, 1})},
       {MakeTensor<float>({1, 0, 4, 1}, {})}},
  });
}

TEST(BatchToSpaceNDTest, Errors) {
  RunOpCases({
      Refused("batch",
              OpDefBuilder("BatchToSpaceND")
                  .AddIntsArg("block_shape", {3, 2})
                  .AddIntsArg("crops", {0, 0, 0, 0}),
              {MakeIota<float>({4, 2, 2, 1})}, MaceStatus::MACE_INVALID_ARGS,
              "the 4 images of the input are not a multiple of the block of 3 x 2"),
      Refused("crop too large",
              OpDefBuilder("BatchToSpaceND")
                  .AddIntsArg("block_shape", {2, 2})
                  .AddIntsArg("crops", {3, 2, 0, 0}),
              {MakeIota<float>({4, 2, 2, 1})}, MaceStatus::MACE_INVALID_ARGS,
              "dimension 1 of input shape [4, 2, 2, 1] times 2 cannot be cropped by 3 and 2"),
      Refused("huge crops",
              OpDefBuilder("BatchToSpaceND")
                  .AddIntsArg("block_shape", {2, 2})
                  .AddIntsArg("crops", {4611686018427387904, 4611686018427387904, 0, 0}),
              {MakeIota<float>({4, 2, 2, 1})}, MaceStatus::MACE_INVALID_ARGS,
              "cannot be cropped by"),
      Refused("rank",
              OpDefBuilder("BatchToSpaceND")
                  .AddIntsArg("block_shape", {1, 1})
                  .AddIntsArg("crops", {0, 0, 0, 0}),
              {MakeIota<float>({4, 4})}, MaceStatus::MACE_INVALID_ARGS,
              "the input must be NHWC, not [4, 4]"),
  });
}

}  // namespace
}  // namespace test
}  // namespace ops
}  // namespace mace
