// SPDX-License-Identifier: Apache-2.0
// Makes a plan: infers shapes, executes what depends on nothing else, plans memory for the rest.
#include <unistd.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include "mace/base/allocator.h"
#include "mace/base/checked.h"
#include "mace/core/engine_parts.h"
#include "mace/core/plan.h"
#include "mace/core/plan_context.h"
#include "mace/core/plan_segments.h"

namespace mace {

namespace {

size_t MachineMemory() {
  const long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);  // NOLINT
  if (pages <= 0 || page <= 0) return SIZE_MAX / 2;
  const uint64_t bytes = static_cast<uint64_t>(pages) * static_cast<uint64_t>(page);
  return static_cast<size_t>(std::min<uint64_t>(bytes, SIZE_MAX / 2));
}

// Whether the elements are there to be read while the plan is made.
bool IsKnown(const Tensor &tensor) {
  return tensor.is_const && (tensor.raw != nullptr || tensor.elements() == 0);
}

}  // namespace

class Plan::Builder {
 public:
  Builder(const Net &net, const PlanOptions &options, Plan *plan)
      : net_(net),
        options_(options),
        plan_(plan),
        segments_(net, options, plan),
        limit_(options.memory_limit == 0 ? MachineMemory() : options.memory_limit),
        failed_(net.tensors().size(), false) {
    plan->late_tensors_.assign(net.tensors().size(), false);
    plan->dynamic_tensors_.assign(net.tensors().size(), false);
  }

  MaceStatus Build(const std::vector<Shape> &input_shapes) {
    plan_->net_ = &net_;
    plan_->thread_pool_ = options_.thread_pool;
    plan_->input_shapes_ = input_shapes;
    MakeTensors();
    for (size_t i = 0; i < net_.operators().size(); ++i) {
      const NetOperator &op = net_.operators()[i];
      if (op.operation == nullptr || DependsOnFailed(op)) {
        for (int output : op.outputs) Fail(output);
        continue;
      }
      MaceStatus status = AddOperator(i);
      if (status.ok()) continue;
      status = AtOperator(*op.def, status);
      if (options_.problems == nullptr) return status;
      options_.problems->push_back({i, status});
      for (int output : op.outputs) Fail(output);
    }
    if (options_.shape_only) return MaceStatus::MACE_SUCCESS;
    DropUnneededSteps();
    DropUnneededValues();
    const PlanFusion *fusion = kEngineParts.fusion;
    if (fusion != nullptr) fusion->absorb_sums(net_, late_, plan_);
    if (Accelerated()) {
      MACE_RETURN_IF_ERROR(segments_.Join(late_));
    } else if (fusion != nullptr) {
      fusion->place_parts(net_, late_, options_, plan_);
    }
    return PlaceTensors();
  }

 private:
  static size_t At(int i) { return static_cast<size_t>(i); }

  bool Accelerated() const { return kHasAccelerators && options_.accelerator != nullptr; }

  void Fail(int tensor) {
    failed_[At(tensor)] = true;
    plan_->tensors_[At(tensor)].dtype = DT_INVALID;
  }

  bool DependsOnFailed(const NetOperator &op) const {
    return std::any_of(op.inputs.begin(), op.inputs.end(),
                       [this](int input) { return input >= 0 && failed_[At(input)]; });
  }

  void MakeTensors() {
    for (const NetTensor &source : net_.tensors()) {
      Tensor tensor;
      if (source.kind == NetTensor::Kind::kConstant) tensor = net_.constant(source.index);
      if (source.kind == NetTensor::Kind::kInput) {
        tensor.shape = plan_->input_shapes_[At(source.index)];
      }
      tensor.name = source.name;
      tensor.dtype = source.dtype;
      tensor.format = source.format;
      tensor.quantize_info = source.quantize_info;
      plan_->tensors_.push_back(tensor);
    }
  }

  // The operator is planned when the run reaches it.
  MaceStatus AddLate(size_t i) {
    if (kEngineParts.late == nullptr) {
      return Unsupported(
          "its shapes are known only during the run, which this library of chosen models leaves "
          "out; build it for this model, or with the part 'late'");
    }
    for (int output : net_.operators()[i].outputs) plan_->late_tensors_[At(output)] = true;
    late_.push_back(i);
    return Accelerated() ? segments_.PlaceLate(i) : MaceStatus(MaceStatus::MACE_SUCCESS);
  }

