// SPDX-License-Identifier: Apache-2.0
// Properties of memory plans on random graphs: no overlap, small arenas, and sharing that keeps
// every value intact when the graph is executed symbolically.
#include "mace/core/memory_planner.h"

#include <algorithm>
#include <map>
#include <random>

#include "gtest/gtest.h"

namespace mace {
namespace {

using Kind = MemoryGraph::Kind;

size_t At(int i) { return static_cast<size_t>(i); }

MemoryGraph RandomGraph(std::mt19937 *random) {
  const auto pick = [random](int low, int high) {
    return std::uniform_int_distribution<int>(low, high)(*random);
  };
  MemoryGraph graph;
  const auto add = [&graph](size_t bytes, Kind kind) {
    graph.tensors.push_back({bytes, kind});
    return static_cast<int>(graph.tensors.size()) - 1;
  };
  const std::vector<size_t> sizes = {0, 4, 64, 100, 1000, 4096};
  std::vector<int> readable;
  for (int i = pick(1, 3); i > 0; --i) {
    readable.push_back(add(sizes[At(pick(1, 5))], Kind::kReadOnly));
  }
  for (int s = pick(1, 25); s > 0; --s) {
    MemoryGraph::Step step;
    for (int i = pick(1, 3); i > 0; --i) {
      // Mostly recent tensors, as in real nets.
      const int newest = static_cast<int>(readable.size()) - 1;
      step.inputs.push_back(
          readable[At(pick(pick(0, 1) == 0 ? 0 : std::max(0, newest - 2), newest))]);
    }
    for (int o = pick(1, 2); o > 0; --o) {
      const int input = step.inputs[At(pick(0, static_cast<int>(step.inputs.size()) - 1))];
      const bool same_size = pick(0, 2) > 0;
      const size_t bytes = same_size ? graph.tensors[At(input)].bytes : sizes[At(pick(0, 5))];
      const int output = add(bytes, pick(0, 5) == 0 ? Kind::kOutput : Kind::kPlanned);
      if (same_size && pick(0, 1) == 0) {
        step.in_place.emplace_back(output, input);
      } else if (same_size && pick(0, 2) == 0) {
        step.aliases.emplace_back(output, input);
      }
      step.outputs.push_back(output);
    }
    if (pick(0, 3) == 0) step.scratch = At(pick(1, 3000));
    readable.insert(readable.end(), step.outputs.begin(), step.outputs.end());
    graph.steps.push_back(step);
  }
  return graph;
}

// Executes a plan on memory that remembers, for each byte, which value was written last.
class SymbolicMachine {
 public:
  SymbolicMachine(const MemoryGraph &graph, const MemoryPlan &plan)
      : graph_(graph), plan_(plan), arena_(plan.arena_bytes, -1), value_(graph.tensors.size()) {
    for (size_t t = 0; t < graph.tensors.size(); ++t) {
      value_[t] = static_cast<int>(t);
      if (graph.tensors[t].kind != Kind::kPlanned) {
        external_[static_cast<int>(t)].assign(graph.tensors[t].bytes, -1);
      }
      if (graph.tensors[t].kind == Kind::kReadOnly) Fill(static_cast<int>(t));
    }
  }

  void Execute() {
    for (size_t s = 0; s < graph_.steps.size(); ++s) {
      const MemoryGraph::Step &step = graph_.steps[s];
      for (int t : step.inputs) ExpectIntact(t, s);
      const size_t scratch = plan_.scratch_offsets[s];
      ASSERT_EQ(scratch % 64, 0u);
      ASSERT_LE(scratch + step.scratch, arena_.size());
      for (size_t i = 0; i < step.scratch; ++i) arena_[scratch + i] = -2;
      // Inputs are still read while scratch is used; in-place outputs replace theirs at the end.
      for (int t : step.inputs) ExpectIntact(t, s);
      for (int t : step.outputs) {
        for (const auto &[output, input] : step.aliases) {
          if (output == t) value_[At(t)] = value_[At(input)];
        }
        Fill(t);
      }
      for (int t : step.outputs) ExpectIntact(t, s);
      for (int t : step.inputs) {
        bool overwritten = false;
        for (const auto &[output, input] : step.in_place) {
          overwritten = overwritten ||
                        (value_[At(input)] == value_[At(t)] && Memory(input) == Memory(output));
        }
        if (!overwritten) ExpectIntact(t, s);
      }
    }
    for (size_t t = 0; t < graph_.tensors.size(); ++t) {
      if (graph_.tensors[t].kind != Kind::kPlanned) {
        ExpectIntact(static_cast<int>(t), graph_.steps.size());
      }
    }
  }

 private:
  int *Memory(int t) {
    const MemoryPlan::Place &place = plan_.tensors[At(t)];
    if (place.external >= 0) return external_.at(place.external).data();
    return arena_.data() + place.offset;
  }

  void Fill(int t) { std::fill_n(Memory(t), graph_.tensors[At(t)].bytes, value_[At(t)]); }

  void ExpectIntact(int t, size_t step) {
    for (size_t i = 0; i < graph_.tensors[At(t)].bytes; ++i) {
      ASSERT_EQ(Memory(t)[i], value_[At(t)]) << "tensor " << t << " at step " << step;
    }
  }

