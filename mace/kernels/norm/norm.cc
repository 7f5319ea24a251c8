// SPDX-License-Identifier: Apache-2.0
// The list of norm kernels and the choice among them.
#include "mace/kernels/norm/norm.h"

namespace mace {
namespace kernels {

#define MACE_NORM_KERNEL(name, isa) extern const NormFunctions name;
#include "mace/kernels/norm/kernels.inc"
#undef MACE_NORM_KERNEL

// Weak: the table of a library for chosen models may take its place.
extern const NormKernel kNormTable[] __attribute__((weak));
const NormKernel kNormTable[] = {
#define MACE_NORM_KERNEL(name, isa) {#name, isa, &name},
#include "mace/kernels/norm/kernels.inc"
#undef MACE_NORM_KERNEL
};
constexpr int kKernelCount = 0
#define MACE_NORM_KERNEL(...) +1
#include "mace/kernels/norm/kernels.inc"
#undef MACE_NORM_KERNEL
    ;

KernelList<NormKernel> NormKernels() { return {kNormTable, kKernelCount}; }

const NormFunctions &Norm() {
  static const NormFunctions &best = *NormKernels().Best(SupportedIsas()).functions;
  return best;
}

}  // namespace kernels
}  // namespace mace
