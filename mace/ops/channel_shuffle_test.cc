// SPDX-License-Identifier: Apache-2.0
// ChannelShuffle interleaves the groups of the last dimension.
#include <gtest/gtest.h>

#include "mace/ops/ops_test_util.h"

namespace mace {
namespace ops {
namespace test {
namespace {

TEST(ChannelShuffleTest, Cases) {
  RunOpCases({
      {"two groups",
       OpDefBuilder("ChannelShuffle").AddIntArg("group", 2),
       {MakeIota<float>({1, 1, 2, 6})},
       {MakeTensor<float>({1, 1, 2, 6}, {0, 3, 1, 4, 2, 5, 6, 9, 7, 10, 8, 11})}},
      {"three groups",
       OpDefBuilder("ChannelShuffle").AddIntArg("group", 3),
       {MakeIota<float>({1, 1, 2, 6})},
       {MakeTensor<float>({1, 1, 2, 6}, {0, 2, 4, 1, 3, 5, 6, 8, 10, 7, 9, 11})}},
      {"one group",
       OpDefBuilder("ChannelShuffle").AddIntArg("group", 1),
       {MakeIota<float>({1, 1, 2, 6})},
       {MakeIota<float>({1, 1, 2, 6})}},
      {"as many groups as channels",
       OpDefBuilder("ChannelShuffle").AddIntArg("group", 6),
       {MakeIota<float>({1, 1, 2, 6})},
       {MakeIota<float>({1, 1, 2, 6})}},
      {"nothing",
       OpDefBuilder("ChannelShuffle").AddIntArg("group", 2),
       {MakeTensor<float>({0, 1, 1, 4}, {})},
       {MakeTensor<float>({0, 1, 1, 4}, {})}},
      {"no channels",
       OpDefBuilder("ChannelShuffle").AddIntArg("group", 2),
       {MakeTensor<float>({1, 1, 1, 0}, {})},
       {MakeTensor<float>({1, 1, 1, 0}, {})}},
  });
}

TEST(ChannelShuffleTest, Errors) {
  RunOpCases({
      Refused("not a multiple", OpDefBuilder("ChannelShuffle").AddIntArg("group", 4),
              {MakeIota<float>({1, 1, 2, 6})}, MaceStatus::MACE_INVALID_ARGS,
              "the channels of input shape [1, 1, 2, 6] cannot be split into 4 groups"),
      Refused("group 0", OpDefBuilder("ChannelShuffle").AddIntArg("group", 0),
              {MakeIota<float>({1, 1, 2, 6})}, MaceStatus::MACE_INVALID_ARGS, "group"),
      Refused("scalar", OpDefBuilder("ChannelShuffle").AddIntArg("group", 1),
              {MakeTensor<float>({}, {1})}, MaceStatus::MACE_INVALID_ARGS, "cannot be split"),
  });
}

}  // namespace
}  // namespace test
}  // namespace ops
}  // namespace mace
