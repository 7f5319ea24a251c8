// SPDX-License-Identifier: Apache-2.0
// Reductions of [outer][count][inner] pixels, for Reduce and for pooling of whole images.
#ifndef MACE_OPS_OPENCL_REDUCTION_H_
#define MACE_OPS_OPENCL_REDUCTION_H_

#include "mace/ops/opencl/builder.h"

namespace mace {
namespace opencl {

// The numbers are those of REDUCTION in cl/reduce.cl.
// kMeanSquaredDifference: of input 0 to input 1, which has the shape of the results.
enum class Reduction {
  kMean,
  kSum,
  kMin,
  kMax,
  kProd,
  kSumSquare,
  kL1,
  kL2,
  kMeanSquaredDifference
};

// Input 0 to output 0, each channel by itself.
void BuildReduction(const GpuOpContext &context, Reduction reduction, int64_t outer, int64_t count,
                    int64_t inner, GpuStep *step);
// All channels of `count` pixels become one number.
void BuildChannelReduction(const GpuOpContext &context, Reduction reduction, int64_t outer,
                           int64_t count, GpuStep *step);

}  // namespace opencl
}  // namespace mace

#endif  // MACE_OPS_OPENCL_REDUCTION_H_
