// SPDX-License-Identifier: Apache-2.0
// The list of softmax kernels and the choice among them.
#include "mace/kernels/softmax/softmax.h"

#include "mace/kernels/listener.h"

namespace mace {
namespace kernels {

#define MACE_SOFTMAX_KERNEL(name, isa) extern const SoftmaxFunctions name;
#include "mace/kernels/softmax/kernels.inc"
#undef MACE_SOFTMAX_KERNEL

namespace {

constexpr SoftmaxKernel kKernels[] = {
#define MACE_SOFTMAX_KERNEL(name, isa) {#name, isa, &name},
#include "mace/kernels/softmax/kernels.inc"
#undef MACE_SOFTMAX_KERNEL
};

}  // namespace

KernelList<SoftmaxKernel> SoftmaxKernels() {
  return {kKernels, static_cast<int>(sizeof(kKernels) / sizeof(kKernels[0]))};
}

const SoftmaxFunctions &Softmax() {
  static const SoftmaxFunctions &best = *SoftmaxKernels().Best(SupportedIsas()).functions;
  return MACE_LISTENED(best);
}

}  // namespace kernels
}  // namespace mace
