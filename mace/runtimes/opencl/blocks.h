// SPDX-License-Identifier: Apache-2.0
// Which activations share a piece of device memory. Pieces are whole: parts of one large buffer
// make NVIDIA's driver wait for each other, and not every driver keeps them apart correctly.
// Method: greedy by size for shared objects, Pisarchyk and Lee, arXiv 2001.03288.
#ifndef MACE_RUNTIMES_OPENCL_BLOCKS_H_
#define MACE_RUNTIMES_OPENCL_BLOCKS_H_

#include <cstddef>
#include <vector>

#include "mace/core/memory_planner.h"

namespace mace {
namespace opencl {

struct BlockPlan {
  std::vector<int> block_of;  // by tensor; -1: it is not planned
  std::vector<size_t> bytes;  // of each block, the largest first
  size_t lower_bound = 0;     // the most bytes that are live at one step
};

// Tensors of kPlanned with bytes get blocks; those that the graph's aliases join share one.
// In-place wishes are not used.
BlockPlan PlanBlocks(const MemoryGraph &graph);

}  // namespace opencl
}  // namespace mace

#endif  // MACE_RUNTIMES_OPENCL_BLOCKS_H_
