// SPDX-License-Identifier: Apache-2.0
// The list of softmax kernels and the choice among them.
#include "mace/kernels/softmax/softmax.h"

#include "mace/kernels/listener.h"

namespace mace {
namespace kernels {

#define MACE_FAMILY Softmax
#define MACE_FAMILY_KERNELS "mace/kernels/softmax/kernels.inc"
#include "mace/kernels/function_table.inc"

KernelList<SoftmaxKernel> SoftmaxKernels() { return ListOf(kSoftmaxTable); }

const SoftmaxFunctions &Softmax() {
  static const SoftmaxFunctions &best = *SoftmaxKernels().Best(SupportedIsas()).functions;
  return MACE_LISTENED(best);
}

}  // namespace kernels
}  // namespace mace
