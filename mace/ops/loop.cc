// SPDX-License-Identifier: Apache-2.0
// Runs a graph again and again (ONNX Loop): as often as a number and a condition allow. Variables
// go from one round to the next; other outputs of the graph are stacked over the rounds.
#include "mace/ops/attrs/loop.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "mace/ops/control_flow.h"
#include "mace/ops/data_movement.h"

namespace mace {
namespace ops {

namespace {

// How many rounds a loop may take with all loops inside it, so that a model whose condition stays
// true comes to an end: some seconds of the shortest rounds there are.
constexpr int64_t kMostRounds = int64_t{1} << 22;

// Counts the rounds of a loop and of those inside it, which run on the same thread.
class Rounds {
 public:
  Rounds() {
    if (depth_++ == 0) left_ = kMostRounds;
  }
  ~Rounds() { --depth_; }
  Rounds(const Rounds &) = delete;
  Rounds &operator=(const Rounds &) = delete;

  bool Take() { return left_-- > 0; }

 private:
  static thread_local int depth_;
  static thread_local int64_t left_;
};

thread_local int Rounds::depth_ = 0;
thread_local int64_t Rounds::left_ = 0;

}  // namespace

class LoopOp : public ShapedOperation {
 public:
  explicit LoopOp(OpConstructContext *context)
      : ShapedOperation(context), bodies_(TakeSubgraphs(context)) {}

  MaceStatus InferType(const std::vector<DataType> &inputs,
                       std::vector<DataType> *outputs) override {
    MACE_RETURN_IF_ERROR(ParseAttrs(&attrs_));
    if (bodies_.size() != 1) return Invalid("it needs a subgraph");
    variables_ = static_cast<size_t>(attrs_.variables);
    const std::vector<DataType> &in = bodies_[0]->input_types(), &out = bodies_[0]->output_types();
    if (in != inputs || in[1] != DT_BOOL || variables_ + 2 > in.size()) {
      return Invalid("its inputs are not those of its subgraph: number of the round, condition, ",
                     attrs_.variables, " variables, and what else that reads");
    }
    if (out.size() != outputs->size() + 1 || variables_ > outputs->size() || out[0] != DT_BOOL) {
      return Invalid("its outputs are not those of its subgraph: condition, ", attrs_.variables,
                     " variables, and what is stacked");
    }
    for (size_t v = 0; v < variables_; ++v) {
      if (in[2 + v] == out[1 + v]) continue;
      return Invalid("variable ", v, " is ", DataTypeName(in[2 + v]), " before a round and ",
                     DataTypeName(out[1 + v]), " after it");
    }
    outputs->assign(out.begin() + 1, out.end());
    return MaceStatus::MACE_SUCCESS;
  }

  MaceStatus Init(OpInitContext *context) override {
    // Who asks is not run when only shapes are wanted: the graphs inside could not be.
    static_cast<void>(context->shape_only());
    return MaceStatus::MACE_SUCCESS;
  }

  MaceStatus InferShape(OpShapeContext *context) override {
    for (int i = 0; i < 2; ++i) {
      if (context->Input(i).elements() == 1) continue;
      return Invalid(i == 0 ? "the number of rounds" : "the condition",
                     " must be one element, but has shape ", context->Input(i).shape.ToString());
    }
    std::vector<Shape> inputs = {Shape(), Shape()}, shapes;
    for (int i = 2; i < context->InputCount(); ++i) inputs.push_back(context->Input(i).shape);
    std::vector<bool> late;
    bool steady = bodies_[0]->InferShapes(inputs, &shapes, &late).ok();
    for (size_t v = 0; steady && v < variables_; ++v) {
      steady = !late[1 + v] && shapes[1 + v] == inputs[2 + v];
    }
    int64_t rounds = -1;
    const Tensor &count = context->Input(0);
    if (steady && attrs_.counted && count.is_const && count.raw != nullptr) {
      rounds = std::max<int64_t>(0, count.data<int64_t>()[0]);
    }
    for (int o = 0; o < context->OutputCount(); ++o) {
      const size_t k = static_cast<size_t>(o);
      Shape stacked{rounds};
      if (steady && k < variables_) {
        context->SetOutputShape(o, inputs[2 + k]);
      } else if (rounds >= 0 && !late[1 + k] && Stack(shapes[1 + k], &stacked)) {
        MACE_RETURN_IF_ERROR(SetOutput(context, o, stacked.ToVector()));
      } else {
        context->SetOutputLate(o);
      }
    }
    return MaceStatus::MACE_SUCCESS;
  }

  MaceStatus Plan(OpPlanContext *context) override {
    inputs_.reserve(static_cast<size_t>(context->InputCount()));
    stacks_.resize(static_cast<size_t>(context->OutputCount()) - variables_);
    return MaceStatus::MACE_SUCCESS;
  }

