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

// Rows that collide: lines a multiple of 4096 bytes apart share a set of the L1 cache.
bool GemmRowsCollide(const GemmKernel &kernel, int64_t lda);
// How many of `rows` are copied at a time, each kGemmRowGap floats longer than k.
int64_t GemmCopiedRows(const GemmKernel &kernel, int64_t k, int64_t rows);
constexpr int64_t kGemmRowGap = 16;

}  // namespace kernels
}  // namespace mace

#endif  // MACE_KERNELS_GEMM_GEMM_PACKED_H_