  const MemoryGraph &graph_;
  const MemoryPlan &plan_;
  std::vector<int> arena_;
  std::map<int, std::vector<int>> external_;
  std::vector<int> value_;  // what the tensor holds: an alias holds what its source holds
};

TEST(MemoryPlanner, RandomGraphsKeepTheirValues) {
  std::mt19937 random(20260101);
  double worst = 1, sum = 0;
#ifdef __x86_64__
  constexpr int kGraphs = 3000;
#else
  constexpr int kGraphs = 200;  // other machines are emulated
#endif
  for (int i = 0; i < kGraphs; ++i) {
    const MemoryGraph graph = RandomGraph(&random);
    const MemoryPlan plan = PlanMemory(graph);
    ASSERT_EQ(plan.tensors.size(), graph.tensors.size());
    ASSERT_EQ(plan.scratch_offsets.size(), graph.steps.size());
    for (size_t t = 0; t < graph.tensors.size(); ++t) {
      ASSERT_EQ(plan.tensors[t].offset % 64, 0u);
      if (graph.tensors[t].kind == Kind::kPlanned) continue;
      ASSERT_EQ(plan.tensors[t].external, static_cast<int>(t)) << "memory from outside stays";
    }
    SymbolicMachine machine(graph, plan);
    machine.Execute();
    if (HasFatalFailure()) {
      FAIL() << "graph " << i;
    }
    ASSERT_GE(plan.arena_bytes, plan.lower_bound);
    if (plan.lower_bound == 0) continue;
    const double ratio =
        static_cast<double>(plan.arena_bytes) / static_cast<double>(plan.lower_bound);
    worst = std::max(worst, ratio);
    sum += ratio - 1;
  }
  RecordProperty("worst_ratio", std::to_string(worst));
  RecordProperty("mean_ratio", std::to_string(1 + sum / kGraphs));
  EXPECT_LT(worst, 1.5);
  EXPECT_LT(sum / kGraphs, 0.01);
}

// input -> a -> b -> c -> output: two buffers serve a chain.
TEST(MemoryPlanner, ChainNeedsTwoBuffers) {
  MemoryGraph graph;
  graph.tensors = {{1024, Kind::kReadOnly},
                   {1024, Kind::kPlanned},
                   {1024, Kind::kPlanned},
                   {1024, Kind::kPlanned},
                   {1024, Kind::kOutput}};
  for (int t = 0; t < 4; ++t) {
    MemoryGraph::Step step;
    step.inputs = {t};
    step.outputs = {t + 1};
    graph.steps.push_back(step);
  }
  const MemoryPlan plan = PlanMemory(graph);
  EXPECT_EQ(plan.arena_bytes, 2048u);
  EXPECT_EQ(plan.lower_bound, 2048u);
}

TEST(MemoryPlanner, InPlaceAndAliasShareOneBuffer) {
  MemoryGraph graph;
  graph.tensors = {{1024, Kind::kReadOnly},
                   {1024, Kind::kPlanned},
                   {1024, Kind::kPlanned},
                   {1024, Kind::kPlanned},
                   {64, Kind::kOutput}};
  graph.steps.resize(4);
  for (int s = 0; s < 4; ++s) {
    graph.steps[At(s)].inputs = {s};
    graph.steps[At(s)].outputs = {s + 1};
  }
  graph.steps[0].in_place = {{1, 0}};  // over a model input: must not
  graph.steps[1].in_place = {{2, 1}};
  graph.steps[2].aliases = {{3, 2}};
  const MemoryPlan plan = PlanMemory(graph);
  EXPECT_EQ(plan.tensors[1].external, -1);
  EXPECT_EQ(plan.arena_bytes, 1024u);
}

TEST(MemoryPlanner, ChainEndsInTheOutputsMemory) {
  MemoryGraph graph;
  graph.tensors = {
      {256, Kind::kReadOnly}, {256, Kind::kPlanned}, {256, Kind::kPlanned}, {256, Kind::kOutput}};
  graph.steps.resize(3);
  for (int s = 0; s < 3; ++s) {
    graph.steps[At(s)].inputs = {s};
    graph.steps[At(s)].outputs = {s + 1};
  }
  graph.steps[1].in_place = {{2, 1}};
  graph.steps[2].aliases = {{3, 2}};
  const MemoryPlan plan = PlanMemory(graph);
  EXPECT_EQ(plan.tensors[1].external, 3);
  EXPECT_EQ(plan.tensors[2].external, 3);
  EXPECT_EQ(plan.arena_bytes, 0u);
}

TEST(MemoryPlanner, TwoOutputsDoNotOverwriteOneInput) {
  MemoryGraph graph;
  graph.tensors = {{64, Kind::kReadOnly},
                   {64, Kind::kPlanned},
                   {64, Kind::kPlanned},
                   {64, Kind::kPlanned},
                   {64, Kind::kOutput}};
  graph.steps.resize(3);
  graph.steps[0].inputs = {0};
  graph.steps[0].outputs = {1};
  graph.steps[1].inputs = {1};
  graph.steps[1].outputs = {2, 3};
  graph.steps[1].in_place = {{2, 1}, {3, 1}};
  graph.steps[2].inputs = {3};
  graph.steps[2].outputs = {4};
  const MemoryPlan plan = PlanMemory(graph);
  EXPECT_NE(plan.tensors[2].offset, plan.tensors[3].offset);
}

TEST(MemoryPlanner, Empty) {
  const MemoryPlan plan = PlanMemory(MemoryGraph());
  EXPECT_EQ(plan.arena_bytes, 0u);
  EXPECT_TRUE(plan.tensors.empty());
}

}  // namespace
}  // namespace mace
