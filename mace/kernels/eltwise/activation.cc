// SPDX-License-Identifier: Apache-2.0
// Activations alone: who only needs them does not link the other elementwise functions.
#include "mace/kernels/eltwise/activation.h"

#include "mace/kernels/eltwise/activation_kernel.h"

namespace mace {
namespace kernels {

// Weak: the table of a library for chosen models may take its place.
extern const ActivationKernel kActivationTable[] __attribute__((weak));
const ActivationKernel kActivationTable[] = {
#define MACE_FUNCTION_KERNEL(name, isa) {#name, isa, name##_activate},
#include "mace/kernels/eltwise/kernels.inc"
#undef MACE_FUNCTION_KERNEL
};
void ApplyAnyActivationF32(const ActivationParams &params, const float *in, float *out, int64_t n) {
  static const ActivationKernel &best = ListOf(kActivationTable).Best(SupportedIsas());
  best.apply(params, in, out, n);
}

void ApplyActivationF32(const ActivationParams &params, const float *in, float *out, int64_t n) {
  if (kActivationPart.apply != nullptr) kActivationPart.apply(params, in, out, n);
}

extern const ActivationPart kActivationPart __attribute__((weak));
const ActivationPart kActivationPart = {ApplyAnyActivationF32};

}  // namespace kernels
}  // namespace mace
