// SPDX-License-Identifier: Apache-2.0
// Blocks of activations: none is used twice at a time, and none is too small.
#include "mace/runtimes/opencl/blocks.h"

#include <algorithm>
#include <numeric>
#include <random>

#include "gtest/gtest.h"

namespace mace {
namespace opencl {
namespace {

MemoryGraph::Step Step(std::vector<int> inputs, std::vector<int> outputs) {
  MemoryGraph::Step step;
  step.inputs = std::move(inputs);
  step.outputs = std::move(outputs);
  return step;
}

TEST(Blocks, AChainTakesTwo) {
  MemoryGraph graph;
  for (size_t bytes : {100, 300, 200, 50}) graph.tensors.push_back({bytes});
  graph.steps = {Step({}, {0}), Step({0}, {1}), Step({1}, {2}), Step({2}, {3})};
  const BlockPlan plan = PlanBlocks(graph);
  EXPECT_EQ(plan.bytes, (std::vector<size_t>{300, 200}));
  EXPECT_EQ(plan.block_of, (std::vector<int>{1, 0, 1, 0}));
  EXPECT_EQ(plan.lower_bound, 500u);
}

TEST(Blocks, AliasesAndConstants) {
  MemoryGraph graph;
  graph.tensors = {{100}, {100}, {0}, {70, MemoryGraph::Kind::kReadOnly}, {10}};
  MemoryGraph::Step alias = Step({0}, {1});
  alias.aliases = {{1, 0}};
  graph.steps = {Step({3}, {0}), alias, Step({1}, {4})};
  const BlockPlan plan = PlanBlocks(graph);
  EXPECT_EQ(plan.block_of[0], plan.block_of[1]);
  EXPECT_EQ(plan.block_of[2], -1);
  EXPECT_EQ(plan.block_of[3], -1);
  EXPECT_NE(plan.block_of[4], plan.block_of[0]);
}

TEST(Blocks, NothingLivesInTheSameBlockAtATime) {
  std::mt19937 random(1);
  for (int round = 0; round < 300; ++round) {
    MemoryGraph graph;
    const int count = 1 + static_cast<int>(random() % 30);
    std::vector<int> begin(static_cast<size_t>(count)), end(static_cast<size_t>(count));
    for (int t = 0; t < count; ++t) {
      graph.tensors.push_back({1 + random() % 1000});
      std::vector<int> inputs;
      begin[static_cast<size_t>(t)] = end[static_cast<size_t>(t)] = t;
      for (int i = 0; i < 3 && t > 0; ++i) {
        inputs.push_back(static_cast<int>(random() % static_cast<uint32_t>(t)));
        end[static_cast<size_t>(inputs.back())] = t;
      }
      graph.steps.push_back(Step(inputs, {t}));
    }
    const BlockPlan plan = PlanBlocks(graph);
    EXPECT_TRUE(std::is_sorted(plan.bytes.rbegin(), plan.bytes.rend()));
    EXPECT_GE(std::accumulate(plan.bytes.begin(), plan.bytes.end(), size_t{0}), plan.lower_bound);
    EXPECT_GE(plan.lower_bound, plan.bytes[0]);
    for (size_t a = 0; a < graph.tensors.size(); ++a) {
      ASSERT_GE(plan.block_of[a], 0);
      EXPECT_GE(plan.bytes[static_cast<size_t>(plan.block_of[a])], graph.tensors[a].bytes);
      for (size_t b = 0; b < a; ++b) {
        const bool apart = end[a] < begin[b] || end[b] < begin[a];
        EXPECT_TRUE(apart || plan.block_of[a] != plan.block_of[b]);
      }
    }
  }
}

}  // namespace
}  // namespace opencl
}  // namespace mace
