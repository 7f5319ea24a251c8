// SPDX-License-Identifier: Apache-2.0
// What is executed for one set of input shapes: a list of steps whose tensors, scratch memory and
// state are settled. Running it looks nothing up and allocates nothing.
#ifndef MACE_CORE_PLAN_H_
#define MACE_CORE_PLAN_H_

#include <memory>
#include <utility>
#include <vector>

#include "mace/core/accelerator.h"
#include "mace/core/memory_planner.h"
#include "mace/core/net.h"

namespace mace {

struct PlanOptions {
  // Bytes that activations may take; what is more is OUT_OF_RESOURCES. 0: as much as the machine
  // has.
  size_t memory_limit = 0;
  // Only shapes are wanted: memory is not planned.
  bool shape_only = false;
  ThreadPool *thread_pool = nullptr;
  // Which operators make rows in turns (plan_chain.h). kShortest: all that can, as few rows at a
  // time as possible; for tests.
  enum class Chains { kWhereTheyPay, kNever, kShortest };
  Chains chains = Chains::kWhereTheyPay;
  // As in Net::Options.
  std::vector<OperatorProblem> *problems = nullptr;
  // The one that the net was made with, and the net once more, for operators that turn out to be
  // the CPU's. Null: all is executed on the CPU.
  Accelerator *accelerator = nullptr;
  Net *placed_net = nullptr;
  // Where the decisions go, when not null.
  std::vector<OperatorPlacement> *placements = nullptr;
};

// Memory that the caller of Plan::Run gives: one pointer for each input of the net and for each
// wanted output, in their order.
struct PlanMemoryIn {
  const void *const *inputs = nullptr;
  void *const *outputs = nullptr;
  char *arena = nullptr;  // arena_bytes(), 64-byte aligned
};

// The operators of a plan that are planned while it runs.
class LateOperators {
 public:
  virtual ~LateOperators() = default;
  // Everything that is planned before the run has run. The outputs' memory stays until the next.
  virtual MaceStatus Run(RunMetadata *metadata) = 0;
  // Memory that was taken so far.
  virtual size_t bytes() const = 0;
};

class Plan;

// Parts of planning that are linked by these tables alone; see engine_parts.h.
struct PlanLate {
  // operators: their numbers in the net, in execution order. limit: bytes that their tensors may
  // take at once.
  std::unique_ptr<LateOperators> (*make)(const Net &net, Plan *plan, std::vector<size_t> operators,
                                         size_t limit);
};
extern const PlanLate kPlanLate;

// What Plan::Fusion does; place_parts forms chains, too. late: numbers of the operators that are
// planned during the run.
struct PlanFusion {
  void (*absorb_sums)(const Net &net, const std::vector<size_t> &late, Plan *plan);
  void (*place_parts)(const Net &net, const std::vector<size_t> &late, const PlanOptions &options,
                      Plan *plan);
  void (*undo_parts)(Plan *plan);
};
extern const PlanFusion kPlanFusion;

class Plan {
 public:
  Plan();
  ~Plan();
  // Infers all shapes for input_shapes (one for each input of the net, fully known), executes what
  // depends on nothing else, and plans memory for the rest. The net outlives the plan. Operators
  // whose shapes cannot be known yet, and all that depend on them, are planned during the run.
  static MaceStatus Make(const Net &net, const std::vector<Shape> &input_shapes,
                         const PlanOptions &options, std::unique_ptr<Plan> *plan);

  const std::vector<Shape> &input_shapes() const { return input_shapes_; }
  // By number of NetTensor. DT_INVALID: not inferred, because of a problem before it.
  const std::vector<Tensor> &tensors() const { return tensors_; }
  // Whether the shape of a tensor, by its number, is known only during the run.
  bool late(int tensor) const;
  // Whether the shape of a tensor is the largest that it can have.
  bool dynamic(int tensor) const { return dynamic_tensors_[static_cast<size_t>(tensor)]; }
  // Whether that of wanted output i is; its memory is then the plan's own.
  bool output_late(size_t i) const { return late(net_->outputs()[i]); }
  // Wanted output i. After Run its shape is the computed one, which an operator with a dynamic
  // output may have made smaller than the planned one.
  const Tensor &output(size_t i) const { return tensors_[static_cast<size_t>(net_->outputs()[i])]; }
  // {-1} for an output that is late.
  const Shape &output_shape(size_t i) const { return output_shapes_[i]; }
  // Bytes that the caller must have ready for output i; 0 for one that is late.
  size_t output_bytes(size_t i) const { return output_bytes_[i]; }

