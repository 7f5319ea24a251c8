// SPDX-License-Identifier: Apache-2.0
// A graph inside an operator.
#include "mace/core/subgraph.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "mace/core/engine_parts.h"

namespace mace {

namespace {

// A loop may see as many shapes as it has rounds; those of a few loops in a row are kept.
constexpr size_t kMaxPlans = 8;

}  // namespace

MaceStatus NetSubgraph::Make(const NetDef &def, const Constants &constants,
                             const Net::Options &options, std::unique_ptr<Subgraph> *subgraph) {
  auto made = std::make_unique<NetSubgraph>();
  ModelDef model;
  model.net = def;
  auto copied = std::make_unique<Constants>();
  copied->CopyFrom(constants);
  Net::Options inner = options;
  inner.outputs.clear();
  // The first problem is that of the operator that the graph is in.
  inner.problems = nullptr;
  inner.accelerator = nullptr;
  // Their operators would have the numbers of the model's.
  inner.packed_cache = nullptr;
  inner.verify_data = false;
  MACE_RETURN_IF_ERROR(made->net_.Init(std::move(model), std::move(copied), inner));
  made->plan_options_.memory_limit = options.memory_limit;
  made->plan_options_.thread_pool = options.thread_pool;
  // Shapes alone are not enough to know those that depend on elements; the plans are small then.
  made->plan_options_.shape_only = options.shape_only;
  for (const TensorInfo &info : made->net_.def().input_info) {
    made->input_types_.push_back(info.data_type);
  }
  for (int output : made->net_.outputs()) {
    made->output_types_.push_back(made->net_.tensors()[static_cast<size_t>(output)].dtype);
  }
  for (std::vector<Output> &outputs : made->outputs_) {
    outputs.resize(made->output_types_.size());
    for (size_t i = 0; i < outputs.size(); ++i) {
      outputs[i].tensor.dtype = made->output_types_[i];
      outputs[i].tensor.name =
          made->net_.tensors()[static_cast<size_t>(made->net_.outputs()[i])].name;
    }
  }
  made->shapes_.resize(made->input_types_.size());
  made->input_pointers_.resize(made->input_types_.size());
  made->output_pointers_.resize(made->output_types_.size());
  *subgraph = std::move(made);
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus NetSubgraph::UsePlan() {
  for (size_t p = 0; p < plans_.size(); ++p) {
    if (plans_[p]->input_shapes() != shapes_) continue;
    const auto first = plans_.begin(), found = first + static_cast<ptrdiff_t>(p);
    if (p > 0) std::rotate(first, found, found + 1);
    return MaceStatus::MACE_SUCCESS;
  }
  std::unique_ptr<Plan> plan;
  MACE_RETURN_IF_ERROR(Plan::Make(net_, shapes_, plan_options_, &plan));
  if (plans_.size() == kMaxPlans) plans_.pop_back();
  plans_.insert(plans_.begin(), std::move(plan));
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus NetSubgraph::InferShapes(const std::vector<Shape> &inputs, std::vector<Shape> *outputs,
                                    std::vector<bool> *late) {
  shapes_ = inputs;
  MACE_RETURN_IF_ERROR(UsePlan());
  outputs->clear();
  late->clear();
  for (int output : net_.outputs()) {
    outputs->push_back(plans_[0]->tensors()[static_cast<size_t>(output)].shape);
    late->push_back(plans_[0]->late(output) || plans_[0]->dynamic(output));
  }
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus NetSubgraph::Grow(size_t bytes, AlignedBuffer *memory) {
  if (memory->data() != nullptr && memory->size() >= bytes) return MaceStatus::MACE_SUCCESS;
  return memory->Allocate(std::max<size_t>(bytes, 1));
}

MaceStatus NetSubgraph::Run(const std::vector<const Tensor *> &inputs) {
  for (size_t i = 0; i < inputs.size(); ++i) {
    shapes_[i] = inputs[i]->shape;
    input_pointers_[i] = inputs[i]->raw;
  }
  MACE_RETURN_IF_ERROR(UsePlan());
  Plan &plan = *plans_[0];
  std::vector<Output> &outputs = outputs_[1 - last_];
  for (size_t i = 0; i < outputs.size(); ++i) {
    output_pointers_[i] = nullptr;
    if (plan.output_late(i)) continue;
    MACE_RETURN_IF_ERROR(Grow(plan.output_bytes(i), &outputs[i].memory));
    output_pointers_[i] = outputs[i].memory.data();
  }
  MACE_RETURN_IF_ERROR(Grow(plan.arena_bytes(), &arena_));
  PlanMemoryIn memory;
  memory.inputs = input_pointers_.data();
  memory.outputs = output_pointers_.data();
  memory.arena = arena_.as<char>();
  MACE_RETURN_IF_ERROR(plan.Run(memory, nullptr));
  for (size_t i = 0; i < outputs.size(); ++i) {
    const Tensor &computed = plan.output(i);
    if (plan.output_late(i)) {
      MACE_RETURN_IF_ERROR(Grow(computed.bytes(), &outputs[i].memory));
      if (computed.bytes() > 0) {
        std::memcpy(outputs[i].memory.data(), computed.raw, computed.bytes());
      }
    }
    outputs[i].tensor.shape = computed.shape;
    outputs[i].tensor.raw = outputs[i].memory.data();
  }
  last_ = 1 - last_;
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus MakeNetSubgraph(const NetDef &def, const Constants &constants,
                           const Net::Options &options, std::unique_ptr<Subgraph> *subgraph) {
  return NetSubgraph::Make(def, constants, options, subgraph);
}

}  // namespace mace
