// SPDX-License-Identifier: Apache-2.0
// Resizing rows of pixels of float32. Each output pixel is a weighted sum of a few input pixels of
// its row; each output row a weighted sum of a few such rows. The tables of who takes what are made
// when the operator is planned.
#ifndef MACE_KERNELS_RESIZE_RESIZE_H_
#define MACE_KERNELS_RESIZE_RESIZE_H_

#include <cstdint>

#include "mace/base/isa.h"
#include "mace/kernels/function_kernel.h"
#include "mace/kernels/kernel.h"

namespace mace {
namespace kernels {

// Relative error of sums 1e-6 of their largest term.
struct ResizeFunctions {
  // out[x] = sum over t of weights[x * taps + t] * in[places[x * taps + t]], for n output pixels of
  // `channels` numbers each; taps is 2 or 4.
  void (*resample)(const float *in, const int32_t *places, const float *weights, int taps,
                   int64_t n, int64_t channels, float *out);
  // out[x] = in[places[x]], for n output pixels of `channels` numbers each.
  void (*pick)(const float *in, const int32_t *places, int64_t n, int64_t channels, float *out);
  // out[i] = sum over t of weights[t] * rows[t][i] for n numbers; taps is 2 or 4.
  void (*blend)(const float *const *rows, const float *weights, int taps, int64_t n, float *out);
};

using ResizeKernel = FunctionKernel<ResizeFunctions>;

KernelList<ResizeKernel> ResizeKernels();
// The best for this machine and MACE_ISA.
const ResizeFunctions &Resize();

}  // namespace kernels
}  // namespace mace

#endif  // MACE_KERNELS_RESIZE_RESIZE_H_
