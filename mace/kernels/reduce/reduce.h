// SPDX-License-Identifier: Apache-2.0
// Combining float32 numbers: along a row, and down columns. Which axes are rows and columns, and in
// how many passes, is the operator's business.
#ifndef MACE_KERNELS_REDUCE_REDUCE_H_
#define MACE_KERNELS_REDUCE_REDUCE_H_

#include <cstdint>

#include "mace/base/isa.h"
#include "mace/kernels/function_kernel.h"
#include "mace/kernels/kernel.h"

namespace mace {
namespace kernels {

enum ReduceFunction : int32_t {
  kReduceSum = 0,    // of nothing: 0
  kReduceMin,        // of nothing: infinity; NaN if one of the numbers is
  kReduceMax,        // of nothing: -infinity; NaN if one of the numbers is
  kReduceProd,       // of nothing: 1
  kReduceSumSquare,  // of x^2
  kReduceSumAbs,     // of |x|
  kReduceCount,
};

// Sums keep several partial sums of at most 128 numbers each: the relative error of a sum of
// positive numbers is below 1e-5 for any length that memory holds, 1e-6 for some thousands.
struct ReduceFunctions {
  float (*row)(ReduceFunction function, const float *in, int64_t n);
  // out[c] = combination of in[r * stride + c] over `rows` rows, for `width` columns. Not in place.
  void (*columns)(ReduceFunction function, const float *in, int64_t rows, int64_t stride,
                  int64_t width, float *out);
};

using ReduceKernel = FunctionKernel<ReduceFunctions>;

KernelList<ReduceKernel> ReduceKernels();
// The best for this machine and MACE_ISA.
const ReduceFunctions &Reduce();
// *out = Reduce().row(function, in, n)
void ReduceRow(ReduceFunction function, const float *in, int64_t n, float *out);

}  // namespace kernels
}  // namespace mace

#endif  // MACE_KERNELS_REDUCE_REDUCE_H_