  MaceStatus AddOperator(size_t i) {
    const NetOperator &op = net_.operators()[i];
    for (int input : op.inputs) {
      if (input >= 0 && (plan_->dynamic(input) || plan_->late(input))) return AddLate(i);
    }
    Step step;
    step.operation = op.operation.get();
    step.net_operator = i;
    Context context(plan_, op, &step, Context::Elements::kPlanned);
    const MaceStatus status = AddStep(op, &step, &context);
    return context.lacks_elements() || context.AnyLate() ? AddLate(i) : status;
  }

  MaceStatus AddStep(const NetOperator &op, Step *step, Context *context) {
    MACE_RETURN_IF_ERROR(op.operation->InferShape(context));
    if (context->lacks_elements() || context->AnyLate()) return MaceStatus::MACE_SUCCESS;
    MACE_RETURN_IF_ERROR(context->CheckOutputs(*op.def, options_.shape_only ? SIZE_MAX : limit_));
    const bool evaluate = (op.executable || (op.candidate && !options_.shape_only)) &&
                          (op.operation->DependsOnShapeOnly() ||
                           std::all_of(op.inputs.begin(), op.inputs.end(), [this](int input) {
                             return input < 0 || IsKnown(plan_->tensors_[At(input)]);
                           }));
    step->dynamic = !evaluate && op.operation->HasDynamicOutput();
    for (int output : op.outputs) plan_->dynamic_tensors_[At(output)] = step->dynamic;
    if (Accelerated()) {
      MACE_RETURN_IF_ERROR(segments_.Place(step->net_operator, evaluate, &step->on_accelerator));
      step->operation = op.operation.get();
    }
    if (options_.shape_only && !evaluate) return MaceStatus::MACE_SUCCESS;
    if (!step->on_accelerator) MACE_RETURN_IF_ERROR(op.operation->Plan(context));
    if (context->lacks_elements()) return MaceStatus::MACE_SUCCESS;
    step->input_numbers = op.inputs;
    step->output_numbers = op.outputs;
    for (int input : op.inputs) {
      step->inputs.push_back(input < 0 ? nullptr : &plan_->tensors_[At(input)]);
    }
    for (int output : op.outputs) {
      step->outputs.push_back(&plan_->tensors_[At(output)]);
      step->planned_shapes.push_back(plan_->tensors_[At(output)].shape);
    }
    if (evaluate) return Evaluate(op, step);
    step->macs = op.operation->Macs(*context);
    op.operation->Describe(*context, &step->args);
    plan_->steps_.push_back(std::move(*step));
    return MaceStatus::MACE_SUCCESS;
  }

  // Executes an operator now: its outputs are constants of this plan.
  MaceStatus Evaluate(const NetOperator &op, Step *step) {
    std::vector<AlignedBuffer> buffers;
    size_t total = step->scratch_bytes;
    for (Tensor *output : step->outputs) {
      if (!CheckedAdd(total, output->bytes(), &total)) total = SIZE_MAX;
    }
    if (!CheckedAdd(total, plan_->value_bytes_, &total) || total > limit_) {
      return OutOfResources("its constant result needs more than the ", limit_,
                            " bytes that activations may take");
    }
    for (Tensor *output : step->outputs) {
      buffers.emplace_back();
      MACE_RETURN_IF_ERROR(buffers.back().Allocate(std::max<size_t>(output->bytes(), 1)));
      output->raw = buffers.back().data();
    }
    AlignedBuffer scratch;
    MACE_RETURN_IF_ERROR(scratch.Allocate(step->scratch_bytes));
    OpContext context =
        OpContextBuilder::Make(step->inputs.data(), static_cast<int>(step->inputs.size()),
                               step->outputs.data(), static_cast<int>(step->outputs.size()),
                               scratch.data(), step->state.get(), options_.thread_pool);
    const MaceStatus status = step->operation->Run(&context);
    if (!status.ok()) {
      for (Tensor *output : step->outputs) output->raw = nullptr;
      return status;
    }
    for (size_t o = 0; o < op.outputs.size(); ++o) {
      step->outputs[o]->is_const = true;
      plan_->value_bytes_ += buffers[o].size();
      plan_->values_.emplace_back(op.outputs[o], std::move(buffers[o]));
    }
    return MaceStatus::MACE_SUCCESS;
  }

  const NetOperator &OperatorOf(const Step &step) const {
    return net_.operators()[step.net_operator];
  }

