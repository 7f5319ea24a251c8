// SPDX-License-Identifier: Apache-2.0
// Reverses the order of elements along axes.
#include "mace/ops/attrs/reverse.h"

#include "mace/ops/data_movement.h"

namespace mace {
namespace ops {

class ReverseOp : public CopyOperation {
 public:
  using CopyOperation::CopyOperation;

  MaceStatus Init(OpInitContext *) override { return ParseAttrs(&attrs_); }

  MaceStatus InferShape(OpShapeContext *context) override {
    std::vector<int> axes;
    const Shape &input = context->Input(0).shape;
    MACE_RETURN_IF_ERROR(CheckAxes(attrs_.axis, input.rank(), &axes));
    context->SetOutputShape(0, input);
    return MaceStatus::MACE_SUCCESS;
  }

 protected:
  MaceStatus MakeSteps(const OpShapeContext &context, std::vector<Step> *steps) override {
    const Shape &input = context.Input(0).shape;
    std::vector<int> axes;
    MACE_RETURN_IF_ERROR(CheckAxes(attrs_.axis, input.rank(), &axes));
    DimRange ranges[kMaxRank];
    for (int i = 0; i < input.rank(); ++i) ranges[i] = {0, 1, input[i]};
    for (int axis : axes) ranges[axis] = {input[axis] - 1, -1, input[axis]};
    steps->push_back({0, 0, SliceCopy(input, ElementBytes(context), ranges)});
    return MaceStatus::MACE_SUCCESS;
  }

 private:
  ReverseAttrs attrs_;
};

void RegisterReverse(OpRegistryBase *op_registry) {
  RegisterForTypes<ReverseOp>(op_registry, "Reverse", kAllTypes);
}

}  // namespace ops
}  // namespace mace
