// SPDX-License-Identifier: Apache-2.0
// What operators do unless they say otherwise.
#include "mace/core/operator.h"

namespace mace {

MaceStatus OpShapeContext::IntegerInput(int i, const char *what,
                                        std::vector<int64_t> *values) const {
  const Tensor &tensor = Input(i);
  if (tensor.dtype != DT_INT32 && tensor.dtype != DT_INT64) {
    return InvalidArgs(what, " '", *tensor.name, "' must be int32 or int64, not ",
                       DataTypeName(tensor.dtype));
  }
  MACE_RETURN_IF_ERROR(NeedElements(i, what));
  const int64_t count = tensor.elements();
  values->resize(static_cast<size_t>(count));
  for (int64_t k = 0; k < count; ++k) {
    (*values)[static_cast<size_t>(k)] =
        tensor.dtype == DT_INT32 ? tensor.data<int32_t>()[k] : tensor.data<int64_t>()[k];
  }
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus OpShapeContext::NeedElements(int i, const char *what) const {
  if (FindElements(i)) return MaceStatus::MACE_SUCCESS;
  return Unsupported(what, " '", *Input(i).name,
                     "' is computed from the elements of a model input, but something that is "
                     "planned before the run depends on it; make it a constant");
}

MaceStatus OpContext::AllocateOutput(int o, const Shape &shape) {
  if (allocator_ != nullptr) return allocator_->Allocate(o, shape, outputs_[o]);
  if (shape == outputs_[o]->shape) return MaceStatus::MACE_SUCCESS;
  return RuntimeError("output ", o, " was planned as ", outputs_[o]->shape.ToString(),
                      " and came out as ", shape.ToString());
}

MaceStatus Operation::InferType(const std::vector<DataType> &inputs,
                                std::vector<DataType> *outputs) {
  for (DataType &output : *outputs) output = inputs.empty() ? DT_FLOAT : inputs[0];
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus Operation::Init(OpInitContext *) { return MaceStatus::MACE_SUCCESS; }

MaceStatus Operation::InferShape(OpShapeContext *context) {
  for (int o = 0; o < context->OutputCount(); ++o) {
    context->SetOutputShape(o, context->Input(0).shape);
  }
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus Operation::Plan(OpPlanContext *) { return MaceStatus::MACE_SUCCESS; }

bool Operation::Absorb(const OperatorDef &, OpState *, bool *) const { return false; }

bool Operation::StrideOutput(int64_t, OpState *) const { return false; }
bool Operation::Rows(const OpState *, RowGeometry *) const { return false; }
void Operation::RunRows(const OpState *, const RowCall &) const {}

int64_t Operation::Macs(const OpShapeContext &) const { return 0; }

void Operation::Describe(const OpShapeContext &, ConvPoolArgs *) const {}

bool NormalizeAxis(int64_t axis, int rank, int *normalized) {
  if (axis < -rank || axis >= rank) return false;
  *normalized = static_cast<int>(axis < 0 ? axis + rank : axis);
  return true;
}

}  // namespace mace
