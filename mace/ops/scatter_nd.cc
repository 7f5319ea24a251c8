// SPDX-License-Identifier: Apache-2.0
// Puts slices into a copy of the input where tuples of indices say, or combines them with what is
// there (ONNX ScatterND). Of several for one place the last counts, or all combine.
#include "mace/ops/attrs/scatter_nd.h"

#include "mace/ops/indexing.h"

namespace mace {
namespace ops {

class ScatterNDOp : public ShapedOperation {
 public:
  using ShapedOperation::ShapedOperation;

  MaceStatus InferType(const std::vector<DataType> &inputs,
                       std::vector<DataType> *outputs) override {
    MACE_RETURN_IF_ERROR(CheckIntegerType("indices", inputs[1]));
    MACE_RETURN_IF_ERROR(CheckSameTypes({inputs[0], inputs[2]}));
    return ShapedOperation::InferType(inputs, outputs);
  }

  MaceStatus Init(OpInitContext *context) override {
    MACE_RETURN_IF_ERROR(ParseAttrs(&attrs_));
    const DataType dtype = context->InputType(0);
    if (attrs_.reduction == ScatterNDAttrs::Reduction::kNone || CanCombine(dtype)) {
      return MaceStatus::MACE_SUCCESS;
    }
    return NotSupported("elements of type ", DataTypeName(dtype),
                        " can only be replaced; cast them to combine them");
  }

  MaceStatus InferShape(OpShapeContext *context) override {
    const Shape &input = context->Input(0).shape, &indices = context->Input(1).shape;
    const Shape &updates = context->Input(2).shape;
    bool fits = indices.rank() >= 1 && indices.dim(-1) <= input.rank();
    if (fits) {
      std::vector<int64_t> wanted(indices.begin(), indices.end() - 1);
      wanted.insert(wanted.end(), input.begin() + indices.dim(-1), input.end());
      fits = wanted == updates.ToVector();
    }
    if (!fits) {
      return Invalid("indices of shape ", indices.ToString(), " and updates of shape ",
                     updates.ToString(), " do not go with input shape ", input.ToString(),
                     ": there must be a slice of the input for each tuple of indices");
    }
    context->SetOutputShape(0, input);
    return MaceStatus::MACE_SUCCESS;
  }

  MaceStatus Plan(OpPlanContext *context) override {
    // Updates that are the input itself must not change while they are read.
    if (def().input[0] != def().input[2]) context->AllowInPlace(0, 0);
    return MaceStatus::MACE_SUCCESS;
  }

  MaceStatus Run(OpContext *context) override {
    const Tensor &input = *context->input(0), &indices = *context->input(1);
    Tensor *output = context->output(0);
    CopyTensor(context->thread_pool(), input, output);
    const int64_t element = static_cast<int64_t>(DataTypeSize(input.dtype));
    const IndexTuples tuples(indices, input.shape, 0, element);
    if (context->input(2)->elements() == 0) return MaceStatus::MACE_SUCCESS;
    const auto how = static_cast<Combination>(attrs_.reduction);
    const uint8_t *src = context->input(2)->data<uint8_t>();
    uint8_t *dst = output->mutable_data<uint8_t>();
    for (int64_t t = 0; t < tuples.count(); ++t) {
      int64_t place = 0, bound = 0;
      const int64_t offset = tuples.Offset(t, &place, &bound);
      if (offset < 0) {
        return Invalid("index ", IndexAt(indices, place), " at place ", place, " is outside of [",
                       -bound, ", ", bound - 1, "], input shape ", input.shape.ToString());
      }
      Combine(how, input.dtype, dst + offset, src + t * tuples.block(), tuples.block() / element);
    }
    return MaceStatus::MACE_SUCCESS;
  }

 private:
  ScatterNDAttrs attrs_;
};

void RegisterScatterND(OpRegistryBase *op_registry) {
  RegisterForTypes<ScatterNDOp>(op_registry, "ScatterND", kAllTypes);
}

}  // namespace ops
}  // namespace mace
