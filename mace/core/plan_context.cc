// SPDX-License-Identifier: Apache-2.0
// What an operator sees of a plan while it is made.
#include "mace/core/plan_context.h"

#include <algorithm>

namespace mace {

namespace {

const Tensor kAbsentTensor;

size_t At(int i) { return static_cast<size_t>(i); }

}  // namespace

Plan::Context::Context(Plan *plan, const NetOperator &op, Step *step, Elements elements)
    : plan_(plan),
      op_(op),
      step_(step),
      elements_(elements),
      shape_set_(op.outputs.size(), false),
      late_(op.outputs.size(), false) {
  if (elements == Elements::kPlanned) return;
  for (int input : op.inputs) {
    shown_.push_back(input < 0 ? kAbsentTensor : plan->tensors_[At(input)]);
    if (input < 0 || shown_.back().is_const) continue;
    if (elements == Elements::kAll) {
      shown_.back().is_const = true;
    } else {
      shown_.back().raw = nullptr;
    }
  }
}

const Tensor &Plan::Context::Input(int i) const {
  if (!HasInput(i)) return kAbsentTensor;
  return elements_ == Elements::kPlanned ? plan_->tensors_[At(op_.inputs[At(i)])] : shown_[At(i)];
}

void Plan::Context::SetOutputShape(int i, const Shape &shape) {
  plan_->tensors_[At(op_.outputs[At(i)])].shape = shape;
  shape_set_[At(i)] = true;
}

void Plan::Context::RequestScratch(size_t bytes) {
  step_->scratch_bytes = std::max(step_->scratch_bytes, bytes);
}

bool Plan::Context::AnyLate() const {
  return std::find(late_.begin(), late_.end(), true) != late_.end();
}

bool Plan::Context::FindElements(int i) const {
  if (elements_ == Elements::kAsked && HasInput(i) && !shown_[At(i)].is_const) {
    const Tensor &tensor = plan_->tensors_[At(op_.inputs[At(i)])];
    shown_[At(i)].raw = tensor.raw;
    shown_[At(i)].is_const = true;
    asked_.push_back(i);
  }
  const bool found = OpShapeContext::FindElements(i);
  lacks_elements_ = lacks_elements_ || !found;
  return found;
}

MaceStatus Plan::Context::CheckOutputs(const OperatorDef &def, size_t limit) const {
  for (size_t o = 0; o < op_.outputs.size(); ++o) {
    if (late_[o]) continue;
    const Tensor &tensor = plan_->tensors_[At(op_.outputs[o])];
    size_t bytes = 0;
    if (!shape_set_[o]) return RuntimeError("its InferShape gives no shape for output ", o);
    if (!CheckedBytes(tensor.shape, DataTypeSize(tensor.dtype), &bytes)) {
      return InvalidArgs("output '", def.output[o], "' would have the impossible shape ",
                         tensor.shape.ToString());
    }
    if (bytes > limit) {
      return OutOfResources("output '", def.output[o], "' of shape ", tensor.shape.ToString(),
                            " needs more than the ", limit,
                            " bytes that activations may take; "
                            "use smaller inputs or a larger limit");
    }
  }
  return MaceStatus::MACE_SUCCESS;
}

}  // namespace mace
