// SPDX-License-Identifier: Apache-2.0
// Branches that are refused. What they compute is tested where models are run, as the graphs inside
// an operator are made by the net.
#include "mace/ops/ops_test_util.h"

namespace mace {
namespace ops {
namespace test {
namespace {

TEST(IfTest, NeedsBothSubgraphs) {
  OpsTestNet net;
  net.Add("condition", MakeTensor<bool>({}, {true}));
  OpDefBuilder("If").Input("condition").Output("y").Finalize(net.NewOperatorDef());
  EXPECT_TRUE(Fails(net.RunOp(), MaceStatus::MACE_INVALID_ARGS, "0 subgraphs instead of 2"));
  net.NewOperatorDef()->subgraph.resize(1);
  EXPECT_TRUE(Fails(net.RunOp(), MaceStatus::MACE_INVALID_ARGS, "1 subgraphs instead of 2"));
}

TEST(IfTest, SubgraphsThatWereNotMade) {
  OpsTestNet net;
  net.Add("condition", MakeTensor<bool>({}, {true}));
  OpDefBuilder("If").Input("condition").Output("y").Finalize(net.NewOperatorDef());
  net.NewOperatorDef()->subgraph.resize(2);
  EXPECT_TRUE(Fails(net.RunOp(), MaceStatus::MACE_INVALID_ARGS, "needs two subgraphs"));
}

}  // namespace
}  // namespace test
}  // namespace ops
}  // namespace mace
