// SPDX-License-Identifier: Apache-2.0
// The part of Gemm that packs rows of A, for kernels that can.
#ifndef MACE_KERNELS_GEMM_GEMM_PACKED_H_
#define MACE_KERNELS_GEMM_GEMM_PACKED_H_

#include "mace/kernels/gemm/gemm.h"

namespace mace {
namespace kernels {

// Computes the panels from panel_begin on for which packing pays, and returns the first of the
// others. `accumulate`: C holds sums already, and is the call's residual.
int64_t GemmPacked(const GemmKernel &kernel, const GemmCall &call, bool accumulate,
                   int64_t panel_begin, int64_t panel_end);

}  // namespace kernels
}  // namespace mace

#endif  // MACE_KERNELS_GEMM_GEMM_PACKED_H_
