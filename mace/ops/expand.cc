// SPDX-License-Identifier: Apache-2.0
// ONNX Expand: broadcasts the input against a shape, both ways.
#include <algorithm>

#include "mace/ops/data_movement.h"

namespace mace {
namespace ops {

class ExpandOp : public CopyOperation {
 public:
  using CopyOperation::CopyOperation;

  MaceStatus InferShape(OpShapeContext *context) override {
    const Shape &input = context->Input(0).shape;
    std::vector<int64_t> dims;
    MACE_RETURN_IF_ERROR(Integers(*context, 1, "shape", &dims));
    if (dims.size() > static_cast<size_t>(kMaxRank)) {
      return NotSupported("a shape of ", dims.size(), " dimensions, the most are ", kMaxRank);
    }
    const Shape wanted(dims);
    while (dims.size() < static_cast<size_t>(input.rank())) dims.insert(dims.begin(), 1);
    const size_t before = dims.size() - static_cast<size_t>(input.rank());
    for (int i = 0; i < input.rank(); ++i) {
      int64_t &dim = dims[before + i];
      if (dim != input[i] && dim != 1 && input[i] != 1) {
        return Invalid("input shape ", input.ToString(), " cannot be broadcast with ",
                       wanted.ToString());
      }
      if (dim == 1) dim = input[i];
    }
    return SetOutput(context, 0, dims);
  }

 protected:
  MaceStatus MakeSteps(const OpShapeContext &context, std::vector<Step> *steps) override {
    const Shape &input = context.Input(0).shape, &output = context.OutputShape(0);
    const int64_t bytes = ElementBytes(context);
    const Strides src = ByteStrides(input, bytes), dst = ByteStrides(output, bytes);
    const int before = output.rank() - input.rank();
    kernels::StridedCopy copy(bytes);
    for (int i = 0; i < output.rank(); ++i) {
      const bool repeats = i < before || input[i - before] == 1;
      copy.Add(output[i], repeats ? 0 : src[i - before], dst[i]);
    }
    steps->push_back({0, 0, copy});
    return MaceStatus::MACE_SUCCESS;
  }
};

void RegisterExpand(OpRegistryBase *op_registry) {
  RegisterForTypes<ExpandOp>(op_registry, "Expand", kAllTypes);
}

}  // namespace ops
}  // namespace mace
