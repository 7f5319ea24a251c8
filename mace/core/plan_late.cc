// SPDX-License-Identifier: Apache-2.0
// The part of a plan whose shapes are known only during the run.
#include "mace/core/plan_late.h"

#include <algorithm>
#include <cstring>

#include "mace/core/plan_context.h"

namespace mace {

namespace {

// Plans kept for each operator: shapes that depend on elements come in few sizes, or in so many
// that none comes again.
constexpr size_t kMaxMade = 8;

size_t At(int i) { return static_cast<size_t>(i); }

}  // namespace

Plan::Late::Late(const Net &net, Plan *plan, std::vector<size_t> operators, size_t limit)
    : net_(net), plan_(plan), limit_(limit), block_of_(net.tensors().size(), -1) {
  std::vector<bool> seen(net.tensors().size(), false);
  for (int output : net.outputs()) seen[At(output)] = true;
  for (size_t k = operators.size(); k-- > 0;) {
    Operator op;
    op.number = operators[k];
    const NetOperator &made_by = net.operators()[op.number];
    for (const std::vector<int> *tensors : {&made_by.inputs, &made_by.outputs}) {
      for (int tensor : *tensors) {
        if (tensor < 0 || seen[At(tensor)]) continue;
        seen[At(tensor)] = true;
        if (plan->late_tensors_[At(tensor)]) op.dead.push_back(tensor);
      }
    }
    operators_.push_back(std::move(op));
  }
  std::reverse(operators_.begin(), operators_.end());
}

bool Plan::Late::Fits(const Operator &op, const Made &made) const {
  const std::vector<int> &inputs = OperatorOf(op).inputs;
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (inputs[i] >= 0 && plan_->tensors_[At(inputs[i])].shape != made.input_shapes[i]) {
      return false;
    }
  }
  for (const auto &[i, elements] : made.elements) {
    // Of equal shape, and so of equal size.
    const void *now = plan_->tensors_[At(inputs[At(i)])].raw;
    if (!elements.empty() && std::memcmp(now, elements.data(), elements.size()) != 0) return false;
  }
  return true;
}

