// SPDX-License-Identifier: Apache-2.0
// LayerNorm: zero mean and unit variance over the dimensions from an axis on.
#include "mace/ops/attrs/layer_norm.h"

#include <algorithm>
#include <cstdint>

#include "mace/kernels/norm/norm.h"
#include "mace/ops/broadcast_rows.h"
#include "mace/ops/normalization.h"

namespace mace {
namespace ops {

class LayerNormOp : public NormalizationOperation<LayerNormAttrs> {
 public:
  using NormalizationOperation::NormalizationOperation;

  MaceStatus InferShape(OpShapeContext *context) override {
    const Shape &input = context->Input(0).shape;
    int axis = 0;
    MACE_RETURN_IF_ERROR(CheckAxis(attrs_.axis, input.rank(), &axis));
    const int64_t n = input.elements(axis, input.rank());
    if (const int i = WrongSize(*context, n)) {
      return Invalid(kNames[i], " of shape ", context->Input(i).shape.ToString(),
                     " does not have one element for each of the ", n,
                     " that are normalized together in the input of shape ", input.ToString());
    }
    context->SetOutputShape(0, input);
    return MaceStatus();
  }

  MaceStatus Run(OpContext *context) override {
    const Shape &shape = context->input(0)->shape;
    int axis = 0;
    NormalizeAxis(attrs_.axis, shape.rank(), &axis);
    const int64_t n = shape.elements(axis, shape.rank());
    if (n == 0) return MaceStatus();
    const float *in = context->input(0)->data<float>();
    const float *scale = Optional(context, 1), *offset = Optional(context, 2);
    float *out = context->output(0)->mutable_data<float>();
    const kernels::NormFunctions &kernel = kernels::Norm();
    const int64_t grain = std::max<int64_t>(1, kElementGrain / n);
    context->thread_pool()->ParallelFor(
        shape.elements(0, axis), grain, [&](int64_t begin, int64_t end, int) {
          for (int64_t i = begin; i < end; ++i) {
            kernel.layer_norm(in + i * n, scale, offset, attrs_.epsilon, n, out + i * n);
          }
        });
    return MaceStatus();
  }
};

void RegisterLayerNorm(OpRegistryBase *op_registry) {
  MACE_REGISTER_OP_CLASS(op_registry, "LayerNorm", LayerNormOp, DeviceType::CPU, DT_FLOAT);
}

}  // namespace ops
}  // namespace mace
