// SPDX-License-Identifier: Apache-2.0
// SpaceToBatchND against TensorFlow's results.
#include <gtest/gtest.h>

#include "mace/ops/ops_test_util.h"

namespace mace {
namespace ops {
namespace test {
namespace {

TEST(SpaceToBatchNDTest, Cases) {
  RunOpCases({
      {"no padding",
       OpDefBuilder("SpaceToBatchND")
           .AddIntsArg("block_shape", {2, 2})
           .AddIntsArg("paddings", {0, 0, 0, 0}),
       {MakeIota<float>({1, 4, 4, 1})},
       {MakeTensor<float>({4, 2, 2, 1}, {0, 2, 8, 10, 1, 3, 9, 11, 4, 6, 12, 14, 5, 7, 13, 15})}},
      {"padding",
       OpDefBuilder("SpaceToBatchND")
           .AddIntsArg("block_shape", {2, 3})
           .AddIntsArg("paddings", {1, 1, 1, 2}),
       {MakeIota<float>({2, 2, 3, 2})},
       {MakeTensor<float>(
           {12, 2, 2, 2},
           {0, 0, 0, 0,  0,  0, 10, 11, 0,  0,  0, 0, 0, 0,  22, 23, 0, 0, 0, 0,  6,  7, 0,  0,  0,
            0, 0, 0, 18, 19, 0, 0,  0,  0,  0,  0, 8, 9, 0,  0,  0,  0, 0, 0, 20, 21, 0, 0,  0,  0,
            4, 5, 0, 0,  0,  0, 0,  0,  16, 17, 0, 0, 0, 0,  0,  1,  0, 0, 0, 0,  0,  0, 12, 13, 0,
            0, 0, 0, 0,  0,  2, 3,  0,  0,  0,  0, 0, 0, 14, 15, 0,  0, 0, 0, 0,  0})}},
      {"other blocks",
       OpDefBuilder("SpaceToBatchND")
           .AddIntsArg("block_shape", {4, 1})
           .AddIntsArg("paddings", {0, 0, 0, 0}),
       {MakeIota<float>({1, 4, 6, 1})},
       {MakeIota<float>({4, 1, 6, 1})}},
      {"block of padding alone",
       OpDefBuilder("SpaceToBatchND")
           .AddIntsArg("block_shape", {3, 2})
           .AddIntsArg("paddings", {2, 0, 0, 3}),
       {MakeTensor<float>({1, 1, 1, 2}, {0, 1})},
       {MakeTensor<float>({6, 1, 2, 2}, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
                                         0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0})}},
      {"no image",
       OpDefBuilder("SpaceToBatchND")
           .AddIntsArg("block_shape", {2, 2})
           .AddIntsArg("paddings", {0, 0, 0, 0}),
       {MakeTensor<float>({0, 2, 2, 3}, {})},
       {MakeTensor<float>({0, 1, 1, 3}, {})}},
  });
}

TEST(SpaceToBatchNDTest, Errors) {
  RunOpCases({
      Refused("not a multiple",
              OpDefBuilder("SpaceToBatchND")
                  .AddIntsArg("block_shape", {2, 2})
                  .AddIntsArg("paddings", {0, 1, 0, 0}),
              {MakeIota<float>({1, 4, 4, 1})}, MaceStatus::MACE_INVALID_ARGS,
              "dimension 1 of input shape [1, 4, 4, 1], padded by 0 and 1, is not a multiple of "
              "the block of 2"),
      Refused("negative padding",
              OpDefBuilder("SpaceToBatchND")
                  .AddIntsArg("block_shape", {2, 2})
                  .AddIntsArg("paddings", {0, -2, 0, 0}),
              {MakeIota<float>({1, 4, 4, 1})}, MaceStatus::MACE_INVALID_ARGS, "paddings"),
      Refused("block 0",
              OpDefBuilder("SpaceToBatchND")
                  .AddIntsArg("block_shape", {0, 2})
                  .AddIntsArg("paddings", {0, 0, 0, 0}),
              {MakeIota<float>({1, 4, 4, 1})}, MaceStatus::MACE_INVALID_ARGS, "block_shape"),
      Refused("rank",
              OpDefBuilder("SpaceToBatchND")
                  .AddIntsArg("block_shape", {1, 1})
                  .AddIntsArg("paddings", {0, 0, 0, 0}),
              {MakeIota<float>({4, 4})}, MaceStatus::MACE_INVALID_ARGS,
              "the input must be NHWC, not [4, 4]"),
      Refused("overflow",
              OpDefBuilder("SpaceToBatchND")
                  .AddIntsArg("block_shape", {1, 1})
                  .AddIntsArg("paddings", {4611686018427387904, 4611686018427387904, 0, 0}),
              {MakeIota<float>({1, 4, 4, 1})}, MaceStatus::MACE_INVALID_ARGS,
              "too large to be addressed"),
      Refused("too large",
              OpDefBuilder("SpaceToBatchND")
                  .AddIntsArg("block_shape", {2305843009213693952, 2305843009213693952})
                  .AddIntsArg("paddings", {2305843009213693948, 0, 2305843009213693948, 0}),
              {MakeIota<float>({1, 4, 4, 1})}, MaceStatus::MACE_INVALID_ARGS,
              "too large to be addressed"),
  });
}

TEST(SpaceToBatchNDTest, LargeOnThreadsThereAndBack) {
  OpsTestNet there;
  there.AddRandomInput("x", {2, 30, 50, 37});
  OpDefBuilder("SpaceToBatchND")
      .Input("x")
      .Output("y")
      .AddIntsArg("block_shape", {3, 4})
      .AddIntsArg("paddings", {1, 2, 0, 2})
      .Finalize(there.NewOperatorDef());
  ASSERT_TRUE(Succeeds(there.RunOp()));
  OpsTestNet back;
  back.AddInput<float>("y", {24, 11, 13, 37}, there.Values<float>("y"));
  OpDefBuilder("BatchToSpaceND")
      .Input("y")
      .Output("x")
      .AddIntsArg("block_shape", {3, 4})
      .AddIntsArg("crops", {1, 2, 0, 2})
      .Finalize(back.NewOperatorDef());
  ASSERT_TRUE(Succeeds(back.RunOp()));
  ExpectTensorNear<float>(back, "x", {2, 30, 50, 37}, there.Values<float>("x"), 0, 0);
}

}  // namespace
}  // namespace test
}  // namespace ops
}  // namespace mace
