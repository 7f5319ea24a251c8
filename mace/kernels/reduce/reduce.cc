// SPDX-License-Identifier: Apache-2.0
// The list of reduce kernels and the choice among them.
#include "mace/kernels/reduce/reduce.h"

#include "mace/kernels/listener.h"

namespace mace {
namespace kernels {

#define MACE_FAMILY Reduce
#define MACE_FAMILY_KERNELS "mace/kernels/reduce/kernels.inc"
#include "mace/kernels/function_table.inc"

KernelList<ReduceKernel> ReduceKernels() { return ListOf(kReduceTable); }

const ReduceFunctions &Reduce() {
  static const ReduceFunctions &best = *ReduceKernels().Best(SupportedIsas()).functions;
  return MACE_LISTENED(best);
}

void ReduceRow(ReduceFunction function, const float *in, int64_t n, float *out) {
  MACE_TELL_LISTENER(OnReduceRow(function, in, n, out));
  *out = Reduce().row(function, in, n);
}

}  // namespace kernels
}  // namespace mace
