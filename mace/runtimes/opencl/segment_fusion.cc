// SPDX-License-Identifier: Apache-2.0
// Saves launches of a segment: a sum becomes part of the stores of the convolution before it, and
// what is concatenated is written where it belongs.
#include <algorithm>
#include <cstdint>
#include <utility>

#include "mace/runtimes/opencl/segment_builder.h"

namespace mace {
namespace opencl {

std::map<const Tensor *, SegmentBuilder::Users> SegmentBuilder::FindUsers() const {
  std::map<const Tensor *, Users> users;
  for (size_t op = 0; op < segment_->ops_.size(); ++op) {
    for (const Tensor *output : segment_->ops_[op].outputs) users[output].maker = op;
  }
  for (const AcceleratorOp &op : segment_->ops_) {
    for (const Tensor *input : op.inputs) {
      if (input != nullptr) ++users[input].count;
    }
  }
  for (const Tensor *output : outputs_) ++users[output].count;
  return users;
}

void SegmentBuilder::AbsorbSums() {
  std::vector<AcceleratorOp> &ops = segment_->ops_;
  sums_.assign(ops.size(), nullptr);
  std::map<const Tensor *, Users> users = FindUsers();
  std::vector<bool> gone(ops.size(), false);
  for (size_t s = 0; s < ops.size(); ++s) {
    const AcceleratorOp &sum = ops[s];
    if (sum.inputs.size() != 2 || sum.outputs.size() != 1 || sum.inputs[0] == sum.inputs[1]) {
      continue;
    }
    const Tensor &output = *sum.outputs[0];
    if (output.dtype != DT_FLOAT ||
        !std::all_of(sum.inputs.begin(), sum.inputs.end(), [&](const Tensor *input) {
          return input != nullptr && input->dtype == DT_FLOAT && input->shape == output.shape;
        })) {
      continue;
    }
    // The later of the two, so that the other is there.
    int best = -1;
    for (int i = 0; i < 2; ++i) {
      const Users &of = users[sum.inputs[At(i)]];
      if (of.count != 1 || of.maker == kNoMaker || sums_[of.maker] != nullptr) continue;
      if (ops[of.maker].outputs.size() != 1) continue;
      const GpuOperator *maker = FindGpuOperator(ops[of.maker].def->type);
      if (maker->absorbs == nullptr || !maker->absorbs(*ops[of.maker].def, *sum.def)) continue;
      if (best < 0 || of.maker > users[sum.inputs[At(best)]].maker) best = i;
    }
    if (best < 0) continue;
    const size_t maker = users[sum.inputs[At(best)]].maker;
    AcceleratorOp joined = ops[maker];
    joined.inputs.resize(std::max<size_t>(joined.inputs.size(), 3));  // no bias: an absent one
    joined.inputs.push_back(sum.inputs[At(1 - best)]);
    joined.outputs = sum.outputs;
    joined.macs += sum.macs;
    sums_[s] = sum.def;
    ops[s] = std::move(joined);
    gone[maker] = true;
  }
  std::vector<AcceleratorOp> kept;
  std::vector<const OperatorDef *> sums;
  for (size_t op = 0; op < ops.size(); ++op) {
    if (gone[op]) continue;
    kept.push_back(std::move(ops[op]));
    sums.push_back(sums_[op]);
  }
  ops = std::move(kept);
  sums_ = std::move(sums);
}

MaceStatus SegmentBuilder::PlaceParts() {
  const std::vector<AcceleratorOp> &ops = segment_->ops_;
  std::map<const Tensor *, Users> users = FindUsers();
  // Backwards, so that what is put together in two steps is written to its last place.
  for (size_t op = ops.size(); op-- > 0;) {
    if (ops[op].def->type != "Concat") continue;
    GpuOpContext context;
    MACE_RETURN_IF_ERROR(gpu_->Describe(ops[op], &context));
    if (!FindGpuOperator("Concat")->parts(context, true)) continue;
    const Tensor *output = ops[op].outputs[0];
    const auto outer = parts_.find(output);
    Part part = outer == parts_.end() ? Part{output, 0} : outer->second;
    for (const Tensor *input : ops[op].inputs) {
      const Part place = part;
      part.first_channel += input->shape[input->shape.rank() - 1];
      const Users &of = users[input];
      if (of.count != 1 || of.maker == kNoMaker || ops[of.maker].outputs.size() != 1) continue;
      const GpuOperator *maker = FindGpuOperator(ops[of.maker].def->type);
      if (maker->parts == nullptr) continue;
      GpuOpContext made;
      MACE_RETURN_IF_ERROR(gpu_->Describe(ops[of.maker], &made));
      if (made.memory == context.memory && maker->parts(made, true)) parts_[input] = place;
    }
  }
  return MaceStatus::MACE_SUCCESS;
}

const Tensor *SegmentBuilder::InMemory(const Tensor *tensor) const {
  const auto found = parts_.find(tensor);
  return found == parts_.end() ? tensor : found->second.whole;
}

void SegmentBuilder::DescribeParts(const AcceleratorOp &op, GpuOpContext *context) const {
  const bool concat = op.def->type == "Concat";
  const auto describe = [&](const Tensor *tensor, bool input, GpuTensor *described) {
    const auto found = parts_.find(tensor);
    if (found == parts_.end()) return;
    described->placed = concat && input;
    described->whole_channels = found->second.whole->shape[tensor->shape.rank() - 1];
    described->first_channel = found->second.first_channel;
  };
  for (size_t i = 0; i < op.inputs.size(); ++i) describe(op.inputs[i], true, &context->inputs[i]);
  for (size_t i = 0; i < op.outputs.size(); ++i) {
    describe(op.outputs[i], false, &context->outputs[i]);
  }
}

}  // namespace opencl
}  // namespace mace
