// SPDX-License-Identifier: Apache-2.0
// Gives every intermediate tensor its place in one arena.
#include "mace/core/memory_planner.h"

#include <algorithm>
#include <climits>
#include <cstdlib>
#include <numeric>

#include "mace/base/allocator.h"
#include "mace/base/checked.h"

namespace mace {

namespace {

// Tensors that share memory form a group; the group is what is placed.
class Groups {
 public:
  explicit Groups(const MemoryGraph &graph)
      : graph_(graph), parent_(graph.tensors.size()), last_read_(graph.tensors.size(), -1) {
    std::iota(parent_.begin(), parent_.end(), 0);
    external_.reserve(parent_.size());
    for (size_t t = 0; t < parent_.size(); ++t) {
      const bool planned = graph.tensors[t].kind == MemoryGraph::Kind::kPlanned;
      external_.push_back(planned ? -1 : static_cast<int>(t));
      if (graph.tensors[t].kind == MemoryGraph::Kind::kOutput) last_read_[t] = INT_MAX;
    }
    for (size_t s = 0; s < graph.steps.size(); ++s) {
      for (int t : graph.steps[s].inputs) {
        last_read_[At(t)] = std::max(last_read_[At(t)], static_cast<int>(s));
      }
    }
    for (size_t s = 0; s < graph.steps.size(); ++s) Share(static_cast<int>(s));
  }

  int Find(int tensor) {
    while (parent_[At(tensor)] != tensor) {
      parent_[At(tensor)] = parent_[At(parent_[At(tensor)])];
      tensor = parent_[At(tensor)];
    }
    return tensor;
  }
  int external(int group) const { return external_[At(group)]; }

 private:
  static size_t At(int i) { return static_cast<size_t>(i); }

  void Share(int s) {
    const MemoryGraph::Step &step = graph_.steps[At(s)];
    for (const auto &[output, input] : step.aliases) {
      if (Fresh(output)) Join(output, input, s);
    }
    for (const auto &[output, input] : step.in_place) {
      if (Fresh(output) && MayOverwrite(step, s, output, input)) Join(output, input, s);
    }
  }

  // An output that shares no memory yet.
  bool Fresh(int output) const { return parent_[At(output)] == output; }

  bool MayOverwrite(const MemoryGraph::Step &step, int s, int output, int input) {
    const int group = Find(input);
    // A tensor's last read is known from the start; tensors that join its group later do so as
    // aliases of a member that is read later still.
    if (last_read_[At(group)] != s) return false;
    if (graph_.tensors[At(output)].bytes != graph_.tensors[At(input)].bytes) return false;
    const int memory = external_[At(group)];
    if (memory >= 0 && graph_.tensors[At(memory)].kind == MemoryGraph::Kind::kReadOnly) {
      return false;
    }
    // Another operand in the same memory could be read after it was overwritten.
    int uses = 0;
    for (int t : step.inputs) uses += Find(t) == group ? 1 : 0;
    return uses == 1;
  }

  // Output of step s joins the group of input, if their memory can be one.
  void Join(int output, int input, int s) {
    const int group = Find(input);
    if (group == output) return;
    if (external_[At(output)] >= 0) {
      if (external_[At(group)] >= 0) return;
      external_[At(group)] = external_[At(output)];
    }
    parent_[At(output)] = group;
    // s + 1 even if nothing reads it: another output of this step must not overwrite it.
    last_read_[At(group)] = std::max({last_read_[At(group)], last_read_[At(output)], s + 1});
  }

