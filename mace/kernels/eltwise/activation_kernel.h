// SPDX-License-Identifier: Apache-2.0
// The activations of each instruction set, as the sources of the elementwise kernels have them.
#ifndef MACE_KERNELS_ELTWISE_ACTIVATION_KERNEL_H_
#define MACE_KERNELS_ELTWISE_ACTIVATION_KERNEL_H_

#include <cstdint>

#include "mace/kernels/eltwise/eltwise.h"

namespace mace {
namespace kernels {

#define MACE_FUNCTION_KERNEL(name, isa) \
  void name##_activate(const ActivationParams &params, const float *in, float *out, int64_t n);
#include "mace/kernels/eltwise/kernels.inc"
#undef MACE_FUNCTION_KERNEL

struct ActivationKernel {
  const char *name;
  Isa isa;
  void (*apply)(const ActivationParams &params, const float *in, float *out, int64_t n);
};

}  // namespace kernels
}  // namespace mace

#endif  // MACE_KERNELS_ELTWISE_ACTIVATION_KERNEL_H_
