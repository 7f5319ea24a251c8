// SPDX-License-Identifier: Apache-2.0
// Saves launches of a segment: a sum becomes part of the stores of the convolution before it, and
// what is concatenated is written where it belongs, and convolutions of one input become one.
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

bool SegmentBuilder::ReadAsPart(const Tensor *tensor, MemoryKind memory,
                                const Readers &readers) const {
  if (std::find(outputs_.begin(), outputs_.end(), tensor) != outputs_.end()) return false;
  const auto found = readers.find(tensor);
  if (found == readers.end()) return false;
  return std::all_of(found->second.begin(), found->second.end(), [&](const Reader &reader) {
    const AcceleratorOp &op = segment_->ops_[reader.op];
    const GpuOperator *builder = FindGpuOperator(op.def->type);
    GpuOpContext context;
    return reader.input == 0 && builder->parts != nullptr && gpu_->Describe(op, &context).ok() &&
           context.memory == memory && builder->parts(context, false);
  });
}

bool SegmentBuilder::Arrange(const std::vector<size_t> &group, const Readers &readers,
                             std::vector<size_t> *first, std::vector<size_t> *second) const {
  const std::vector<AcceleratorOp> &ops = segment_->ops_;
  const auto joins = FindGpuOperator(ops[group[0]].def->type)->joins;
  std::vector<GpuOpContext> contexts(group.size());
  for (size_t i = 0; i < group.size(); ++i) {
    if (!gpu_->Describe(ops[group[i]], &contexts[i]).ok()) return false;
  }
  // Those without a place of their own get one together.
  size_t leader = group.size();
  for (size_t i = 0; i < group.size(); ++i) {
    const Tensor *output = ops[group[i]].outputs[0];
    if (parts_.count(output) > 0 || !ReadAsPart(output, contexts[i].memory, readers)) continue;
    if (leader < group.size() && !joins(contexts[leader], contexts[i], false)) continue;
    leader = std::min(leader, i);
    second->push_back(group[i]);
  }
  // One more of any kind, in front or behind; two if there is none of the first kind.
  for (size_t i = 0; i < group.size() && first->empty(); ++i) {
    if (std::find(second->begin(), second->end(), group[i]) != second->end()) continue;
    if (leader == group.size()) {
      leader = i;
      second->push_back(group[i]);
    } else if (joins(contexts[i], contexts[leader], true)) {
      first->push_back(group[i]);
    } else if (joins(contexts[leader], contexts[i], true)) {
      first->swap(*second);
      second->push_back(group[i]);
    }
  }
  if (first->empty()) first->swap(*second);
  return first->size() + second->size() > 1;
}

bool SegmentBuilder::PutTogether(const std::vector<size_t> &members) {
  if (members.size() < 2) return true;
  const std::vector<AcceleratorOp> &ops = segment_->ops_;
  auto whole = std::make_unique<Tensor>(*ops[members[0]].outputs[0]);
  const int last = whole->shape.rank() - 1;
  int64_t channels = 0;
  for (size_t op : members) channels += ops[op].outputs[0]->shape[last];
  whole->shape[last] = channels;
  const auto [width, height] = ImageSize(whole->shape);
  const GpuCapabilities &device = gpu_->capabilities();
  if (width > device.image_width || height > device.image_height ||
      whole->bytes() > static_cast<size_t>(device.max_allocation)) {
    return false;
  }
  int64_t first = 0;
  for (size_t op : members) {
    const Tensor *output = ops[op].outputs[0];
    parts_[output] = {whole.get(), first};
    first += output->shape[last];
  }
  wholes_.push_back(std::move(whole));
  return true;
}

void SegmentBuilder::Join(const std::vector<size_t> &first, const std::vector<size_t> &second) {
  std::vector<size_t> members = first;
  members.insert(members.end(), second.begin(), second.end());
  std::vector<AcceleratorOp> &ops = segment_->ops_;
  AcceleratorOp joined = ops[members[0]];
  joined.inputs.resize(3);  // no bias: an absent one
  Siblings siblings;
  for (size_t i = 1; i < members.size(); ++i) {
    AcceleratorOp &op = ops[members[i]];
    op.inputs.resize(3);
    joined.inputs.insert(joined.inputs.end(), op.inputs.begin() + 1, op.inputs.end());
    joined.outputs.push_back(op.outputs[0]);
    joined.macs += op.macs;
    siblings.defs.push_back(op.def);
    op.def = nullptr;
  }
  ops[members[0]].def = nullptr;
  siblings.second_memory = second.empty() ? 0 : static_cast<int>(first.size());
  // At the place of the earliest, so that all are there in time.
  const size_t place = *std::min_element(members.begin(), members.end());
  ops[place] = std::move(joined);
  siblings_[place] = std::move(siblings);
}

void SegmentBuilder::JoinSiblings() {
  std::vector<AcceleratorOp> &ops = segment_->ops_;
  siblings_.assign(ops.size(), Siblings());
  Readers readers;
  for (size_t op = 0; op < ops.size(); ++op) {
    for (size_t i = 0; i < ops[op].inputs.size(); ++i) {
      if (ops[op].inputs[i] != nullptr) readers[ops[op].inputs[i]].push_back({op, i});
    }
  }
  std::vector<std::vector<size_t>> groups;
  for (const auto &[tensor, reading] : readers) {
    std::vector<size_t> group;
    GpuOpContext leader;
    for (const Reader &reader : reading) {
      const AcceleratorOp &op = ops[reader.op];
      const auto joins = FindGpuOperator(op.def->type)->joins;
      GpuOpContext context;
      if (joins == nullptr || reader.input != 0 || sums_[reader.op] != nullptr) continue;
      if (!gpu_->Describe(op, &context).ok()) continue;
      if (group.empty()) leader = context;
      if (!joins(leader, context, true) && !joins(context, leader, true)) continue;
      group.push_back(reader.op);
    }
    if (group.size() > 1) groups.push_back(std::move(group));
  }
  // All are looked at before any changes.
  std::vector<std::pair<std::vector<size_t>, std::vector<size_t>>> arranged;
  for (const std::vector<size_t> &group : groups) {
    std::vector<size_t> first, second;
    if (Arrange(group, readers, &first, &second) && PutTogether(first) && PutTogether(second)) {
      arranged.emplace_back(std::move(first), std::move(second));
    }
  }
  for (const auto &[first, second] : arranged) Join(first, second);
  std::vector<AcceleratorOp> kept;
  std::vector<const OperatorDef *> sums;
  std::vector<Siblings> siblings;
  for (size_t op = 0; op < ops.size(); ++op) {
    if (ops[op].def == nullptr) continue;
    kept.push_back(std::move(ops[op]));
    sums.push_back(sums_[op]);
    siblings.push_back(std::move(siblings_[op]));
  }
  ops = std::move(kept);
  sums_ = std::move(sums);
  siblings_ = std::move(siblings);
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
