// SPDX-License-Identifier: Apache-2.0
// The list of resize kernels and the choice among them.
#include "mace/kernels/resize/resize.h"

namespace mace {
namespace kernels {

#define MACE_RESIZE_KERNEL(name, isa) extern const ResizeFunctions name;
#include "mace/kernels/resize/kernels.inc"
#undef MACE_RESIZE_KERNEL

// Weak: the table of a library for chosen models may take its place.
extern const ResizeKernel kResizeTable[] __attribute__((weak));
const ResizeKernel kResizeTable[] = {
#define MACE_RESIZE_KERNEL(name, isa) {#name, isa, &name},
#include "mace/kernels/resize/kernels.inc"
#undef MACE_RESIZE_KERNEL
};
constexpr int kKernelCount = 0
#define MACE_RESIZE_KERNEL(...) +1
#include "mace/kernels/resize/kernels.inc"
#undef MACE_RESIZE_KERNEL
    ;

KernelList<ResizeKernel> ResizeKernels() { return {kResizeTable, kKernelCount}; }

const ResizeFunctions &Resize() {
  static const ResizeFunctions &best = *ResizeKernels().Best(SupportedIsas()).functions;
  return best;
}

}  // namespace kernels
}  // namespace mace
