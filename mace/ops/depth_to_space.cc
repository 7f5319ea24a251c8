// SPDX-License-Identifier: Apache-2.0
// Moves channel blocks into space. Row r and column s of a block lie in input channel
// (r * block + s) * C + c (DCR) or (c * block + r) * block + s (CRD).
#include "mace/base/checked.h"
#include "mace/ops/attrs/depth_to_space.h"
#include "mace/ops/data_movement.h"

namespace mace {
namespace ops {

class DepthToSpaceOp : public CopyOperation {
 public:
  using CopyOperation::CopyOperation;

  MaceStatus Init(OpInitContext *) override { return ParseAttrs(&attrs_); }

  MaceStatus InferShape(OpShapeContext *context) override {
    const Shape &input = context->Input(0).shape;
    const int64_t block = attrs_.block_size;
    if (input.rank() != 4) return Invalid("the input must be NHWC, not ", input.ToString());
    int64_t area = 0, height = 0, width = 0;
    if (!CheckedMultiply(block, block, &area) || input[3] % area != 0) {
      return Invalid("the ", input[3], " channels of the input are not a multiple of the block of ",
                     block, " x ", block);
    }
    if (!CheckedMultiply(input[1], block, &height) || !CheckedMultiply(input[2], block, &width)) {
      return Invalid("the output would be too large to be addressed");
    }
    return SetOutput(context, 0, {input[0], height, width, input[3] / area});
  }

 protected:
  MaceStatus MakeSteps(const OpShapeContext &context, std::vector<Step> *steps) override {
    const Shape &input = context.Input(0).shape, &output = context.OutputShape(0);
    const int64_t block = attrs_.block_size, bytes = ElementBytes(context);
    const bool block_first = attrs_.mode == DepthToSpaceAttrs::Mode::kDcr;
    const Strides src = ByteStrides(input, bytes), dst = ByteStrides(output, bytes);
    const int64_t src_column = block_first ? output[3] * bytes : bytes;
    const int64_t src_channel = block_first ? bytes : block * block * bytes;
    kernels::StridedCopy copy(bytes);
    copy.Add(input[0], src[0], dst[0]);
    copy.Add(input[1], src[1], block * dst[1]);
    copy.Add(block, block * src_column, dst[1]);
    copy.Add(input[2], src[2], block * dst[2]);
    copy.Add(block, src_column, dst[2]);
    copy.Add(output[3], src_channel, dst[3]);
    steps->push_back({0, 0, copy});
    return MaceStatus::MACE_SUCCESS;
  }

 private:
  DepthToSpaceAttrs attrs_;
};

void RegisterDepthToSpace(OpRegistryBase *op_registry) {
  RegisterForTypes<DepthToSpaceOp>(op_registry, "DepthToSpace", {DT_FLOAT});
}

}  // namespace ops
}  // namespace mace
