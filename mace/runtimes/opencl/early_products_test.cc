// SPDX-License-Identifier: Apache-2.0
// Which operators are early: those near the inputs, on the longest way to them.
#include "mace/runtimes/opencl/early_products.h"

#include "gtest/gtest.h"

namespace mace {
namespace opencl {
namespace {

void Add(NetDef *net, const std::string &type, const std::vector<std::string> &inputs,
         const std::string &output) {
  OperatorDef op;
  op.type = type;
  op.input = inputs;
  op.output = {output};
  net->op.push_back(op);
}

TEST(EarlyProducts, OfAChain) {
  NetDef net;
  Add(&net, "Conv2D", {"in", "w"}, "c0");
  for (int i = 0; i < 9; ++i) {
    const std::string from = "c" + std::to_string(i), to = "c" + std::to_string(i + 1);
    // What multiplies nothing does not count.
    Add(&net, "Pooling", {from}, "p" + std::to_string(i));
    Add(&net, i % 2 == 0 ? "DepthwiseConv2d" : "MatMul", {"p" + std::to_string(i), "w"}, to);
  }
  EXPECT_EQ(EarlyProducts(net), std::vector<std::string>({"c0", "c1", "c2", "c3", "c4", "c5"}));
}

TEST(EarlyProducts, TheLongestWayCounts) {
  NetDef net;
  Add(&net, "Conv2D", {"in", "w"}, "c0");
  for (int i = 0; i < 5; ++i) {
    Add(&net, "Conv2D", {"c" + std::to_string(i), "w"}, "c" + std::to_string(i + 1));
  }
  Add(&net, "Concat", {"in", "c5"}, "both");
  Add(&net, "FullyConnected", {"both", "w"}, "late");
  Add(&net, "Conv2D", {"in", "w"}, "a side");
  EXPECT_EQ(EarlyProducts(net),
            std::vector<std::string>({"a side", "c0", "c1", "c2", "c3", "c4", "c5"}));
}

TEST(EarlyProducts, OfNothing) {
  NetDef net;
  EXPECT_TRUE(EarlyProducts(net).empty());
  net.op.emplace_back();
  net.op.back().type = "Conv2D";
  EXPECT_TRUE(EarlyProducts(net).empty());
}

}  // namespace
}  // namespace opencl
}  // namespace mace
