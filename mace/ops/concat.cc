// SPDX-License-Identifier: Apache-2.0
// Joins tensors along an axis.
#include "mace/ops/attrs/concat.h"

#include "mace/base/checked.h"
#include "mace/ops/data_movement.h"

namespace mace {
namespace ops {

class ConcatOp : public CopyOperation {
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
    int axis = 0;
    MACE_RETURN_IF_ERROR(CheckAxis(attrs_.axis, first.rank(), &axis));
    std::vector<int64_t> dims = first.ToVector();
    for (int i = 1; i < context->InputCount(); ++i) {
      const Shape &shape = context->Input(i).shape;
      bool same = shape.rank() == first.rank();
      for (int d = 0; same && d < first.rank(); ++d) same = d == axis || shape[d] == first[d];
      if (!same) {
        return Invalid("input ", i, " has shape ", shape.ToString(), ", which differs from ",
                       first.ToString(), " of input 0 in more than dimension ", axis);
      }
      if (!CheckedAdd(dims[axis], shape[axis], &dims[axis])) {
        return Invalid("the output would be too large to be addressed");
      }
    }
    return SetOutput(context, 0, dims);
  }

  MaceStatus Plan(OpPlanContext *context) override {
    MACE_RETURN_IF_ERROR(CopyOperation::Plan(context));
    const Shape &output = context->OutputShape(0);
    int axis = 0;
    MACE_RETURN_IF_ERROR(CheckAxis(attrs_.axis, output.rank(), &axis));
    const int last = output.rank() - 1;
    // Inputs whose rows are not evenly spread in the output are always copied.
    if (output.elements() == 0 || (axis != last && output.elements(0, axis) != 1)) {
      return MaceStatus::MACE_SUCCESS;
    }
    const size_t unit = static_cast<size_t>(ElementBytes(*context)) *
                        static_cast<size_t>(output.elements(axis + 1, output.rank()));
    int64_t position = 0;
    for (int i = 0; i < context->InputCount(); ++i) {
      context->PartOfOutput(0, i, static_cast<size_t>(position) * unit, output[last]);
      position += context->Input(i).shape[axis];
    }
    return MaceStatus::MACE_SUCCESS;
  }

 protected:
  MaceStatus MakeSteps(const OpShapeContext &context, std::vector<Step> *steps) override {
    const Shape &output = context.OutputShape(0);
    int axis = 0;
    MACE_RETURN_IF_ERROR(CheckAxis(attrs_.axis, output.rank(), &axis));
    const int64_t bytes = ElementBytes(context);
    const Strides dst = ByteStrides(output, bytes);
    int64_t offset = 0;
    for (int i = 0; i < context.InputCount(); ++i) {
      const Shape &shape = context.Input(i).shape;
      const Strides src = ByteStrides(shape, bytes);
      kernels::StridedCopy copy(bytes);
      for (int d = 0; d < shape.rank(); ++d) copy.Add(shape[d], src[d], dst[d]);
      copy.SetOffsets(0, offset);
      steps->push_back({i, 0, copy, offset});
      offset += shape[axis] * dst[axis];
    }
    return MaceStatus::MACE_SUCCESS;
  }

 private:
  ConcatAttrs attrs_;
};

void RegisterConcat(OpRegistryBase *op_registry) {
  RegisterForTypes<ConcatOp>(op_registry, "Concat", kAllTypes);
}

}  // namespace ops
}  // namespace mace
