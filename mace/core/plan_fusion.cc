// SPDX-License-Identifier: Apache-2.0
// Joins steps of a plan.
#include "mace/core/plan_fusion.h"

#include <algorithm>
#include <utility>

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
  if (first.dynamic || first.output_numbers.size() != 1) return false;
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
    if (step.dynamic || step.input_numbers.size() != 2 || step.output_numbers.size() != 1) continue;
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

}  // namespace mace