  // Steps that served only shapes, which are known now.
  void DropUnneededSteps() {
    needed_.assign(net_.tensors().size(), false);
    for (int output : net_.outputs()) needed_[At(output)] = true;
    // What is late runs after all else, and nothing else reads it.
    std::vector<size_t> late;
    for (size_t k = late_.size(); k-- > 0;) {
      if (Need(net_.operators()[late_[k]])) late.push_back(late_[k]);
    }
    late_.assign(late.rbegin(), late.rend());
    std::vector<Step> kept;
    for (size_t s = plan_->steps_.size(); s-- > 0;) {
      Step &step = plan_->steps_[s];
      if (Need(OperatorOf(step))) kept.push_back(std::move(step));
    }
    std::reverse(kept.begin(), kept.end());
    plan_->steps_ = std::move(kept);
  }

  // Whether an output of the operator is needed; its inputs are then, too.
  bool Need(const NetOperator &op) {
    if (std::none_of(op.outputs.begin(), op.outputs.end(),
                     [this](int output) { return needed_[At(output)]; })) {
      return false;
    }
    for (int input : op.inputs) {
      if (input >= 0) needed_[At(input)] = true;
    }
    return true;
  }

  void DropUnneededValues() {
    auto &values = plan_->values_;
    const auto unneeded = [this](const std::pair<int, AlignedBuffer> &value) {
      if (needed_[At(value.first)]) return false;
      plan_->tensors_[At(value.first)].raw = nullptr;
      plan_->value_bytes_ -= value.second.size();
      return true;
    };
    values.erase(std::remove_if(values.begin(), values.end(), unneeded), values.end());
  }

  // False when the sum of all memory does not even fit the address space.
  bool DescribeMemory(MemoryGraph *graph) const {
    graph->tensors.resize(plan_->tensors_.size());
    // Tensors by the one whose memory they are part of.
    std::vector<int> whole(plan_->tensors_.size());
    std::iota(whole.begin(), whole.end(), 0);
    for (const Part &part : plan_->parts_) whole[At(part.tensor)] = part.whole;
    size_t total = 0;
    for (const Step &step : plan_->steps_) {
      MemoryGraph::Step described;
      for (int input : step.input_numbers) {
        if (input >= 0 && whole[At(input)] == input) described.inputs.push_back(input);
      }
      for (int output : step.output_numbers) described.outputs.push_back(whole[At(output)]);
      for (int output : step.output_numbers) {
        const size_t bytes = plan_->tensors_[At(output)].bytes();
        graph->tensors[At(output)].bytes = bytes;
        if (!CheckedAdd(total, bytes, &total)) return false;
      }
      described.scratch = step.scratch_bytes;
      if (!CheckedAdd(total, step.scratch_bytes, &total)) return false;
      if (described.outputs == step.output_numbers) {
        for (const auto &[o, i] : step.aliases) Share(step, o, i, &described.aliases);
        for (const auto &[o, i] : step.in_place) Share(step, o, i, &described.in_place);
      }
      graph->steps.push_back(std::move(described));
    }
    if (!late_.empty()) graph->steps.push_back(ReadLate());
    for (size_t t = 0; t < graph->tensors.size(); ++t) {
      const Tensor &tensor = plan_->tensors_[t];
      if (net_.tensors()[t].kind == NetTensor::Kind::kComputed && !tensor.is_const) continue;
      graph->tensors[t].kind = MemoryGraph::Kind::kReadOnly;
      graph->tensors[t].bytes = tensor.bytes();
    }
    for (int output : net_.outputs()) {
      if (graph->tensors[At(output)].kind == MemoryGraph::Kind::kPlanned && !plan_->late(output)) {
        graph->tensors[At(output)].kind = MemoryGraph::Kind::kOutput;
      }
    }
    return total <= SIZE_MAX / 4;
  }

  // All that is late as one step: what it reads must live until then.
  MemoryGraph::Step ReadLate() const {
    MemoryGraph::Step step;
    for (size_t i : late_) {
      for (int input : net_.operators()[i].inputs) {
        if (input >= 0 && !plan_->late(input)) step.inputs.push_back(input);
      }
    }
    return step;
  }

  void Share(const Step &step, int o, int i, std::vector<std::pair<int, int>> *pairs) const {
    const int output = step.output_numbers[At(o)], input = step.input_numbers[At(i)];
    if (input < 0) return;
    const Tensor &a = plan_->tensors_[At(output)], &b = plan_->tensors_[At(input)];
    // What has no elements in memory at run time (a released constant) cannot be shared.
    if (a.bytes() != b.bytes() || (b.is_const && b.raw == nullptr)) return;
    pairs->emplace_back(output, input);
  }

