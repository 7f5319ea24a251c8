// SPDX-License-Identifier: Apache-2.0
// Determinants of the matrices in the last two dimensions, by elimination with partial pivoting in
// double.
#include <algorithm>
#include <cmath>

#include "mace/base/checked.h"
#include "mace/ops/data_movement.h"
#include "mace/runtimes/cpu/thread_pool.h"

namespace mace {
namespace ops {

namespace {

double Determinant(double *a, int64_t n) {
  double product = 1;
  for (int64_t column = 0; column < n; ++column) {
    int64_t pivot = column;
    for (int64_t row = column + 1; row < n; ++row) {
      if (std::fabs(a[row * n + column]) > std::fabs(a[pivot * n + column])) pivot = row;
    }
    const double top = a[pivot * n + column];
    if (top == 0) return 0;
    if (pivot != column) {
      std::swap_ranges(a + pivot * n, a + pivot * n + n, a + column * n);
      product = -product;
    }
    product *= top;
    for (int64_t row = column + 1; row < n; ++row) {
      const double factor = a[row * n + column] / top;
      for (int64_t i = column + 1; i < n; ++i) a[row * n + i] -= factor * a[column * n + i];
    }
  }
  return product;
}

}  // namespace

class DetOp : public ShapedOperation {
 public:
  using ShapedOperation::ShapedOperation;

  MaceStatus InferShape(OpShapeContext *context) override {
    Shape shape = context->Input(0).shape;
    const int rank = shape.rank();
    if (rank < 2 || shape[rank - 1] != shape[rank - 2]) {
      return Invalid("the last two dimensions of the input shape ", shape.ToString(),
                     " are no square matrix");
    }
    shape.resize(rank - 2);
    context->SetOutputShape(0, shape);
    return MaceStatus::MACE_SUCCESS;
  }

  MaceStatus Plan(OpPlanContext *context) override {
    const int64_t n = context->Input(0).shape.dim(-1);
    size_t bytes = 0;
    if (!CheckedBytes(Shape{context->thread_pool()->num_threads(), n, n}, sizeof(double), &bytes)) {
      return OutOfResources(type(), " '", name(), "': matrices of ", n, " rows are too large");
    }
    context->RequestScratch(bytes);
    return MaceStatus::MACE_SUCCESS;
  }

  MaceStatus Run(OpContext *context) override {
    const Tensor &input = *context->input(0);
    const int64_t n = input.shape.dim(-1), size = n * n;
    const float *src = input.data<float>();
    float *dst = context->output(0)->mutable_data<float>();
    context->thread_pool()->ParallelFor(
        context->output(0)->elements(), std::max<int64_t>(1, 4096 / (n * n * n + 1)),
        [=](int64_t begin, int64_t end, int thread) {
          double *matrix = static_cast<double *>(context->scratch()) + thread * size;
          for (int64_t i = begin; i < end; ++i) {
            std::copy(src + i * size, src + (i + 1) * size, matrix);
            dst[i] = static_cast<float>(Determinant(matrix, n));
          }
        });
    return MaceStatus::MACE_SUCCESS;
  }
};

void RegisterDet(OpRegistryBase *op_registry) {
  RegisterForTypes<DetOp>(op_registry, "Det", {DT_FLOAT});
}

}  // namespace ops
}  // namespace mace
