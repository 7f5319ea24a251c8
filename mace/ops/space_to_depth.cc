// SPDX-License-Identifier: Apache-2.0
// Moves spatial blocks into channels: row r and column s of a block go to output channel
// (r * block + s) * C + c.
#include "mace/base/checked.h"
#include "mace/ops/attrs/space_to_depth.h"
#include "mace/ops/data_movement.h"

namespace mace {
namespace ops {

class SpaceToDepthOp : public CopyOperation {
 public:
  using CopyOperation::CopyOperation;

  MaceStatus Init(OpInitContext *) override { return ParseAttrs(&attrs_); }

  MaceStatus InferShape(OpShapeContext *context) override {
    const Shape &input = context->Input(0).shape;
    const int64_t block = attrs_.block_size;
    if (input.rank() != 4) return Invalid("the input must be NHWC, not ", input.ToString());
    if (input[1] % block != 0 || input[2] % block != 0) {
      return Invalid("height and width of input shape ", input.ToString(),
                     " are not multiples of the block of ", block);
    }
    int64_t channels = 0;
    if (!CheckedMultiply(block, block, &channels) ||
        !CheckedMultiply(channels, input[3], &channels)) {
      return Invalid("the output would be too large to be addressed");
    }
    return SetOutput(context, 0, {input[0], input[1] / block, input[2] / block, channels});
  }

 protected:
  MaceStatus MakeSteps(const OpShapeContext &context, std::vector<Step> *steps) override {
    const Shape &input = context.Input(0).shape, &output = context.OutputShape(0);
    const int64_t block = attrs_.block_size, bytes = ElementBytes(context);
    const Strides src = ByteStrides(input, bytes), dst = ByteStrides(output, bytes);
    kernels::StridedCopy copy(bytes);
    copy.Add(output[0], src[0], dst[0]);
    copy.Add(output[1], block * src[1], dst[1]);
    copy.Add(output[2], block * src[2], dst[2]);
    copy.Add(block, src[1], block * input[3] * bytes);
    copy.Add(block, src[2], input[3] * bytes);
    copy.Add(input[3], src[3], bytes);
    steps->push_back({0, 0, copy});
    return MaceStatus::MACE_SUCCESS;
  }

 private:
  SpaceToDepthAttrs attrs_;
};

void RegisterSpaceToDepth(OpRegistryBase *op_registry) {
  RegisterForTypes<SpaceToDepthOp>(op_registry, "SpaceToDepth", {DT_FLOAT});
}

}  // namespace ops
}  // namespace mace
