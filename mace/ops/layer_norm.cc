// SPDX-License-Identifier: Apache-2.0
// LayerNorm: zero mean and unit variance over the dimensions from an axis on.
#include <algorithm>
#include <cstdint>

#include "mace/kernels/norm/norm.h"
#include "mace/ops/attrs/layer_norm.h"
#include "mace/ops/broadcast_rows.h"
#include "mace/ops/data_movement.h"

namespace mace {
namespace ops {

class LayerNormOp : public ShapedOperation {
 public:
  explicit LayerNormOp(OpConstructContext *context) : ShapedOperation(context) {}

  MaceStatus Init(OpInitContext *context) override {
    MACE_RETURN_IF_ERROR(ParseAttrs(&attrs_));
    for (int i : {1, 2}) {
      const DataType dtype = context->InputType(i);
      if (dtype == DT_INVALID || dtype == DT_FLOAT) continue;
      return Invalid(kNames[i], " must be float32, not ", DataTypeName(dtype));
    }
    return MaceStatus();
  }

  MaceStatus InferShape(OpShapeContext *context) override {
    const Shape &input = context->Input(0).shape;
    int axis = 0;
    MACE_RETURN_IF_ERROR(CheckAxis(attrs_.axis, input.rank(), &axis));
    const int64_t n = input.elements(axis, input.rank());
    for (int i : {1, 2}) {
      if (!context->HasInput(i) || context->Input(i).shape.elements() == n) continue;
      return Invalid(kNames[i], " of shape ", context->Input(i).shape.ToString(),
                     " does not have one element for each of the ", n,
                     " that are normalized together in the input of shape ", input.ToString());
    }
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

 private:
  static constexpr const char *kNames[] = {"input", "scale", "offset"};

  static const float *Optional(const OpContext *context, int i) {
    const bool present = i < context->input_count() && context->input(i) != nullptr;
    return present ? context->input(i)->data<float>() : nullptr;
  }

  LayerNormAttrs attrs_;
};

void RegisterLayerNorm(OpRegistryBase *op_registry) {
  MACE_REGISTER_OP_CLASS(op_registry, "LayerNorm", LayerNormOp, DeviceType::CPU, DT_FLOAT);
}

}  // namespace ops
}  // namespace mace
