// SPDX-License-Identifier: Apache-2.0
// Puts single elements into a copy of the input along an axis, or combines them with what is there
// (ONNX ScatterElements). Of several for one place the last in order counts, or all combine.
#include "mace/ops/attrs/scatter_elements.h"

#include "mace/ops/indexing.h"

namespace mace {
namespace ops {

class ScatterElementsOp : public ScatterOperation {
 public:
  using ScatterOperation::ScatterOperation;

  MaceStatus Init(OpInitContext *context) override {
    MACE_RETURN_IF_ERROR(ParseAttrs(&attrs_));
    return CheckCombination(static_cast<Combination>(attrs_.reduction), context->InputType(0));
  }

  MaceStatus InferShape(OpShapeContext *context) override {
    const Shape &input = context->Input(0).shape, &indices = context->Input(1).shape;
    const Shape &updates = context->Input(2).shape;
    int axis = 0;
    MACE_RETURN_IF_ERROR(CheckAxis(attrs_.axis, input.rank(), &axis));
    bool fits = indices == updates && indices.rank() == input.rank();
    for (int i = 0; fits && i < input.rank(); ++i) fits = i == axis || indices[i] <= input[i];
    if (!fits) {
      return Invalid("indices of shape ", indices.ToString(), " and updates of shape ",
                     updates.ToString(), " do not go with input shape ", input.ToString(),
                     ": they must be alike, no dimension but that of axis ", axis,
                     " larger than the input's");
    }
    context->SetOutputShape(0, input);
    return MaceStatus::MACE_SUCCESS;
  }

  MaceStatus Run(OpContext *context) override {
    const Tensor &input = *context->input(0), &indices = *context->input(1);
    Tensor *output = context->output(0);
    CopyTensor(context->thread_pool(), input, output);
    if (indices.elements() == 0) return MaceStatus::MACE_SUCCESS;
    int axis = 0;
    MACE_RETURN_IF_ERROR(CheckAxis(attrs_.axis, input.shape.rank(), &axis));
    MACE_RETURN_IF_ERROR(CheckIndices(indices, input.shape, axis));
    const AxisRows rows(input.shape, indices.shape, axis);
    const auto how = static_cast<Combination>(attrs_.reduction);
    const int64_t bytes = static_cast<int64_t>(DataTypeSize(input.dtype));
    const uint8_t *src = context->input(2)->data<uint8_t>();
    uint8_t *dst = output->mutable_data<uint8_t>();
    for (int64_t row = 0, place = 0; row < rows.count(); ++row) {
      const int64_t base = rows.Base(row);
      for (int64_t i = 0; i < rows.length(); ++i, ++place) {
        const int64_t to = base + rows.Step(i, IndexAt(indices, place));
        Combine(how, input.dtype, dst + to * bytes, src + place * bytes, 1);
      }
    }
    return MaceStatus::MACE_SUCCESS;
  }

 private:
  ScatterElementsAttrs attrs_;
};

void RegisterScatterElements(OpRegistryBase *op_registry) {
  RegisterForTypes<ScatterElementsOp>(op_registry, "ScatterElements", kAllTypes);
}

}  // namespace ops
}  // namespace mace
