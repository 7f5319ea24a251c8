// SPDX-License-Identifier: Apache-2.0
// Products of matrices for FullyConnected and MatMul, by kernels/conv: a matrix product is a 1x1
// convolution whose pixels are the rows.
#ifndef MACE_OPS_MATRIX_PRODUCT_H_
#define MACE_OPS_MATRIX_PRODUCT_H_

#include <cstdint>

#include "mace/kernels/conv/conv.h"

namespace mace {
namespace ops {

// C[m][n] = A[m][k] * B[k][n]
inline kernels::ConvPlan PlanProduct(int64_t m, int64_t k, int64_t n, int threads,
                                     const kernels::GemmKernel &gemm = kernels::BestGemm()) {
  kernels::ConvShape s;
  s.in_w = s.out_w = m;
  s.in_c = k;
  s.out_c = n;
  return kernels::PlanConv(s, gemm, threads);
}

// Floats of scratch for each thread that RunConvTile takes for the plan, a multiple of 16. A single
// row of float32 is met where it lies.
inline int64_t ProductScratchFloats(const kernels::ConvPlan &plan) {
  const bool scratch = plan.shape.in_w > 1 || plan.gemm->way != nullptr;
  return scratch ? (plan.scratch_floats + 15) / 16 * 16 : 0;
}

// Packs B, element (l, j) at b[l * stride_k + j * stride_n], as products of any number of rows
// take it.
inline void PackProduct(int64_t k, int64_t n, const float *b, int64_t stride_k, int64_t stride_n,
                        const float *bias, float *packed,
                        const kernels::GemmKernel &gemm = kernels::BestGemm()) {
  const int64_t part = kernels::GemmPart(gemm, k);
  kernels::PackGemm(gemm, {b, kernels::kOneTap, 1, k, stride_k, stride_n, part}, n, bias, packed);
}

inline int64_t PackedProductFloats(int64_t k, int64_t n,
                                   const kernels::GemmKernel &gemm = kernels::BestGemm()) {
  return kernels::PackedGemmFloats(gemm, k, n, kernels::GemmPart(gemm, k));
}

}  // namespace ops
}  // namespace mace

#endif  // MACE_OPS_MATRIX_PRODUCT_H_
