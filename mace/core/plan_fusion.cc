// SPDX-License-Identifier: Apache-2.0
// Saves passes over memory between the steps of a plan.
#include "mace/core/plan_fusion.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "mace/core/plan_chain.h"

namespace mace {

Plan::Fusion::Fusion(const Net &net, const std::vector<size_t> &late, Plan *plan)
    : plan_(plan), uses_(net.tensors().size(), 0), maker_of_(net.tensors().size(), -1) {
  const auto count = [this](const std::vector<int> &tensors) {
    for (int tensor : tensors) {
      if (tensor >= 0) ++uses_[At(tensor)];
    }
  };
  count(net.outputs());
  for (size_t op : late) count(net.operators()[op].inputs);
  for (size_t s = 0; s < plan->steps_.size(); ++s) {
    count(plan->steps_[s].input_numbers);
    for (int tensor : plan->steps_[s].output_numbers) maker_of_[At(tensor)] = static_cast<int>(s);
  }
}

int Plan::Fusion::OnlyMaker(int tensor) const {
  return tensor >= 0 && uses_[At(tensor)] == 1 ? maker_of_[At(tensor)] : -1;
}

bool Plan::Fusion::SameTensors(const Step &step) const {
  const Tensor &output = *step.outputs[0];
  return std::all_of(step.inputs.begin(), step.inputs.end(), [&output](const Tensor *input) {
    return input != nullptr && input->dtype == output.dtype && input->shape == output.shape;
  });
}

bool Plan::Fusion::TryToAbsorb(size_t maker, size_t user) {
  Step &first = plan_->steps_[maker], &second = plan_->steps_[user];
  if (first.dynamic || first.on_accelerator || first.output_numbers.size() != 1) return false;
  bool in_place = false;
  if (!first.operation->Absorb(second.operation->def(), first.state.get(), &in_place)) return false;
  const int own = second.input_numbers[0] == first.output_numbers[0] ? 0 : 1;
  first.in_place.clear();
  if (in_place) first.in_place.emplace_back(0, static_cast<int>(first.inputs.size()));
  first.inputs.push_back(second.inputs[At(1 - own)]);
  first.input_numbers.push_back(second.input_numbers[At(1 - own)]);
  first.outputs = std::move(second.outputs);
  first.output_numbers = std::move(second.output_numbers);
  first.planned_shapes = std::move(second.planned_shapes);
  first.macs += second.macs;
  // Its inputs are all there when the second one's are.
  second = std::move(first);
  first.operation = nullptr;
  maker_of_[At(second.output_numbers[0])] = static_cast<int>(user);
  return true;
}

void Plan::Fusion::AbsorbSums() {
  std::vector<Step> &steps = plan_->steps_;
  for (size_t s = 0; s < steps.size(); ++s) {
    const Step &step = steps[s];
    if (step.dynamic || step.on_accelerator || step.input_numbers.size() != 2 ||
        step.output_numbers.size() != 1)
      continue;
    if (step.input_numbers[0] == step.input_numbers[1] || !SameTensors(step)) continue;
    // The later of the two, so that the other is there.
    const int a = OnlyMaker(step.input_numbers[0]), b = OnlyMaker(step.input_numbers[1]);
    for (int maker : {std::max(a, b), std::min(a, b)}) {
      if (maker >= 0 && TryToAbsorb(At(maker), s)) break;
    }
  }
  steps.erase(std::remove_if(steps.begin(), steps.end(),
                             [](const Step &step) { return step.operation == nullptr; }),
              steps.end());
}

namespace {

int64_t RowElements(const Tensor &tensor) {
  return tensor.shape.rank() == 0 ? 1 : tensor.shape[tensor.shape.rank() - 1];
}

}  // namespace

bool Plan::Fusion::TryToPlace(int tensor, const Place &place, std::vector<Part> *placed) {
  const int maker = OnlyMaker(tensor);
  if (maker < 0) return false;
  const Step &step = plan_->steps_[At(maker)];
  const Tensor &part = plan_->tensors_[At(tensor)];
  if (step.dynamic || step.output_numbers.size() != 1 || part.bytes() == 0) return false;
  const size_t known = placed->size();
  placed->push_back({tensor, place.whole, place.offset});
  if (!step.parts.empty() && PlaceInputs(step, place, placed)) return true;
  placed->resize(known + 1);
  const int64_t row = RowElements(part);
  if (place.stride == row || part.elements() == row ||
      step.operation->StrideOutput(place.stride, step.state.get())) {
    return true;
  }
  placed->pop_back();
  return false;
}

// All inputs of an operator that does nothing but put them together.
bool Plan::Fusion::PlaceInputs(const Step &step, const Place &place, std::vector<Part> *placed) {
  const Tensor &output = *step.outputs[0];
  const size_t first = placed->size();
  const size_t row_bytes = static_cast<size_t>(RowElements(output)) * DataTypeSize(output.dtype);
  const bool dense = place.stride == RowElements(output);
  bool all = step.parts.size() == step.inputs.size();
  for (size_t i = 0; all && i < step.parts.size(); ++i) {
    const Step::PartInput &part = step.parts[i];
    const Place inner = {place.whole, place.offset + part.offset, place.stride};
    // Rows of the part must begin with those of the output, or be in the same place among them.
    all = (dense || part.offset < row_bytes) && part.stride == RowElements(output) &&
          TryToPlace(step.input_numbers[At(part.input)], inner, placed);
  }
  if (!all) MakeDense({placed->begin() + static_cast<std::ptrdiff_t>(first), placed->end()}, plan_);
  return all;
}

void Plan::Fusion::PlaceParts() {
  std::vector<Step> &steps = plan_->steps_;
  std::vector<bool> done(uses_.size(), false);
  // Backwards, so that what is put together in two steps is written to its last place.
  for (size_t s = steps.size(); s-- > 0;) {
    const Step &step = steps[s];
    if (step.parts.empty() || step.dynamic || done[At(step.output_numbers[0])]) continue;
    for (const Step::PartInput &part : step.parts) {
      const Place place = {step.output_numbers[At(part.output)], part.offset, part.stride};
      std::vector<Part> placed;
      if (!TryToPlace(step.input_numbers[At(part.input)], place, &placed)) continue;
      for (const Part &made : placed) done[At(made.tensor)] = true;
      plan_->parts_.insert(plan_->parts_.end(), placed.begin(), placed.end());
    }
  }
}

void Plan::Fusion::MakeDense(const std::vector<Part> &parts, Plan *plan) {
  for (const Part &part : parts) {
    for (const Step &step : plan->steps_) {
      if (step.output_numbers[0] != part.tensor) continue;
      step.operation->StrideOutput(RowElements(*step.outputs[0]), step.state.get());
      if (step.chain != nullptr) step.chain->Update(step);
    }
  }
}

void Plan::Fusion::UndoParts(Plan *plan) {
  MakeDense(plan->parts_, plan);
  plan->parts_.clear();
}

const PlanFusion kPlanFusion = {
    [](const Net &net, const std::vector<size_t> &late, Plan *plan) {
      Plan::Fusion(net, late, plan).AbsorbSums();
    },
    [](const Net &net, const std::vector<size_t> &late, const PlanOptions &options, Plan *plan) {
      Plan::Fusion fusion(net, late, plan);
      fusion.PlaceParts();
      fusion.FormChains(options);
    },
    &Plan::Fusion::UndoParts};

}  // namespace mace
