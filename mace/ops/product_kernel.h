// SPDX-License-Identifier: Apache-2.0
// The choice between products of float32 and of bfloat16 factors, for operators whose filters or
// weights are constant: those that are packed in each run are rather left as they are.
#ifndef MACE_OPS_PRODUCT_KERNEL_H_
#define MACE_OPS_PRODUCT_KERNEL_H_

#include "mace/core/operator.h"
#include "mace/kernels/bf16/bf16_gemm.h"

namespace mace {
namespace ops {

// The kernel of products with `columns` columns each: of bfloat16 if the model asks for it, the
// machine is faster by it, and panels would not be mostly empty.
inline const kernels::GemmKernel &ProductKernel(const OpInitContext &context, int64_t columns) {
  constexpr int64_t kLeastColumns = 16;
  if (kernels::kBf16Part.best != nullptr && context.bf16_products() && columns >= kLeastColumns) {
    if (const kernels::GemmKernel *kernel = kernels::kBf16Part.best()) return *kernel;
  }
  return kernels::BestGemm();
}

}  // namespace ops
}  // namespace mace

#endif  // MACE_OPS_PRODUCT_KERNEL_H_