MaceStatus Plan::Late::Find(Operator *op, Made **made) {
  auto &known = op->made;
  for (size_t k = 0; k < known.size(); ++k) {
    if (!Fits(*op, *known[k])) continue;
    const auto first = known.begin(), found = first + static_cast<ptrdiff_t>(k);
    if (k > 0) std::rotate(first, found, found + 1);
    *made = known[0].get();
    return MaceStatus::MACE_SUCCESS;
  }
  auto fresh = std::make_unique<Made>();
  MACE_RETURN_IF_ERROR(Make(*op, fresh.get()));
  if (known.size() == kMaxMade) known.pop_back();
  known.insert(known.begin(), std::move(fresh));
  *made = known[0].get();
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus Plan::Late::Make(const Operator &op, Made *made) {
  // An operator may look at elements without asking for them. It is then shown all, and its plan
  // holds for these elements alone.
  if (TryToMake(op, false, made).ok()) return MaceStatus::MACE_SUCCESS;
  *made = Made();
  return TryToMake(op, true, made);
}

MaceStatus Plan::Late::TryToMake(const Operator &op, bool show_all, Made *made) {
  const NetOperator &net_operator = OperatorOf(op);
  Step &step = made->step;
  step.operation = net_operator.operation.get();
  step.net_operator = op.number;
  Context context(plan_, net_operator, &step,
                  show_all ? Context::Elements::kAll : Context::Elements::kAsked);
  MACE_RETURN_IF_ERROR(step.operation->InferShape(&context));
  MACE_RETURN_IF_ERROR(context.CheckOutputs(*net_operator.def, limit_));
  MACE_RETURN_IF_ERROR(step.operation->Plan(&context));
  made->late = context.late();
  std::vector<int> asked = context.asked();
  for (size_t i = 0; i < net_operator.inputs.size(); ++i) {
    const int input = net_operator.inputs[i];
    const Tensor *tensor = input < 0 ? nullptr : &plan_->tensors_[At(input)];
    step.inputs.push_back(tensor);
    made->input_shapes.push_back(tensor == nullptr ? Shape() : tensor->shape);
    if (show_all && tensor != nullptr && !tensor->is_const) asked.push_back(static_cast<int>(i));
  }
  for (int output : net_operator.outputs) {
    step.outputs.push_back(&plan_->tensors_[At(output)]);
    made->output_shapes.push_back(plan_->tensors_[At(output)].shape);
  }
  for (int i : asked) {
    const Tensor &tensor = *step.inputs[At(i)];
    const char *first = tensor.data<char>();
    made->elements.emplace_back(i, std::vector<char>(first, first + tensor.bytes()));
  }
  if (!context.AnyLate()) step.macs = step.operation->Macs(context);
  step.operation->Describe(context, &step.args);
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus Plan::Late::Take(size_t bytes, int *block) {
  // The smallest that is large enough; else the largest that is free grows.
  int best = -1;
  for (size_t b = 0; b < blocks_.size(); ++b) {
    if (blocks_[b].uses > 0) continue;
    const size_t size = blocks_[b].memory.size();
    const size_t best_size = best < 0 ? 0 : blocks_[At(best)].memory.size();
    const bool better = best < 0 || (size >= bytes ? best_size < bytes || size < best_size
                                                   : best_size < bytes && size > best_size);
    if (better) best = static_cast<int>(b);
  }
  if (best < 0) {
    best = static_cast<int>(blocks_.size());
    blocks_.emplace_back();
  }
  Block &chosen = blocks_[At(best)];
  if (chosen.memory.size() < bytes || chosen.memory.data() == nullptr) {
    const size_t others = bytes_ - chosen.memory.size();
    if (others > limit_ || bytes > limit_ - others) {
      return OutOfResources("its results need ", bytes, " bytes more, with ", others,
                            " in use and no more than ", limit_,
                            " left for them; use smaller inputs or a larger limit");
    }
    chosen.memory = AlignedBuffer();
    bytes_ = others;
    MACE_RETURN_IF_ERROR(chosen.memory.Allocate(std::max<size_t>(bytes, 1)));
    bytes_ += chosen.memory.size();
  }
  ++chosen.uses;
  *block = best;
  return MaceStatus::MACE_SUCCESS;
}

bool Plan::Late::MayOverwrite(const Operator &op, int output, int input) const {
  const int block = block_of_[At(input)];
  if (block < 0 || blocks_[At(block)].uses != 1) return false;
  if (plan_->tensors_[At(output)].bytes() != plan_->tensors_[At(input)].bytes()) return false;
  const std::vector<int> &inputs = OperatorOf(op).inputs;
  return std::count(inputs.begin(), inputs.end(), input) == 1 &&
         std::count(op.dead.begin(), op.dead.end(), input) == 1;
}

MaceStatus Plan::Late::Place(const Operator &op, const Made &made, size_t o) {
  const NetOperator &net_operator = OperatorOf(op);
  const int output = net_operator.outputs[o];
  Tensor &tensor = plan_->tensors_[At(output)];
  int shared = -1;
  for (const auto &[out, in] : made.step.aliases) {
    const int input = net_operator.inputs[At(in)];
    if (At(out) != o || input < 0) continue;
    const Tensor &other = plan_->tensors_[At(input)];
    if (other.raw != nullptr && other.bytes() == tensor.bytes()) shared = input;
  }
  for (const auto &[out, in] : made.step.in_place) {
    const int input = net_operator.inputs[At(in)];
    if (At(out) != o || input < 0 || shared >= 0) continue;
    if (MayOverwrite(op, output, input)) shared = input;
  }
  if (shared < 0) {
    MACE_RETURN_IF_ERROR(Take(tensor.bytes(), &block_of_[At(output)]));
    tensor.raw = blocks_[At(block_of_[At(output)])].memory.data();
    return MaceStatus::MACE_SUCCESS;
  }
  tensor.raw = plan_->tensors_[At(shared)].raw;
  block_of_[At(output)] = block_of_[At(shared)];
  if (block_of_[At(shared)] >= 0) ++blocks_[At(block_of_[At(shared)])].uses;
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus Plan::Late::Allocate(int o, const Shape &shape, Tensor *output) {
  const int tensor = OperatorOf(*running_).outputs[At(o)];
  size_t bytes = 0;
  if (!CheckedBytes(shape, DataTypeSize(output->dtype), &bytes)) {
    return InvalidArgs("output ", o, " would have the impossible shape ", shape.ToString());
  }
  if (output->raw != nullptr) {
    if (shape == output->shape) return MaceStatus::MACE_SUCCESS;
    return RuntimeError("output ", o, " was planned as ", output->shape.ToString(),
                        " and came out as ", shape.ToString());
  }
  MACE_RETURN_IF_ERROR(Take(bytes, &block_of_[At(tensor)]));
  output->shape = shape;
  output->raw = blocks_[At(block_of_[At(tensor)])].memory.data();
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus Plan::Late::RunOperator(const Operator &op, Made *made, RunMetadata *metadata) {
  const std::vector<int> &outputs = OperatorOf(op).outputs;
  for (size_t o = 0; o < outputs.size(); ++o) {
    Tensor &tensor = plan_->tensors_[At(outputs[o])];
    tensor.raw = nullptr;
    if (made->late[o]) continue;
    tensor.shape = made->output_shapes[o];
    MACE_RETURN_IF_ERROR(Place(op, *made, o));
  }
  int scratch = -1;
  if (made->step.scratch_bytes > 0) MACE_RETURN_IF_ERROR(Take(made->step.scratch_bytes, &scratch));
  running_ = &op;
  const MaceStatus status = plan_->RunStep(
      made->step, scratch < 0 ? nullptr : blocks_[At(scratch)].memory.data(), this, metadata);
  if (scratch >= 0) --blocks_[At(scratch)].uses;
  MACE_RETURN_IF_ERROR(status);
  for (size_t o = 0; o < outputs.size(); ++o) {
    if (made->late[o] && plan_->tensors_[At(outputs[o])].raw == nullptr) {
      return RuntimeError("its Run made no output ", o);
    }
  }
  for (int tensor : op.dead) {
    const int block = block_of_[At(tensor)];
    if (block >= 0) --blocks_[At(block)].uses;
    block_of_[At(tensor)] = -1;
  }
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus Plan::Late::Run(RunMetadata *metadata) {
  for (Block &block : blocks_) block.uses = 0;
  std::fill(block_of_.begin(), block_of_.end(), -1);
  for (Operator &op : operators_) {
    Made *made = nullptr;
    MaceStatus status = Find(&op, &made);
    if (status.ok()) status = RunOperator(op, made, metadata);
    if (!status.ok()) return AtOperator(*OperatorOf(op).def, status);
  }
  return MaceStatus::MACE_SUCCESS;
}

const PlanLate kPlanLate = {[](const Net &net, Plan *plan, std::vector<size_t> operators,
                               size_t limit) -> std::unique_ptr<LateOperators> {
  return std::make_unique<Plan::Late>(net, plan, std::move(operators), limit);
}};

}  // namespace mace