  MaceStatus PlaceTensors() {
    MemoryGraph graph;
    if (!DescribeMemory(&graph)) {
      return OutOfResources("the activations of the model do not fit the address space");
    }
    MemoryPlan memory = PlanMemory(graph);
    if (!plan_->parts_.empty()) {
      // What is put together early may have to wait for long: memory counts more than a copy.
      std::vector<Part> parts;
      parts.swap(plan_->parts_);
      MemoryGraph apart;
      DescribeMemory(&apart);
      MemoryPlan copied = PlanMemory(apart);
      parts.swap(plan_->parts_);
      if (copied.arena_bytes < memory.arena_bytes) {
        kEngineParts.fusion->undo_parts(plan_);
        graph = std::move(apart);
        memory = std::move(copied);
      }
    }
    if (memory.arena_bytes > limit_ || plan_->value_bytes_ > limit_ - memory.arena_bytes) {
      return OutOfResources("the activations of the model need ",
                            memory.arena_bytes + plan_->value_bytes_, " bytes, more than the ",
                            limit_, " that they may take; use smaller inputs or a larger limit");
    }
    // Never 0, so that tensors without elements have an address too.
    plan_->arena_bytes_ = std::max(memory.arena_bytes, kMemoryAlignment);
    plan_->arena_lower_bound_ = memory.lower_bound;
    for (size_t s = 0; s < plan_->steps_.size(); ++s) {
      plan_->steps_[s].scratch_offset = memory.scratch_offsets[s];
    }
    std::vector<uint8_t> is_part(memory.tensors.size(), false);
    for (const Part &part : plan_->parts_) is_part[At(part.tensor)] = true;
    for (size_t t = 0; t < memory.tensors.size(); ++t) {
      if (!is_part[t]) PlaceTensor(static_cast<int>(t), memory);
    }
    for (size_t i = 0; i < net_.outputs().size(); ++i) {
      const int output = net_.outputs()[i];
      const bool late = plan_->late(output);
      plan_->output_shapes_.push_back(late ? Shape{-1} : plan_->tensors_[At(output)].shape);
      plan_->output_bytes_.push_back(late ? 0 : plan_->tensors_[At(output)].bytes());
      if (late) continue;
      if (graph.tensors[At(output)].kind != MemoryGraph::Kind::kOutput) {
        plan_->copied_outputs_.push_back(i);
      }
    }
    if (!late_.empty()) {
      const size_t limit = limit_ - memory.arena_bytes - plan_->value_bytes_;
      plan_->late_ = kEngineParts.late->make(net_, plan_, std::move(late_), limit);
    }
    return MaceStatus::MACE_SUCCESS;
  }

  void PlaceTensor(int tensor, const MemoryPlan &memory) {
    if (plan_->late(tensor)) return;
    const MemoryPlan::Place &place = memory.tensors[At(tensor)];
    if (place.external < 0) {
      // Those of steps that were dropped get an address too; nothing reads it.
      plan_->in_arena_.emplace_back(tensor, place.offset);
      return;
    }
    const NetTensor &owner = net_.tensors()[At(place.external)];
    if (owner.kind == NetTensor::Kind::kInput) {
      plan_->in_inputs_.emplace_back(tensor, At(owner.index));
      return;
    }
    const Tensor &memory_of = plan_->tensors_[At(place.external)];
    if (memory_of.is_const) {
      plan_->tensors_[At(tensor)].raw = memory_of.raw;
      return;
    }
    const auto output = std::find(net_.outputs().begin(), net_.outputs().end(), place.external);
    plan_->in_outputs_.emplace_back(tensor, static_cast<size_t>(output - net_.outputs().begin()));
  }

  const Net &net_;
  const PlanOptions &options_;
  Plan *plan_;
  Segments segments_;
  const size_t limit_;
  std::vector<uint8_t> failed_;  // by tensor
  std::vector<uint8_t> needed_;  // by tensor
  std::vector<size_t> late_;     // numbers of operators
};

MaceStatus Plan::Make(const Net &net, const std::vector<Shape> &input_shapes,
                      const PlanOptions &options, std::unique_ptr<Plan> *plan) {
  auto made = std::make_unique<Plan>();
  MACE_RETURN_IF_ERROR(Builder(net, options, made.get()).Build(input_shapes));
  *plan = std::move(made);
  return MaceStatus::MACE_SUCCESS;
}

}  // namespace mace
