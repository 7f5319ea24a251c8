// SPDX-License-Identifier: Apache-2.0
// Moving elements between dense buffers, for the operators that are that, and for those that need
// it before or after what they do.
#ifndef MACE_OPS_OPENCL_MOVEMENT_H_
#define MACE_OPS_OPENCL_MOVEMENT_H_

#include <utility>
#include <vector>

#include "mace/ops/opencl/builder.h"

namespace mace {
namespace opencl {

// The output's dimensions with the distance of their elements in the input.
struct Movement {
  // From the outermost on; innermost last. Sizes multiply to the output's elements.
  std::vector<std::pair<int64_t, int64_t>> dims;  // size, distance in the input
  int64_t base = 0;

  // Joins what goes on without a break.
  void Add(int64_t size, int64_t distance) {
    if (size == 1) return;
    if (!dims.empty() && dims.back().second == size * distance) {
      dims.back() = {dims.back().first * size, distance};
    } else {
      dims.push_back({size, distance});
    }
  }
};

// By dimension: elements from one index to the next.
std::vector<int64_t> Distances(const Shape &shape);

// UNSUPPORTED when the kernel has too few dimensions for it.
MaceStatus CheckMovement(const GpuOpContext &context, const Movement &movement);

// Launches the movement of `elements` elements. The context is one of buffers.
void AddMove(const GpuOpContext &context, const Movement &movement, int64_t elements,
             const KernelArgument &from, const KernelArgument &to, GpuStep *step);

// Launches padding to `out`, with before[d] elements in front along dimension d (negative: cut
// off). mode: of PadAttrs. Ranks up to 6; the context is one of buffers.
void AddPad(const GpuOpContext &context, const Shape &in, const Shape &out,
            const std::vector<int64_t> &before, int mode, float value, const KernelArgument &from,
            const KernelArgument &to, GpuStep *step);

}  // namespace opencl
}  // namespace mace

#endif  // MACE_OPS_OPENCL_MOVEMENT_H_
