// SPDX-License-Identifier: Apache-2.0
// The list of norm kernels and the choice among them.
#include "mace/kernels/norm/norm.h"

namespace mace {
namespace kernels {

#define MACE_FAMILY Norm
#define MACE_FAMILY_KERNELS "mace/kernels/norm/kernels.inc"
#include "mace/kernels/function_table.inc"

KernelList<NormKernel> NormKernels() { return ListOf(kNormTable); }

const NormFunctions &Norm() {
  static const NormFunctions &best = *NormKernels().Best(SupportedIsas()).functions;
  return best;
}

}  // namespace kernels
}  // namespace mace
