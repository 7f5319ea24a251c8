// SPDX-License-Identifier: Apache-2.0
// Normalizations of float32 rows: by mean and variance, by neighbouring channels, by the L2 norm.
#ifndef MACE_KERNELS_NORM_NORM_H_
#define MACE_KERNELS_NORM_NORM_H_

#include <cstdint>

#include "mace/base/isa.h"
#include "mace/kernels/function_kernel.h"
#include "mace/kernels/kernel.h"

namespace mace {
namespace kernels {

struct LocalResponse {
  int64_t radius;  // channels to each side
  float bias;
  float alpha;
  float beta;
};

// in == out is allowed, other overlap is not. Relative errors of the divisors below 3e-6.
struct NormFunctions {
  // (in - mean) / sqrt(variance + epsilon) * scale[i] + offset[i] over one row of n numbers; scale
  // and offset may be null.
  void (*layer_norm)(const float *in, const float *scale, const float *offset, float epsilon,
                     int64_t n, float *out);
  // in[i] / (bias + alpha * sum of in[j]^2 over j of i - radius to i + radius)^beta over the n
  // channels of one pixel. `squares` is memory for n + 2 * radius numbers.
  void (*local_response)(const LocalResponse &params, const float *in, int64_t n, float *squares,
                         float *out);
  // in[i] * factor * scale[i], or scale[0] when one_scale.
  void (*scale)(const float *in, float factor, const float *scale, bool one_scale, int64_t n,
                float *out);
};

using NormKernel = FunctionKernel<NormFunctions>;

KernelList<NormKernel> NormKernels();
// The best for this machine and MACE_ISA.
const NormFunctions &Norm();

}  // namespace kernels
}  // namespace mace

#endif  // MACE_KERNELS_NORM_NORM_H_