  const MemoryGraph &graph_;
  std::vector<int> parent_;
  std::vector<int> last_read_;  // of a group, by its root
  std::vector<int> external_;   // of a group, by its root
};

// A piece of memory that is live in steps [first, last].
struct Block {
  size_t bytes = 0;
  int first = INT_MAX;
  int last = -1;
  size_t offset = 0;
};

size_t LowerBound(const std::vector<Block> &blocks, size_t step_count) {
  std::vector<int64_t> change(step_count + 1, 0);
  for (const Block &block : blocks) {
    change[static_cast<size_t>(block.first)] += static_cast<int64_t>(block.bytes);
    change[static_cast<size_t>(block.last) + 1] -= static_cast<int64_t>(block.bytes);
  }
  int64_t live = 0, most = 0;
  for (int64_t bytes : change) {
    live += bytes;
    most = std::max(most, live);
  }
  return static_cast<size_t>(most);
}

// Places blocks in the given order, each in the smallest gap between those placed before that live
// at the same time. Returns the size of the arena.
size_t PlaceInOrder(const std::vector<size_t> &order, std::vector<Block> *blocks) {
  std::vector<size_t> placed;  // by offset
  size_t arena = 0;
  for (size_t index : order) {
    Block &block = (*blocks)[index];
    size_t best = SIZE_MAX, best_gap = SIZE_MAX, end = 0;
    for (size_t other_index : placed) {
      const Block &other = (*blocks)[other_index];
      if (other.last < block.first || block.last < other.first) continue;
      if (other.offset >= end) {
        const size_t gap = other.offset - end;
        if (gap >= block.bytes && gap < best_gap) {
          best_gap = gap;
          best = end;
        }
      }
      end = std::max(end, other.offset + other.bytes);
    }
    block.offset = best == SIZE_MAX ? end : best;
    arena = std::max(arena, block.offset + block.bytes);
    const auto by_offset = [&](size_t a, size_t b) {
      return (*blocks)[a].offset < (*blocks)[b].offset;
    };
    placed.insert(std::upper_bound(placed.begin(), placed.end(), index, by_offset), index);
  }
  return arena;
}

enum class Key { kSize, kArea, kDuration };

// What the order in which blocks are placed depends on: the largest first.
struct Ranked {
  double largeness;
  size_t bytes;
  int first;
  size_t index;
};

double Largeness(const Block &block, Key key) {
  const double duration = block.last - block.first + 1;
  if (key == Key::kSize) return 0;
  return key == Key::kDuration ? duration : static_cast<double>(block.bytes) * duration;
}

int Compare(const void *x, const void *y) {
  const Ranked &a = *static_cast<const Ranked *>(x), &b = *static_cast<const Ranked *>(y);
  if (a.largeness != b.largeness) return a.largeness > b.largeness ? -1 : 1;
  if (a.bytes != b.bytes) return a.bytes > b.bytes ? -1 : 1;
  if (a.first != b.first) return a.first < b.first ? -1 : 1;
  return a.index < b.index ? -1 : static_cast<int>(a.index > b.index);
}

// C's function sorts: what std::sort makes of one type is half a kilobyte.
std::vector<size_t> OrderOf(const std::vector<Block> &blocks, Key key) {
  std::vector<Ranked> places(blocks.size());
  for (size_t i = 0; i < blocks.size(); ++i) {
    places[i] = {Largeness(blocks[i], key), blocks[i].bytes, blocks[i].first, i};
  }
  if (!places.empty()) std::qsort(places.data(), places.size(), sizeof(Ranked), Compare);
  std::vector<size_t> order(places.size());
  for (size_t i = 0; i < places.size(); ++i) order[i] = places[i].index;
  return order;
}

// No order is best for all graphs: a few are tried until one reaches the lower bound.
size_t PlaceBlocks(size_t lower_bound, std::vector<Block> *blocks) {
  size_t best = SIZE_MAX;
  for (Key key : {Key::kSize, Key::kArea, Key::kDuration}) {
    if (best <= lower_bound) break;
    std::vector<Block> other = *blocks;
    const size_t arena = PlaceInOrder(OrderOf(*blocks, key), &other);
    if (arena < best) {
      best = arena;
      *blocks = other;
    }
  }
  return best;
}

}  // namespace

MemoryPlan PlanMemory(const MemoryGraph &graph) {
  Groups groups(graph);
  const size_t tensor_count = graph.tensors.size(), step_count = graph.steps.size();

  // Blocks: one for each group with arena memory, by its root, and one for each scratch.
  std::vector<Block> by_root(tensor_count);
  const auto use = [&](int tensor, size_t step) {
    Block &block = by_root[static_cast<size_t>(groups.Find(tensor))];
    block.first = std::min(block.first, static_cast<int>(step));
    block.last = std::max(block.last, static_cast<int>(step));
    block.bytes = std::max(block.bytes, graph.tensors[static_cast<size_t>(tensor)].bytes);
  };
  std::vector<uint8_t> written(tensor_count, false);
  for (size_t s = 0; s < step_count; ++s) {
    for (int t : graph.steps[s].outputs) {
      written[static_cast<size_t>(t)] = true;
      use(t, s);
    }
    for (int t : graph.steps[s].inputs) {
      if (written[static_cast<size_t>(t)]) use(t, s);
    }
  }

  std::vector<Block> blocks;
  std::vector<int> block_of(tensor_count, -1);
  for (size_t t = 0; t < tensor_count; ++t) {
    if (by_root[t].last < 0 || groups.external(static_cast<int>(t)) >= 0) continue;
    if (groups.Find(static_cast<int>(t)) != static_cast<int>(t)) continue;
    block_of[t] = static_cast<int>(blocks.size());
    blocks.push_back(by_root[t]);
    blocks.back().bytes = AlignUp(by_root[t].bytes, kMemoryAlignment);
  }
  const size_t first_scratch = blocks.size();
  for (size_t s = 0; s < step_count; ++s) {
    const size_t bytes = AlignUp(graph.steps[s].scratch, kMemoryAlignment);
    blocks.push_back({bytes, static_cast<int>(s), static_cast<int>(s), 0});
  }

  MemoryPlan plan;
  plan.lower_bound = LowerBound(blocks, step_count);
  plan.arena_bytes = PlaceBlocks(plan.lower_bound, &blocks);
  plan.tensors.resize(tensor_count);
  for (size_t t = 0; t < tensor_count; ++t) {
    const int root = groups.Find(static_cast<int>(t));
    plan.tensors[t].external = groups.external(root);
    const int block = block_of[static_cast<size_t>(root)];
    if (block >= 0) plan.tensors[t].offset = blocks[static_cast<size_t>(block)].offset;
  }
  for (size_t s = 0; s < step_count; ++s) {
    plan.scratch_offsets.push_back(blocks[first_scratch + s].offset);
  }
  return plan;
}

}  // namespace mace
