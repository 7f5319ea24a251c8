// SPDX-License-Identifier: Apache-2.0
// How a plan is executed; plan_builder.cc makes it.
#include "mace/core/plan.h"

#include <chrono>
#include <cstring>
#include <utility>

#include "mace/core/engine_parts.h"
#include "mace/core/plan_chain.h"

namespace mace {

namespace {

int64_t NowMicros() {
  using std::chrono::duration_cast;
  using std::chrono::microseconds;
  return duration_cast<microseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

}  // namespace

AcceleratorMemory Plan::accelerator_memory() const {
  AcceleratorMemory memory;
  for (const Step &step : steps_) {
    if (step.segment != nullptr) memory.Add(step.segment->memory());
  }
  return memory;
}

void Plan::Bind(const PlanMemoryIn &memory) {
  // Arena addresses change only when the arena grew; the application's may change at each run.
  if (bound_arena_ != memory.arena) {
    for (const auto &[tensor, offset] : in_arena_) {
      tensors_[static_cast<size_t>(tensor)].raw = memory.arena + offset;
    }
    bound_arena_ = memory.arena;
  }
  for (const auto &[tensor, index] : in_inputs_) {
    tensors_[static_cast<size_t>(tensor)].raw = const_cast<void *>(memory.inputs[index]);
  }
  for (const auto &[tensor, index] : in_outputs_) {
    tensors_[static_cast<size_t>(tensor)].raw = memory.outputs[index];
  }
  for (const Part &part : parts_) {
    char *whole = static_cast<char *>(tensors_[static_cast<size_t>(part.whole)].raw);
    tensors_[static_cast<size_t>(part.tensor)].raw = whole + part.offset;
  }
}

Plan::Step::Step() = default;
Plan::Step::~Step() = default;
Plan::Step::Step(Step &&other) noexcept = default;
Plan::Step &Plan::Step::operator=(Step &&other) noexcept = default;
Plan::Plan() = default;
Plan::~Plan() = default;

bool Plan::late(int tensor) const {
  return kEngineParts.late != nullptr && late_tensors_[static_cast<size_t>(tensor)] != 0;
}

size_t Plan::late_bytes() const { return late_ == nullptr ? 0 : late_->bytes(); }

void Plan::DescribeStep(const Step &step, OperatorStats *stats) {
  stats->operator_name = step.operation->name();
  stats->type = step.operation->type();
  for (const Tensor *output : step.outputs) {
    stats->output_shape.push_back(output->shape.ToVector());
  }
  stats->args = step.args;
  stats->macs = step.macs;
}

MaceStatus Plan::RunStep(const Step &step, void *scratch, OutputAllocator *allocator,
                         RunMetadata *metadata) {
  OpContext context = OpContextBuilder::Make(
      step.inputs.data(), static_cast<int>(step.inputs.size()), step.outputs.data(),
      static_cast<int>(step.outputs.size()), scratch, step.state.get(), thread_pool_, allocator);
  if (metadata == nullptr) return step.operation->Run(&context);
  OperatorStats stats;
  stats.stats.start_micros = NowMicros();
  MACE_RETURN_IF_ERROR(step.operation->Run(&context));
  stats.stats.end_micros = NowMicros();
  DescribeStep(step, &stats);
  metadata->op_stats.push_back(std::move(stats));
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus Plan::Run(const PlanMemoryIn &memory, RunMetadata *metadata) {
  Bind(memory);
  if (metadata != nullptr) {
    metadata->op_stats.clear();
    metadata->op_stats.reserve(net_->operators().size());
  }
  for (Step &step : steps_) {
    for (size_t o = 0; step.dynamic && o < step.outputs.size(); ++o) {
      step.outputs[o]->shape = step.planned_shapes[o];
    }
    if (kHasAccelerators && step.segment != nullptr) {
      MACE_RETURN_IF_ERROR(step.segment->Run(metadata));
      continue;
    }
    void *scratch = step.scratch_bytes == 0 ? nullptr : memory.arena + step.scratch_offset;
    const MaceStatus status = step.chain != nullptr && kEngineParts.fusion != nullptr
                                  ? step.chain->Run(step, scratch, thread_pool_, metadata)
                                  : RunStep(step, scratch, nullptr, metadata);
    if (!status.ok()) return AtOperator(step.operation->def(), status);
  }
  if (kEngineParts.late != nullptr && late_ != nullptr) MACE_RETURN_IF_ERROR(late_->Run(metadata));
  for (size_t i : copied_outputs_) {
    const Tensor &tensor = output(i);
    if (tensor.bytes() > 0) std::memcpy(memory.outputs[i], tensor.raw, tensor.bytes());
  }
  return MaceStatus::MACE_SUCCESS;
}

}  // namespace mace
