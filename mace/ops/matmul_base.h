// SPDX-License-Identifier: Apache-2.0
// What matrix products of float32 and those of the other types share: the operands and the shapes.
#ifndef MACE_OPS_MATMUL_BASE_H_
#define MACE_OPS_MATMUL_BASE_H_

#include <cstdint>

#include "mace/core/op_registry.h"
#include "mace/ops/attrs/matmul.h"
#include "mace/ops/window.h"

namespace mace {
namespace ops {

// One operand as a batch of matrices. A vector is a matrix of one row (a) or one column (b), and is
// never transposed.
struct Operand {
  Shape batch;
  int64_t rows = 1, columns = 1;  // as multiplied
  bool transposed = false;        // stored as [columns][rows]

  Operand(const Shape &shape, bool transpose, bool is_a) {
    if (shape.rank() == 1) {
      (is_a ? columns : rows) = shape[0];
      return;
    }
    for (int i = 0; i + 2 < shape.rank(); ++i) batch.push_back(shape[i]);
    transposed = transpose;
    rows = shape.dim(transpose ? -1 : -2);
    columns = shape.dim(transpose ? -2 : -1);
  }
  int64_t elements() const { return rows * columns; }
};

// Which matrix of an operand belongs to product `index` of the broadcast batch `out`.
inline int64_t BatchIndex(const Shape &out, const Shape &operand, int64_t index) {
  int64_t result = 0, stride = 1;
  for (int i = 1; i <= out.rank(); ++i) {
    const int64_t position = index % out.dim(-i);
    index /= out.dim(-i);
    if (i > operand.rank()) continue;
    if (operand.dim(-i) != 1) result += position * stride;
    stride *= operand.dim(-i);
  }
  return result;
}

class MatMulBase : public WindowOperation {
 public:
  using WindowOperation::WindowOperation;

  MaceStatus InferShape(OpShapeContext *context) override;
  int64_t Macs(const OpShapeContext &context) const override;

 protected:
  MaceStatus CheckRank(const char *what, const Shape &shape) const;

  MatMulAttrs attrs_;
};

// float64 and integers.
void RegisterWideMatMul(OpRegistryBase *op_registry);

}  // namespace ops
}  // namespace mace

#endif  // MACE_OPS_MATMUL_BASE_H_