  MaceStatus Run(OpContext *context) override {
    Subgraph &body = *bodies_[0];
    int64_t round = 0;
    uint8_t condition = context->input(1)->data<uint8_t>()[0];
    Tensor number, go_on;
    number.dtype = DT_INT64;
    number.raw = &round;
    go_on.dtype = DT_BOOL;
    go_on.raw = &condition;
    inputs_.assign({&number, &go_on});
    for (int i = 2; i < context->input_count(); ++i) inputs_.push_back(context->input(i));
    for (Stacked &stack : stacks_) stack.used = 0;
    const int64_t most = context->input(0)->data<int64_t>()[0];
    Rounds rounds;
    for (; round < most && condition != 0; ++round) {
      if (!rounds.Take()) {
        return Invalid("it has not ended after ", kMostRounds,
                       " rounds, those of loops inside and around it included");
      }
      MACE_RETURN_IF_ERROR(body.Run(inputs_));
      if (body.output(0).elements() != 1) {
        return Invalid("round ", round, " gave a condition of shape ",
                       body.output(0).shape.ToString());
      }
      condition = body.output(0).data<uint8_t>()[0];
      for (size_t v = 0; v < variables_; ++v) inputs_[2 + v] = &body.output(1 + v);
      for (size_t s = 0; s < stacks_.size(); ++s) {
        MACE_RETURN_IF_ERROR(Append(body.output(1 + variables_ + s), round, &stacks_[s]));
      }
    }
    for (size_t v = 0; v < variables_; ++v) {
      MACE_RETURN_IF_ERROR(Deliver(context, static_cast<int>(v), *inputs_[2 + v]));
    }
    for (size_t s = 0; s < stacks_.size(); ++s) {
      MACE_RETURN_IF_ERROR(DeliverStack(context, s, round));
    }
    return MaceStatus::MACE_SUCCESS;
  }

 private:
  struct Stacked {
    AlignedBuffer memory;
    size_t used = 0;
    Shape shape;  // of one round
  };

  // Appends the dimensions of one round to *stacked; false when they are too many.
  static bool Stack(const Shape &round, Shape *stacked) {
    if (round.rank() == kMaxRank) return false;
    for (int64_t dim : round) stacked->push_back(dim);
    return true;
  }

  MaceStatus Append(const Tensor &tensor, int64_t round, Stacked *stack) const {
    if (round == 0) stack->shape = tensor.shape;
    if (stack->shape != tensor.shape) {
      return Invalid("rounds that are stacked gave ", stack->shape.ToString(), " and, in round ",
                     round, ", ", tensor.shape.ToString());
    }
    const size_t bytes = tensor.bytes();
    if (stack->memory.size() - stack->used < bytes) {
      AlignedBuffer larger;
      MACE_RETURN_IF_ERROR(
          larger.Allocate(std::max(2 * stack->memory.size(), stack->used + bytes)));
      if (stack->used > 0) std::memcpy(larger.data(), stack->memory.data(), stack->used);
      stack->memory = std::move(larger);
    }
    if (bytes > 0) std::memcpy(stack->memory.as<char>() + stack->used, tensor.raw, bytes);
    stack->used += bytes;
    return MaceStatus::MACE_SUCCESS;
  }

  MaceStatus DeliverStack(OpContext *context, size_t s, int64_t rounds) {
    const int o = static_cast<int>(variables_ + s);
    Shape shape{rounds};
    if (rounds == 0) {
      // What a round would have given, as far as that can be told.
      std::vector<Shape> inputs, shapes;
      std::vector<bool> late;
      for (const Tensor *input : inputs_) inputs.push_back(input->shape);
      const bool known = bodies_[0]->InferShapes(inputs, &shapes, &late).ok();
      if (known && !late[1 + variables_ + s]) Stack(shapes[1 + variables_ + s], &shape);
    } else if (!Stack(stacks_[s].shape, &shape)) {
      return NotSupported("what is stacked would have more than ", kMaxRank, " dimensions");
    }
    MACE_RETURN_IF_ERROR(context->AllocateOutput(o, shape));
    if (stacks_[s].used > 0) {
      std::memcpy(context->output(o)->raw, stacks_[s].memory.data(), stacks_[s].used);
    }
    return MaceStatus::MACE_SUCCESS;
  }

  LoopAttrs attrs_;
  size_t variables_ = 0;
  std::vector<std::unique_ptr<Subgraph>> bodies_;  // one
  std::vector<const Tensor *> inputs_;
  std::vector<Stacked> stacks_;
};

void RegisterLoop(OpRegistryBase *op_registry) {
  RegisterForTypes<LoopOp>(op_registry, "Loop", {DT_INT64});
}

}  // namespace ops
}  // namespace mace
