// SPDX-License-Identifier: Apache-2.0
// The list of norm kernels and the choice among them.
#include "mace/kernels/norm/norm.h"

namespace mace {
namespace kernels {

#define MACE_NORM_KERNEL(name, isa) extern const NormFunctions name;
#include "mace/kernels/norm/kernels.inc"
#undef MACE_NORM_KERNEL

namespace {

constexpr NormKernel kKernels[] = {
#define MACE_NORM_KERNEL(name, isa) {#name, isa, &name},
#include "mace/kernels/norm/kernels.inc"
#undef MACE_NORM_KERNEL
};

}  // namespace

KernelList<NormKernel> NormKernels() {
  return {kKernels, static_cast<int>(sizeof(kKernels) / sizeof(kKernels[0]))};
}

const NormFunctions &Norm() {
  static const NormFunctions &best = *NormKernels().Best(SupportedIsas()).functions;
  return best;
}

}  // namespace kernels
}  // namespace mace
