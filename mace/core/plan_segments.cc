// SPDX-License-Identifier: Apache-2.0
// The part of a plan that an accelerator executes.
#include "mace/core/plan_segments.h"

#include <algorithm>
#include <set>
#include <utility>

namespace mace {

AcceleratorOp Plan::Segments::Describe(const NetOperator &op) const {
  AcceleratorOp described;
  described.def = op.def;
  for (int input : op.inputs) {
    described.inputs.push_back(input < 0 ? nullptr : &plan_->tensors_[At(input)]);
  }
  for (int output : op.outputs) described.outputs.push_back(&plan_->tensors_[At(output)]);
  return described;
}

void Plan::Segments::Report(size_t op, bool on_accelerator, const std::string &reason) {
  if (options_.placements == nullptr) return;
  OperatorPlacement placement;
  placement.op = op;
  placement.on_accelerator = on_accelerator;
  placement.reason = reason;
  options_.placements->push_back(std::move(placement));
}

MaceStatus Plan::Segments::ToCpu(size_t op, const std::string &reason) {
  Report(op, false, reason);
  return options_.shape_only ? MaceStatus(MaceStatus::MACE_SUCCESS)
                             : options_.placed_net->MakeExecutable(op);
}

MaceStatus Plan::Segments::Place(size_t op, bool evaluated, bool *on_accelerator) {
  const NetOperator &net_operator = net_.operators()[op];
  *on_accelerator = false;
  if (evaluated) {
    return options_.shape_only ? MaceStatus(MaceStatus::MACE_SUCCESS)
                               : options_.placed_net->MakeExecutable(op);
  }
  if (!net_operator.candidate)
    return ToCpu(op, "there is no GPU kernel for " + net_operator.def->type);
  const MaceStatus status = options_.accelerator->Supports(Describe(net_operator));
  if (!status.ok()) return ToCpu(op, status.message());
  *on_accelerator = true;
  Report(op, true, "");
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus Plan::Segments::PlaceLate(size_t op) {
  return ToCpu(op, "its shapes are known only during the run");
}

std::vector<Plan::Step> Plan::Segments::Order() {
  std::vector<Step> &steps = plan_->steps_;
  std::vector<size_t> maker(net_.tensors().size(), steps.size());
  std::vector<size_t> waits(steps.size(), 0);
  std::vector<std::vector<size_t>> next(steps.size());
  for (size_t s = 0; s < steps.size(); ++s) {
    for (int input : steps[s].input_numbers) {
      if (input < 0 || maker[At(input)] == steps.size()) continue;
      next[maker[At(input)]].push_back(s);
      ++waits[s];
    }
    for (int output : steps[s].output_numbers) maker[At(output)] = s;
  }
  std::set<size_t> ready[2];  // on the CPU, on the accelerator
  const auto add = [&](size_t s) { ready[steps[s].on_accelerator ? 1 : 0].insert(s); };
  for (size_t s = 0; s < steps.size(); ++s) {
    if (waits[s] == 0) add(s);
  }
  std::vector<Step> ordered;
  int current = 0;
  while (ordered.size() < steps.size()) {
    if (ready[current].empty()) current = 1 - current;
    const size_t s = *ready[current].begin();
    ready[current].erase(ready[current].begin());
    for (size_t follower : next[s]) {
      if (--waits[follower] == 0) add(follower);
    }
    ordered.push_back(std::move(steps[s]));
  }
  return ordered;
}

MaceStatus Plan::Segments::Make(std::vector<Step> *steps, size_t first, size_t last,
                                const std::vector<std::vector<size_t>> &readers, Step *segment) {
  std::vector<AcceleratorOp> ops;
  std::set<int> read, made;
  for (size_t s = first; s < last; ++s) {
    const Step &step = (*steps)[s];
    const NetOperator &op = net_.operators()[step.net_operator];
    ops.push_back(Describe(op));
    ops.back().macs = step.macs;
    ops.back().args = step.args;
    for (int input : op.inputs) {
      if (input >= 0 && made.count(input) == 0 && !plan_->tensors_[At(input)].is_const) {
        read.insert(input);
      }
    }
    made.insert(op.outputs.begin(), op.outputs.end());
  }
  std::vector<const Tensor *> inputs, outputs;
  for (int input : read) {
    segment->input_numbers.push_back(input);
    inputs.push_back(&plan_->tensors_[At(input)]);
  }
  for (int output : made) {
    const std::vector<size_t> &of = readers[At(output)];
    if (std::all_of(of.begin(), of.end(), [&](size_t s) { return s >= first && s < last; })) {
      continue;
    }
    segment->output_numbers.push_back(output);
    outputs.push_back(&plan_->tensors_[At(output)]);
  }
  return options_.accelerator->MakeSegment(std::move(ops), std::move(inputs), std::move(outputs),
                                           &segment->segment);
}

MaceStatus Plan::Segments::Join(const std::vector<size_t> &late) {
  std::vector<Step> steps = Order();
  // By tensor: the steps that read it; one past the last step stands for all that comes later.
  std::vector<std::vector<size_t>> readers(net_.tensors().size());
  const auto add = [&](const std::vector<int> &inputs, size_t s) {
    for (int input : inputs) {
      if (input >= 0) readers[At(input)].push_back(s);
    }
  };
  for (size_t s = 0; s < steps.size(); ++s) add(steps[s].input_numbers, s);
  for (size_t op : late) add(net_.operators()[op].inputs, steps.size());
  for (int output : net_.outputs()) readers[At(output)].push_back(steps.size());
  plan_->steps_.clear();
  for (size_t s = 0; s < steps.size();) {
    if (!steps[s].on_accelerator) {
      plan_->steps_.push_back(std::move(steps[s++]));
      continue;
    }
    size_t last = s;
    while (last < steps.size() && steps[last].on_accelerator) ++last;
    Step segment;
    segment.on_accelerator = true;
    MACE_RETURN_IF_ERROR(Make(&steps, s, last, readers, &segment));
    plan_->steps_.push_back(std::move(segment));
    s = last;
  }
  return MaceStatus::MACE_SUCCESS;
}

}  // namespace mace
