// SPDX-License-Identifier: Apache-2.0
// Gives every intermediate tensor its place in one arena, so that tensors that live at the same
// time do not overlap. A pure function of the graph: nothing is allocated here.
// Method: greedy by size for offset calculation, Pisarchyk and Lee, arXiv 2001.03288.
#ifndef MACE_CORE_MEMORY_PLANNER_H_
#define MACE_CORE_MEMORY_PLANNER_H_

#include <cstddef>
#include <utility>
#include <vector>

namespace mace {

// What is executed, as far as memory is concerned. Tensors are numbered.
struct MemoryGraph {
  enum class Kind {
    kPlanned,   // gets memory from the arena, or shares another tensor's
    kReadOnly,  // memory from outside that must not be written: model input, constant
    kOutput,    // memory from outside that is written and kept: model output
  };
  struct TensorEntry {
    size_t bytes = 0;
    Kind kind = Kind::kPlanned;
  };
  struct Step {
    std::vector<int> inputs;   // tensors read
    std::vector<int> outputs;  // tensors written; each by one step only, never kReadOnly
    // (output, input): same elements, may share memory.
    std::vector<std::pair<int, int>> aliases;
    // (output, input): output may be written over input once nothing else reads that.
    std::vector<std::pair<int, int>> in_place;
    size_t scratch = 0;  // bytes needed during this step alone
  };
  std::vector<TensorEntry> tensors;
  std::vector<Step> steps;
};

struct MemoryPlan {
  struct Place {
    // The tensor with memory from outside that this one shares (itself, if it is one); -1: arena.
    int external = -1;
    size_t offset = 0;  // in the arena, a multiple of 64
  };
  std::vector<Place> tensors;
  std::vector<size_t> scratch_offsets;  // one for each step
  size_t arena_bytes = 0;
  // The most bytes that are live at one step, whatever the offsets: no arena can be smaller once it
  // is settled which tensors share memory.
  size_t lower_bound = 0;
};

// Tensors that no step writes and that are kPlanned get no memory. Sizes are at most 2^62 in sum.
MemoryPlan PlanMemory(const MemoryGraph &graph);

}  // namespace mace

#endif  // MACE_CORE_MEMORY_PLANNER_H_
