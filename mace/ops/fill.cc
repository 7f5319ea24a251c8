// SPDX-License-Identifier: Apache-2.0
// A tensor of one value.
#include "mace/ops/attrs/fill.h"
#include "mace/ops/data_movement.h"
#include "mace/ops/element_value.h"

namespace mace {
namespace ops {

class FillOp : public ShapedOperation {
 public:
  using ShapedOperation::ShapedOperation;

  MaceStatus InferType(const std::vector<DataType> &, std::vector<DataType> *outputs) override {
    MACE_RETURN_IF_ERROR(Parse());
    (*outputs)[0] = attrs_.output_type;
    return MaceStatus::MACE_SUCCESS;
  }

  MaceStatus Init(OpInitContext *) override { return Parse(); }

  MaceStatus InferShape(OpShapeContext *context) override {
    std::vector<int64_t> dims;
    MACE_RETURN_IF_ERROR(Integers(*context, 0, "shape", &dims));
    return SetOutput(context, 0, dims);
  }

  MaceStatus Run(OpContext *context) override {
    Tensor *output = context->output(0);
    kernels::FillElements(output->raw, element_.bytes,
                          static_cast<int64_t>(DataTypeSize(output->dtype)), output->elements());
    return MaceStatus::MACE_SUCCESS;
  }

 private:
  MaceStatus Parse() {
    MACE_RETURN_IF_ERROR(ParseAttrs(&attrs_));
    if (!MakeElementValue(attrs_.value, attrs_.output_type, &element_)) {
      return Invalid("value ", attrs_.value, " cannot be represented as ",
                     DataTypeName(attrs_.output_type));
    }
    return MaceStatus::MACE_SUCCESS;
  }

  FillAttrs attrs_;
  ElementValue element_;
};

void RegisterFill(OpRegistryBase *op_registry) {
  RegisterForTypes<FillOp>(op_registry, "Fill", {DT_INT32, DT_INT64});
}

}  // namespace ops
}  // namespace mace
