// SPDX-License-Identifier: Apache-2.0
// Loops that are refused. What they compute is tested where models are run, as the graphs inside an
// operator are made by the net.
#include "mace/ops/ops_test_util.h"

namespace mace {
namespace ops {
namespace test {
namespace {

OpsTestNet *MakeLoop(OpsTestNet *net, int subgraphs) {
  net->Add("rounds", MakeTensor<int64_t>({}, {1}));
  net->Add("condition", MakeTensor<bool>({}, {true}));
  OpDefBuilder("Loop")
      .Input("rounds")
      .Input("condition")
      .Output("y")
      .AddIntArg("variables", 0)
      .Finalize(net->NewOperatorDef());
  net->NewOperatorDef()->subgraph.resize(static_cast<size_t>(subgraphs));
  return net;
}

TEST(LoopTest, NeedsItsSubgraph) {
  OpsTestNet none, two, not_made;
  EXPECT_TRUE(Fails(MakeLoop(&none, 0)->RunOp(), MaceStatus::MACE_INVALID_ARGS,
                    "0 subgraphs instead of 1"));
  EXPECT_TRUE(
      Fails(MakeLoop(&two, 2)->RunOp(), MaceStatus::MACE_INVALID_ARGS, "2 subgraphs instead of 1"));
  EXPECT_TRUE(
      Fails(MakeLoop(&not_made, 1)->RunOp(), MaceStatus::MACE_INVALID_ARGS, "needs a subgraph"));
}

TEST(LoopTest, VariablesAreNotNegative) {
  OpsTestNet net;
  MakeLoop(&net, 1)->NewOperatorDef()->arg[0].i = -1;
  EXPECT_TRUE(Fails(net.RunOp(), MaceStatus::MACE_INVALID_ARGS, "variables"));
}

}  // namespace
}  // namespace test
}  // namespace ops
}  // namespace mace
