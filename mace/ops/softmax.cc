// SPDX-License-Identifier: Apache-2.0
// Softmax: along one axis, or over all dimensions from it on.
#include "mace/kernels/softmax/softmax.h"
#include "mace/ops/attrs/softmax.h"

#include <algorithm>
#include <cstdint>

#include "mace/ops/broadcast_rows.h"
#include "mace/ops/data_movement.h"

namespace mace {
namespace ops {

class SoftmaxOp : public ShapedOperation {
 public:
  explicit SoftmaxOp(OpConstructContext *context) : ShapedOperation(context) {}

  MaceStatus Init(OpInitContext *) override { return ParseAttrs(&attrs_); }

  MaceStatus InferShape(OpShapeContext *context) override {
    const Shape &input = context->Input(0).shape;
    int axis = 0;
    MACE_RETURN_IF_ERROR(CheckAxis(attrs_.axis, input.rank(), &axis));
    context->SetOutputShape(0, input);
    return MaceStatus();
  }

  MaceStatus Plan(OpPlanContext *context) override {
    context->AllowInPlace(0, 0);
    return MaceStatus();
  }

  MaceStatus Run(OpContext *context) override {
    const Shape &shape = context->input(0)->shape;
    int axis = 0;
    NormalizeAxis(attrs_.axis, shape.rank(), &axis);
    const int64_t outer = shape.elements(0, axis);
    const int64_t inner = attrs_.flatten ? 1 : shape.elements(axis + 1, shape.rank());
    const int64_t n = attrs_.flatten ? shape.elements(axis, shape.rank()) : shape[axis];
    if (outer * inner * n == 0) return MaceStatus();
    const float *in = context->input(0)->data<float>();
    float *out = context->output(0)->mutable_data<float>();
    const kernels::SoftmaxFunctions &kernel = kernels::Softmax();
    if (inner == 1) {
      const int64_t grain = std::max<int64_t>(1, kElementGrain / n);
      context->thread_pool()->ParallelFor(outer, grain, [&](int64_t begin, int64_t end, int) {
        kernel.rows(attrs_.log, in + begin * n, out + begin * n, end - begin, n);
      });
      return MaceStatus();
    }
    const int64_t chunks = (inner + kColumns - 1) / kColumns;
    const int64_t grain = std::max<int64_t>(1, kElementGrain / (n * std::min(inner, kColumns)));
    context->thread_pool()->ParallelFor(
        outer * chunks, grain, [&](int64_t begin, int64_t end, int) {
          for (int64_t i = begin; i < end; ++i) {
            const int64_t column = i % chunks * kColumns;
            const int64_t first = i / chunks * n * inner + column;
            kernel.columns(attrs_.log, in + first, out + first, n, inner,
                           std::min(kColumns, inner - column));
          }
        });
    return MaceStatus();
  }

 private:
  // Whole cache lines, so that threads do not share them.
  static constexpr int64_t kColumns = 64;

  SoftmaxAttrs attrs_;
};

void RegisterSoftmax(OpRegistryBase *op_registry) {
  MACE_REGISTER_OP_CLASS(op_registry, "Softmax", SoftmaxOp, DeviceType::CPU, DT_FLOAT);
}

}  // namespace ops
}  // namespace mace
