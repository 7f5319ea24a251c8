// SPDX-License-Identifier: Apache-2.0
// The list of resize kernels and the choice among them.
#include "mace/kernels/resize/resize.h"

namespace mace {
namespace kernels {

#define MACE_RESIZE_KERNEL(name, isa) extern const ResizeFunctions name;
#include "mace/kernels/resize/kernels.inc"
#undef MACE_RESIZE_KERNEL

namespace {

constexpr ResizeKernel kKernels[] = {
#define MACE_RESIZE_KERNEL(name, isa) {#name, isa, &name},
#include "mace/kernels/resize/kernels.inc"
#undef MACE_RESIZE_KERNEL
};

}  // namespace

KernelList<ResizeKernel> ResizeKernels() {
  return {kKernels, static_cast<int>(sizeof(kKernels) / sizeof(kKernels[0]))};
}

const ResizeFunctions &Resize() {
  static const ResizeFunctions &best = *ResizeKernels().Best(SupportedIsas()).functions;
  return best;
}

}  // namespace kernels
}  // namespace mace