  size_t arena_bytes() const { return arena_bytes_; }
  // Memory that the plan has of its own, for what is late.
  size_t late_bytes() const;
  size_t arena_lower_bound() const { return arena_lower_bound_; }
  // Of the device beside the CPU.
  AcceleratorMemory accelerator_memory() const;
  // Elements that were computed when the plan was made.
  size_t value_bytes() const { return value_bytes_; }

  // metadata: filled when not null.
  MaceStatus Run(const PlanMemoryIn &memory, RunMetadata *metadata);

  class Fusion;
  class Late;

 private:
  class Chain;
  struct Step {
    Step();
    ~Step();
    Step(Step &&other) noexcept;
    Step &operator=(Step &&other) noexcept;
    Operation *operation = nullptr;
    std::vector<const Tensor *> inputs;
    std::vector<Tensor *> outputs;
    // Their numbers in the net; -1: absent.
    std::vector<int> input_numbers, output_numbers;
    std::unique_ptr<OpState> state;
    size_t scratch_bytes = 0;
    size_t scratch_offset = 0;
    bool dynamic = false;
    std::vector<Shape> planned_shapes;  // of the outputs, restored before each run when dynamic
    size_t net_operator = 0;
    std::vector<std::pair<int, int>> aliases;
    std::vector<std::pair<int, int>> in_place;
    // Inputs that may be written into an output, as OpPlanContext::PartOfOutput says.
    struct PartInput {
      int output, input;
      size_t offset;
      int64_t stride;
    };
    std::vector<PartInput> parts;
    int64_t macs = 0;
    ConvPoolArgs args;
    // The accelerator's: one operator at first, then a run of them in place of `operation`.
    bool on_accelerator = false;
    std::unique_ptr<AcceleratorSegment> segment;
    // Operators that run before `operation`, which makes its output from theirs. Null: none.
    std::unique_ptr<Chain> chain;
  };
  class Context;
  class Builder;
  class Segments;

  void Bind(const PlanMemoryIn &memory);
  // All but the times.
  static void DescribeStep(const Step &step, OperatorStats *stats);
  MaceStatus RunStep(const Step &step, void *scratch, OutputAllocator *allocator,
                     RunMetadata *metadata);

  const Net *net_ = nullptr;
  ThreadPool *thread_pool_ = nullptr;
  std::vector<Shape> input_shapes_;
  std::vector<Tensor> tensors_;
  std::vector<Step> steps_;
  std::unique_ptr<LateOperators> late_;  // null: nothing is late
  std::vector<uint8_t> late_tensors_, dynamic_tensors_;
  std::vector<std::pair<int, AlignedBuffer>> values_;  // computed when the plan was made
  size_t value_bytes_ = 0;
  // Where tensors lie: number and offset in the arena; number and index of the input or output.
  std::vector<std::pair<int, size_t>> in_arena_;
  std::vector<std::pair<int, size_t>> in_inputs_;
  std::vector<std::pair<int, size_t>> in_outputs_;
  // Tensors that are written into another one, by the number of both, and where.
  struct Part {
    int tensor, whole;
    size_t offset;
  };
  std::vector<Part> parts_;
  std::vector<size_t> copied_outputs_;  // outputs whose tensor lies elsewhere
  std::vector<Shape> output_shapes_;
  std::vector<size_t> output_bytes_;
  size_t arena_bytes_ = 0;
  size_t arena_lower_bound_ = 0;
  const char *bound_arena_ = nullptr;
};

}  // namespace mace

#endif  // MACE_CORE_PLAN_H_
