// SPDX-License-Identifier: Apache-2.0
// The part of a plan whose shapes are known only during the run: operators after one with a
// data-dependent shape, and those that need elements that no constant gives. Each is planned when
// its turn comes, and its plan is kept for the next run with the same shapes.
#ifndef MACE_CORE_PLAN_LATE_H_
#define MACE_CORE_PLAN_LATE_H_

#include <memory>
#include <utility>
#include <vector>

#include "mace/core/plan.h"

namespace mace {

class Plan::Late : public LateOperators, public OutputAllocator {
 public:
  // operators: their numbers in the net, in execution order. limit: bytes that their tensors may
  // take at once.
  Late(const Net &net, Plan *plan, std::vector<size_t> operators, size_t limit);

  MaceStatus Run(RunMetadata *metadata) override;
  size_t bytes() const override { return bytes_; }

 private:
  // How an operator runs for certain input shapes and elements.
  struct Made {
    Step step;
    std::vector<Shape> input_shapes, output_shapes;
    std::vector<uint8_t> late;  // by output
    // Inputs that the plan depends on, and what was in them.
    std::vector<std::pair<int, std::vector<char>>> elements;
  };
  struct Operator {
    size_t number = 0;
    std::vector<std::unique_ptr<Made>> made;  // last used first
    std::vector<int> dead;                    // late tensors that nothing reads after it
  };
  // Memory that tensors take in turn.
  struct Block {
    AlignedBuffer memory;
    int uses = 0;
  };

  MaceStatus Find(Operator *op, Made **made);
  MaceStatus Make(const Operator &op, Made *made);
  MaceStatus TryToMake(const Operator &op, bool show_all, Made *made);
  bool Fits(const Operator &op, const Made &made) const;
  MaceStatus RunOperator(const Operator &op, Made *made, RunMetadata *metadata);
  MaceStatus Place(const Operator &op, const Made &made, size_t o);
  bool MayOverwrite(const Operator &op, int output, int input) const;
  MaceStatus Take(size_t bytes, int *block);
  // For the operator that is running.
  MaceStatus Allocate(int o, const Shape &shape, Tensor *output) override;
  const NetOperator &OperatorOf(const Operator &op) const { return net_.operators()[op.number]; }

  const Net &net_;
  Plan *plan_;
  const size_t limit_;
  std::vector<Operator> operators_;
  std::vector<Block> blocks_;
  std::vector<int> block_of_;  // by tensor; -1: memory that is not of this pool
  size_t bytes_ = 0;
  const Operator *running_ = nullptr;
};

}  // namespace mace

#endif  // MACE_CORE_PLAN_LATE_H_
