// SPDX-License-Identifier: Apache-2.0
// Softmax of float32: exp(x - max) / sum(exp(x - max)), or its logarithm x - max - log(sum). Every
// element of a row that holds NaN, plus infinity, or nothing but minus infinity is NaN, as the
// formula says.
#ifndef MACE_KERNELS_SOFTMAX_SOFTMAX_H_
#define MACE_KERNELS_SOFTMAX_SOFTMAX_H_

#include <cstdint>

#include "mace/base/isa.h"
#include "mace/kernels/function_kernel.h"
#include "mace/kernels/kernel.h"

namespace mace {
namespace kernels {

// Relative error against the exact result below 2e-6, plus 6e-8 * |x - max| of the rounded
// difference (of the logarithm: 1e-6 of the largest term).
// in == out is allowed, other overlap is not.
struct SoftmaxFunctions {
  // `count` rows of `n` contiguous elements, one after the other.
  void (*rows)(bool log, const float *in, float *out, int64_t count, int64_t n);
  // Along n elements at a distance of `stride`, for each of `width` contiguous columns.
  void (*columns)(bool log, const float *in, float *out, int64_t n, int64_t stride, int64_t width);
};

using SoftmaxKernel = FunctionKernel<SoftmaxFunctions>;

KernelList<SoftmaxKernel> SoftmaxKernels();
// The best for this machine and MACE_ISA.
const SoftmaxFunctions &Softmax();

}  // namespace kernels
}  // namespace mace

#endif  // MACE_KERNELS_SOFTMAX_SOFTMAX_H_
