// SPDX-License-Identifier: Apache-2.0
// The list of reduce kernels and the choice among them.
#include "mace/kernels/reduce/reduce.h"

#include "mace/kernels/listener.h"

namespace mace {
namespace kernels {

#define MACE_REDUCE_KERNEL(name, isa) extern const ReduceFunctions name;
#include "mace/kernels/reduce/kernels.inc"
#undef MACE_REDUCE_KERNEL

// Weak: the table of a library for chosen models may take its place.
extern const ReduceKernel kReduceTable[] __attribute__((weak));
const ReduceKernel kReduceTable[] = {
#define MACE_REDUCE_KERNEL(name, isa) {#name, isa, &name},
#include "mace/kernels/reduce/kernels.inc"
#undef MACE_REDUCE_KERNEL
};
constexpr int kKernelCount = 0
#define MACE_REDUCE_KERNEL(...) +1
#include "mace/kernels/reduce/kernels.inc"
#undef MACE_REDUCE_KERNEL
    ;

KernelList<ReduceKernel> ReduceKernels() { return {kReduceTable, kKernelCount}; }

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
