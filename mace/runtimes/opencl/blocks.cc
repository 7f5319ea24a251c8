// SPDX-License-Identifier: Apache-2.0
// Which activations share a piece of device memory.
#include "mace/runtimes/opencl/blocks.h"

#include <algorithm>
#include <cstdint>
#include <utility>

namespace mace {
namespace opencl {

namespace {

// Steps from the first that touches a tensor to the last.
struct Life {
  size_t begin = SIZE_MAX, end = 0;

  void Touch(size_t step) {
    begin = std::min(begin, step);
    end = std::max(end, step);
  }
  bool Overlaps(const Life &other) const { return begin <= other.end && other.begin <= end; }
};

}  // namespace

BlockPlan PlanBlocks(const MemoryGraph &graph) {
  const auto at = [](int i) { return static_cast<size_t>(i); };
  const size_t count = graph.tensors.size();
  // Tensors that share memory, by the one that they began with.
  std::vector<int> owner(count);
  for (size_t t = 0; t < count; ++t) owner[t] = static_cast<int>(t);
  for (const MemoryGraph::Step &step : graph.steps) {
    for (const auto &[to, from] : step.aliases) owner[at(to)] = owner[at(from)];
  }
  std::vector<Life> lives(count);
  std::vector<size_t> bytes(count, 0);
  for (size_t s = 0; s < graph.steps.size(); ++s) {
    for (int t : graph.steps[s].inputs) lives[at(owner[at(t)])].Touch(s);
    for (int t : graph.steps[s].outputs) lives[at(owner[at(t)])].Touch(s);
  }
  std::vector<size_t> order;
  for (size_t t = 0; t < count; ++t) {
    size_t &most = bytes[at(owner[t])];
    if (graph.tensors[t].kind == MemoryGraph::Kind::kPlanned) {
      most = std::max(most, graph.tensors[t].bytes);
    }
  }
  for (size_t t = 0; t < count; ++t) {
    if (at(owner[t]) == t && bytes[t] > 0) order.push_back(t);
  }
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return bytes[a] > bytes[b]; });
  BlockPlan plan;
  plan.block_of.assign(count, -1);
  std::vector<size_t> live(graph.steps.size(), 0);
  for (size_t t : order) {
    for (size_t s = lives[t].begin; s <= lives[t].end && s < live.size(); ++s) live[s] += bytes[t];
  }
  if (!live.empty()) plan.lower_bound = *std::max_element(live.begin(), live.end());
  std::vector<std::vector<size_t>> users;
  for (size_t t : order) {
    // The smallest block that is free: blocks come in descending order, and all are large enough.
    size_t block = users.size();
    while (block > 0 && std::any_of(users[block - 1].begin(), users[block - 1].end(),
                                    [&](size_t other) { return lives[t].Overlaps(lives[other]); }))
      --block;
    if (block == 0) {
      users.emplace_back();
      plan.bytes.push_back(bytes[t]);
      block = users.size();
    }
    users[block - 1].push_back(t);
    plan.block_of[t] = static_cast<int>(block) - 1;
  }
  for (size_t t = 0; t < count; ++t) {
    if (graph.tensors[t].kind == MemoryGraph::Kind::kPlanned && graph.tensors[t].bytes > 0) {
      plan.block_of[t] = plan.block_of[at(owner[t])];
    }
  }
  return plan;
}

}  // namespace opencl
}  // namespace mace
