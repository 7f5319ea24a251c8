// SPDX-License-Identifier: Apache-2.0
// The list of elementwise kernels and the choice among them.
#include "mace/kernels/eltwise/eltwise.h"

#include "mace/kernels/listener.h"

namespace mace {
namespace kernels {

#define MACE_ELTWISE_KERNEL(name, isa) extern const EltwiseFunctions name;
#include "mace/kernels/eltwise/kernels.inc"
#undef MACE_ELTWISE_KERNEL

namespace {

constexpr EltwiseKernel kKernels[] = {
#define MACE_ELTWISE_KERNEL(name, isa) {#name, isa, &name},
#include "mace/kernels/eltwise/kernels.inc"
#undef MACE_ELTWISE_KERNEL
};

}  // namespace

KernelList<EltwiseKernel> EltwiseKernels() {
  return {kKernels, static_cast<int>(sizeof(kKernels) / sizeof(kKernels[0]))};
}

const EltwiseFunctions &Eltwise() {
  static const EltwiseFunctions &best = *EltwiseKernels().Best(SupportedIsas()).functions;
  return MACE_LISTENED(best);
}

void ApplyActivationF32(const ActivationParams &params, const float *in, float *out, int64_t n) {
  Eltwise().activate(params, in, out, n);
}

}  // namespace kernels
}  // namespace mace
