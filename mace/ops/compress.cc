// SPDX-License-Identifier: Apache-2.0
// The slices along an axis for which a condition holds (ONNX Compress).
#include "mace/ops/attrs/compress.h"

#include <algorithm>
#include <cstring>

#include "mace/ops/indexing.h"

namespace mace {
namespace ops {

class CompressOp : public ShapedOperation {
 public:
  using ShapedOperation::ShapedOperation;

  MaceStatus InferType(const std::vector<DataType> &inputs,
                       std::vector<DataType> *outputs) override {
    if (inputs[1] != DT_BOOL) {
      return Invalid("the condition must be bool, not ", DataTypeName(inputs[1]));
    }
    return ShapedOperation::InferType(inputs, outputs);
  }

  MaceStatus Init(OpInitContext *) override { return ParseAttrs(&attrs_); }

  MaceStatus InferShape(OpShapeContext *context) override {
    Shape shape = context->Input(0).shape;
    const Shape &condition = context->Input(1).shape;
    int axis = 0;
    MACE_RETURN_IF_ERROR(CheckAxis(attrs_.axis, shape.rank(), &axis));
    if (condition.rank() != 1) {
      return Invalid("the condition must have one dimension, not the shape ", condition.ToString());
    }
    shape[axis] = std::min(shape[axis], condition[0]);
    context->SetOutputShape(0, shape);
    return MaceStatus::MACE_SUCCESS;
  }

  MaceStatus Run(OpContext *context) override {
    const Tensor &input = *context->input(0), &condition = *context->input(1);
    Tensor *output = context->output(0);
    const Shape &shape = input.shape;
    int axis = 0;
    MACE_RETURN_IF_ERROR(CheckAxis(attrs_.axis, shape.rank(), &axis));
    const uint8_t *holds = condition.data<uint8_t>();
    const int64_t dim = shape[axis];
    int64_t kept = 0;
    for (int64_t i = 0; i < condition.shape[0]; ++i) {
      if (holds[i] == 0) continue;
      if (i >= dim) {
        return Invalid("the condition holds at place ", i, ", axis ", axis, " of input shape ",
                       shape.ToString(), " has no such slice");
      }
      ++kept;
    }
    const int64_t slices = std::min(dim, condition.shape[0]);
    const size_t bytes =
        static_cast<size_t>(shape.elements(axis + 1, shape.rank())) * DataTypeSize(input.dtype);
    const uint8_t *src = input.data<uint8_t>();
    uint8_t *dst = output->mutable_data<uint8_t>();
    const int64_t outer = bytes == 0 || kept == 0 ? 0 : shape.elements(0, axis);
    for (int64_t o = 0; o < outer; ++o) {
      for (int64_t i = 0; i < slices; ++i) {
        if (holds[i] == 0) continue;
        std::memcpy(dst, src + static_cast<size_t>(o * dim + i) * bytes, bytes);
        dst += bytes;
      }
    }
    output->shape = shape;
    output->shape[axis] = kept;
    return MaceStatus::MACE_SUCCESS;
  }

  bool HasDynamicOutput() const override { return true; }

 private:
  CompressAttrs attrs_;
};

void RegisterCompress(OpRegistryBase *op_registry) {
  RegisterForTypes<CompressOp>(op_registry, "Compress", kAllTypes);
}

}  // namespace ops
}  // namespace mace
