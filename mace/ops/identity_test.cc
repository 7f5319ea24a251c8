// SPDX-License-Identifier: Apache-2.0
// Identity hands its input on, in the same memory or in other.
#include <gtest/gtest.h>

#include "mace/ops/ops_test_util.h"

namespace mace {
namespace ops {
namespace test {
namespace {

TEST(IdentityTest, Cases) {
  RunOpCases({
      {"float",
       OpDefBuilder("Identity"),
       {MakeIota<float>({2, 3, 4})},
       {MakeIota<float>({2, 3, 4})}},
      {"scalar",
       OpDefBuilder("Identity"),
       {MakeTensor<float>({}, {3})},
       {MakeTensor<float>({}, {3})}},
      {"bool",
       OpDefBuilder("Identity"),
       {MakeTensor<bool>({2}, {true, false})},
       {MakeTensor<bool>({2}, {true, false})}},
      {"int64",
       OpDefBuilder("Identity"),
       {MakeTensor<int64_t>({2}, {1, -1})},
       {MakeTensor<int64_t>({2}, {1, -1})}},
      {"nothing",
       OpDefBuilder("Identity"),
       {MakeTensor<float>({0, 4}, {})},
       {MakeTensor<float>({0, 4}, {})}},
  });
}

TEST(IdentityTest, LargeOnThreads) {
  OpsTestNet net;
  net.AddRandomInput("x", {100, 1001});
  OpDefBuilder("Identity").Input("x").Output("y").Finalize(net.NewOperatorDef());
  ASSERT_TRUE(Succeeds(net.RunOp()));
  ExpectTensorNear<float>(net, "y", {100, 1001}, net.Values<float>("x"), 0, 0);
}

}  // namespace
}  // namespace test
}  // namespace ops
}  // namespace mace
