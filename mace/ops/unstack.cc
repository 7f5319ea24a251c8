// SPDX-License-Identifier: Apache-2.0
// Cuts a tensor into slices along an axis and drops it.
#include "mace/ops/attrs/unstack.h"

#include "mace/ops/data_movement.h"

namespace mace {
namespace ops {

class UnstackOp : public CopyOperation {
 public:
  using CopyOperation::CopyOperation;

  MaceStatus Init(OpInitContext *) override { return ParseAttrs(&attrs_); }

  MaceStatus InferShape(OpShapeContext *context) override {
    const Shape &input = context->Input(0).shape;
    int axis = 0;
    MACE_RETURN_IF_ERROR(CheckAxis(attrs_.axis, input.rank(), &axis));
    if (input[axis] != context->OutputCount()) {
      return Invalid("axis ", axis, " of input shape ", input.ToString(), " gives ", input[axis],
                     " slices, but there are ", context->OutputCount(), " outputs");
    }
    std::vector<int64_t> dims = input.ToVector();
    dims.erase(dims.begin() + axis);
    for (int i = 0; i < context->OutputCount(); ++i) {
      MACE_RETURN_IF_ERROR(SetOutput(context, i, dims));
    }
    return MaceStatus::MACE_SUCCESS;
  }

 protected:
  MaceStatus MakeSteps(const OpShapeContext &context, std::vector<Step> *steps) override {
    const Shape &input = context.Input(0).shape;
    int axis = 0;
    MACE_RETURN_IF_ERROR(CheckAxis(attrs_.axis, input.rank(), &axis));
    DimRange ranges[kMaxRank];
    for (int d = 0; d < input.rank(); ++d) ranges[d] = {0, 1, input[d]};
    for (int i = 0; i < context.OutputCount(); ++i) {
      ranges[axis] = {i, 1, 1};
      steps->push_back({0, i, SliceCopy(input, ElementBytes(context), ranges)});
    }
    return MaceStatus::MACE_SUCCESS;
  }

 private:
  UnstackAttrs attrs_;
};

void RegisterUnstack(OpRegistryBase *op_registry) {
  RegisterForTypes<UnstackOp>(op_registry, "Unstack", kAllTypes);
}

}  // namespace ops
}  // namespace mace
