// SPDX-License-Identifier: Apache-2.0
// The list of softmax kernels and the choice among them.
#include "mace/kernels/softmax/softmax.h"

#include "mace/kernels/listener.h"

namespace mace {
namespace kernels {

#define MACE_SOFTMAX_KERNEL(name, isa) extern const SoftmaxFunctions name;
#include "mace/kernels/softmax/kernels.inc"
#undef MACE_SOFTMAX_KERNEL

// Weak: the table of a library for chosen models may take its place.
extern const SoftmaxKernel kSoftmaxTable[] __attribute__((weak));
const SoftmaxKernel kSoftmaxTable[] = {
#define MACE_SOFTMAX_KERNEL(name, isa) {#name, isa, &name},
#include "mace/kernels/softmax/kernels.inc"
#undef MACE_SOFTMAX_KERNEL
};
constexpr int kKernelCount = 0
#define MACE_SOFTMAX_KERNEL(...) +1
#include "mace/kernels/softmax/kernels.inc"
#undef MACE_SOFTMAX_KERNEL
    ;

KernelList<SoftmaxKernel> SoftmaxKernels() { return {kSoftmaxTable, kKernelCount}; }

const SoftmaxFunctions &Softmax() {
  static const SoftmaxFunctions &best = *SoftmaxKernels().Best(SupportedIsas()).functions;
  return MACE_LISTENED(best);
}

}  // namespace kernels
}  // namespace mace
