// SPDX-License-Identifier: Apache-2.0
// Splits channels into groups and interleaves them: channel g * (C / group) + c becomes
// c * group + g.
#include "mace/ops/attrs/channel_shuffle.h"
#include "mace/ops/data_movement.h"

namespace mace {
namespace ops {

class ChannelShuffleOp : public CopyOperation {
 public:
  using CopyOperation::CopyOperation;

  MaceStatus Init(OpInitContext *) override { return ParseAttrs(&attrs_); }

  MaceStatus InferShape(OpShapeContext *context) override {
    const Shape &input = context->Input(0).shape;
    if (input.rank() == 0 || input.dim(-1) % attrs_.group != 0) {
      return Invalid("the channels of input shape ", input.ToString(), " cannot be split into ",
                     attrs_.group, " groups");
    }
    context->SetOutputShape(0, input);
    return MaceStatus::MACE_SUCCESS;
  }

 protected:
  MaceStatus MakeSteps(const OpShapeContext &context, std::vector<Step> *steps) override {
    const Shape &input = context.Input(0).shape;
    const int64_t bytes = ElementBytes(context), channels = input.dim(-1);
    const int64_t group = attrs_.group, depth = channels / group;
    kernels::StridedCopy copy(bytes);
    copy.Add(input.elements(0, input.rank() - 1), channels * bytes, channels * bytes);
    copy.Add(depth, bytes, group * bytes);
    copy.Add(group, depth * bytes, bytes);
    steps->push_back({0, 0, copy});
    return MaceStatus::MACE_SUCCESS;
  }

 private:
  ChannelShuffleAttrs attrs_;
};

void RegisterChannelShuffle(OpRegistryBase *op_registry) {
  RegisterForTypes<ChannelShuffleOp>(op_registry, "ChannelShuffle", {DT_FLOAT});
}

}  // namespace ops
}  // namespace mace
