// SPDX-License-Identifier: Apache-2.0
// The dimensions of the input as a tensor.
#include <algorithm>
#include <cstdint>

#include "mace/ops/attrs/shape.h"
#include "mace/ops/data_movement.h"

namespace mace {
namespace ops {

class ShapeOp : public ShapedOperation {
 public:
  using ShapedOperation::ShapedOperation;

  MaceStatus InferType(const std::vector<DataType> &, std::vector<DataType> *outputs) override {
    MACE_RETURN_IF_ERROR(ParseAttrs(&attrs_));
    MACE_RETURN_IF_ERROR(CheckIntegerType("output_type", attrs_.output_type));
    (*outputs)[0] = attrs_.output_type;
    return MaceStatus::MACE_SUCCESS;
  }

  MaceStatus Init(OpInitContext *) override { return ParseAttrs(&attrs_); }

  MaceStatus InferShape(OpShapeContext *context) override {
    const Shape &input = context->Input(0).shape;
    for (int64_t dim : input) {
      if (attrs_.output_type == DT_INT32 && dim > INT32_MAX) {
        return Invalid("a dimension of input shape ", input.ToString(),
                       " does not fit int32; set output_type to int64");
      }
    }
    const int first = Clamp(attrs_.start, input.rank());
    const int last = Clamp(attrs_.end, input.rank());
    return SetOutput(context, 0, {std::max(0, last - first)});
  }

  MaceStatus Run(OpContext *context) override {
    const Shape &input = context->input(0)->shape;
    Tensor *output = context->output(0);
    const int first = Clamp(attrs_.start, input.rank());
    for (int i = 0; i < static_cast<int>(output->elements()); ++i) {
      if (output->dtype == DT_INT32) {
        output->mutable_data<int32_t>()[i] = static_cast<int32_t>(input[first + i]);
      } else {
        output->mutable_data<int64_t>()[i] = input[first + i];
      }
    }
    return MaceStatus::MACE_SUCCESS;
  }

  bool DependsOnShapeOnly() const override { return true; }

 private:
  // A negative index counts from the end; then into [0, rank], as ONNX has it.
  static int Clamp(int64_t index, int rank) {
    if (index < 0) index += rank;
    return static_cast<int>(std::min<int64_t>(std::max<int64_t>(index, 0), rank));
  }

  ShapeAttrs attrs_;
};

void RegisterShape(OpRegistryBase *op_registry) {
  RegisterForTypes<ShapeOp>(op_registry, "Shape", kAllTypes);
}

}  // namespace ops
}  // namespace mace
