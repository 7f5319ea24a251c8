// SPDX-License-Identifier: Apache-2.0
// Joins tensors along a new axis.
#include "mace/ops/attrs/stack.h"

#include "mace/ops/data_movement.h"

namespace mace {
namespace ops {

class StackOp : public CopyOperation {
 public:
  using CopyOperation::CopyOperation;

  MaceStatus InferType(const std::vector<DataType> &inputs,
                       std::vector<DataType> *outputs) override {
    MACE_RETURN_IF_ERROR(CheckSameTypes(inputs));
    return CopyOperation::InferType(inputs, outputs);
  }

  MaceStatus Init(OpInitContext *) override { return ParseAttrs(&attrs_); }

  MaceStatus InferShape(OpShapeContext *context) override {
    const Shape &first = context->Input(0).shape;
    for (int i = 1; i < context->InputCount(); ++i) {
      const Shape &shape = context->Input(i).shape;
      if (shape != first) {
        return Invalid("input ", i, " has shape ", shape.ToString(), ", but input 0 has ",
                       first.ToString());
      }
    }
    int axis = 0;
    MACE_RETURN_IF_ERROR(CheckAxis(attrs_.axis, first.rank() + 1, &axis));
    std::vector<int64_t> dims = first.ToVector();
    dims.insert(dims.begin() + axis, context->InputCount());
    return SetOutput(context, 0, dims);
  }

 protected:
  MaceStatus MakeSteps(const OpShapeContext &context, std::vector<Step> *steps) override {
    const Shape &input = context.Input(0).shape, &output = context.OutputShape(0);
    int axis = 0;
    MACE_RETURN_IF_ERROR(CheckAxis(attrs_.axis, output.rank(), &axis));
    const int64_t bytes = ElementBytes(context);
    const Strides src = ByteStrides(input, bytes), dst = ByteStrides(output, bytes);
    for (int i = 0; i < context.InputCount(); ++i) {
      kernels::StridedCopy copy(bytes);
      for (int d = 0; d < input.rank(); ++d) copy.Add(input[d], src[d], dst[d < axis ? d : d + 1]);
      copy.SetOffsets(0, i * dst[axis]);
      steps->push_back({i, 0, copy});
    }
    return MaceStatus::MACE_SUCCESS;
  }

 private:
  StackAttrs attrs_;
};

void RegisterStack(OpRegistryBase *op_registry) {
  RegisterForTypes<StackOp>(op_registry, "Stack", kAllTypes);
}

}  // namespace ops
}  // namespace mace
