// SPDX-License-Identifier: Apache-2.0
// The list of elementwise kernels and the choice among them.
#include "mace/kernels/eltwise/eltwise.h"

#include "mace/kernels/listener.h"

namespace mace {
namespace kernels {

#define MACE_FAMILY Eltwise
#define MACE_FAMILY_KERNELS "mace/kernels/eltwise/kernels.inc"
#include "mace/kernels/function_table.inc"

KernelList<EltwiseKernel> EltwiseKernels() { return ListOf(kEltwiseTable); }

const EltwiseFunctions &Eltwise() {
  static const EltwiseFunctions &best = *EltwiseKernels().Best(SupportedIsas()).functions;
  return MACE_LISTENED(best);
}

}  // namespace kernels
}  // namespace mace
