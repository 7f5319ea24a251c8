// SPDX-License-Identifier: Apache-2.0
// Joins dimensions.
#include "mace/ops/attrs/flatten.h"

#include "mace/ops/data_movement.h"

namespace mace {
namespace ops {

class FlattenOp : public AliasOperation {
 public:
  using AliasOperation::AliasOperation;

  MaceStatus Init(OpInitContext *) override { return ParseAttrs(&attrs_); }

  MaceStatus InferShape(OpShapeContext *context) override {
    const Shape &input = context->Input(0).shape;
    return attrs_.two_dimensional ? InferTwoDimensional(context, input)
                                  : InferRange(context, input);
  }

 private:
  // ONNX: everything before the axis, everything from it on. The axis may be the rank.
  MaceStatus InferTwoDimensional(OpShapeContext *context, const Shape &input) const {
    const int rank = input.rank();
    if (attrs_.axis < -rank || attrs_.axis > rank) {
      return Invalid("axis ", attrs_.axis, " is outside of [", -rank, ", ", rank, "]");
    }
    if (attrs_.end_axis != -1 && attrs_.end_axis != rank - 1) {
      return Invalid("end_axis ", attrs_.end_axis, " does not go with two_dimensional");
    }
    const int axis = static_cast<int>(attrs_.axis < 0 ? attrs_.axis + rank : attrs_.axis);
    return SetOutput(context, 0, {input.elements(0, axis), input.elements(axis, rank)});
  }

  // Caffe: the dimensions [axis, end_axis] become one.
  MaceStatus InferRange(OpShapeContext *context, const Shape &input) const {
    int first = 0, last = 0;
    MACE_RETURN_IF_ERROR(CheckAxis(attrs_.axis, input.rank(), &first));
    MACE_RETURN_IF_ERROR(CheckAxis(attrs_.end_axis, input.rank(), &last));
    if (first > last) {
      return Invalid("axis ", first, " lies behind end_axis ", last, " of input shape ",
                     input.ToString());
    }
    std::vector<int64_t> dims(input.begin(), input.begin() + first);
    dims.push_back(input.elements(first, last + 1));
    dims.insert(dims.end(), input.begin() + last + 1, input.end());
    return SetOutput(context, 0, dims);
  }

  FlattenAttrs attrs_;
};

void RegisterFlatten(OpRegistryBase *op_registry) {
  RegisterForTypes<FlattenOp>(op_registry, "Flatten", kAllTypes);
}

}  // namespace ops
}  // namespace mace
