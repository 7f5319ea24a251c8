// SPDX-License-Identifier: Apache-2.0
// The list of resize kernels and the choice among them.
#include "mace/kernels/resize/resize.h"

namespace mace {
namespace kernels {

#define MACE_FAMILY Resize
#define MACE_FAMILY_KERNELS "mace/kernels/resize/kernels.inc"
#include "mace/kernels/function_table.inc"

KernelList<ResizeKernel> ResizeKernels() { return ListOf(kResizeTable); }

const ResizeFunctions &Resize() {
  static const ResizeFunctions &best = *ResizeKernels().Best(SupportedIsas()).functions;
  return best;
}

}  // namespace kernels
}  // namespace mace
