// SPDX-License-Identifier: Apache-2.0
// The list of elementwise kernels and the choice among them.
#include "mace/kernels/eltwise/eltwise.h"

#include "mace/kernels/listener.h"

namespace mace {
namespace kernels {

#define MACE_ELTWISE_KERNEL(name, isa) extern const EltwiseFunctions name;
#include "mace/kernels/eltwise/kernels.inc"
#undef MACE_ELTWISE_KERNEL

// Weak: the table of a library for chosen models may take its place.
extern const EltwiseKernel kEltwiseTable[] __attribute__((weak));
const EltwiseKernel kEltwiseTable[] = {
#define MACE_ELTWISE_KERNEL(name, isa) {#name, isa, &name},
#include "mace/kernels/eltwise/kernels.inc"
#undef MACE_ELTWISE_KERNEL
};
constexpr int kKernelCount = 0
#define MACE_ELTWISE_KERNEL(...) +1
#include "mace/kernels/eltwise/kernels.inc"
#undef MACE_ELTWISE_KERNEL
    ;

KernelList<EltwiseKernel> EltwiseKernels() { return {kEltwiseTable, kKernelCount}; }

const EltwiseFunctions &Eltwise() {
  static const EltwiseFunctions &best = *EltwiseKernels().Best(SupportedIsas()).functions;
  return MACE_LISTENED(best);
}

}  // namespace kernels
}  // namespace mace
