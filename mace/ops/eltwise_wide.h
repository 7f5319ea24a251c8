// SPDX-License-Identifier: Apache-2.0
// The functions of Eltwise on the two wide types (wide.h), for all types but float32.
#ifndef MACE_OPS_ELTWISE_WIDE_H_
#define MACE_OPS_ELTWISE_WIDE_H_

#include <cstdint>

#include "mace/base/types.h"
#include "mace/kernels/eltwise/eltwise.h"
#include "mace/ops/attrs/eltwise.h"

namespace mace {
namespace ops {

// Comparisons and logic, which give bool.
bool IsPredicate(EltwiseAttrs::Type type);
// Functions of integers and bools alone.
bool IsBitwise(EltwiseAttrs::Type type);
// Functions of floats alone.
bool IsForFloats(EltwiseAttrs::Type type);

// One row (kernels::RowStep says of what) of elements of type `dtype`; the output is bool for a
// predicate. `bits` is the size that shifts and wrapping refer to: that of dtype.
void WideEltwiseRow(EltwiseAttrs::Type type, DataType dtype, kernels::RowStep step, const void *a,
                    const void *b, void *out, int64_t n);

}  // namespace ops
}  // namespace mace

#endif  // MACE_OPS_ELTWISE_WIDE_H_
