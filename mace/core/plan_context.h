// SPDX-License-Identifier: Apache-2.0
// What an operator sees of a plan while it is made: shapes, and elements as far as they are known.
#ifndef MACE_CORE_PLAN_CONTEXT_H_
#define MACE_CORE_PLAN_CONTEXT_H_

#include <memory>
#include <utility>
#include <vector>

#include "mace/core/plan.h"

namespace mace {

class Plan::Context : public OpPlanContext {
 public:
  enum class Elements {
    kPlanned,  // before the run: those of constants and of what was computed from them
    kAsked,    // during the run: all, but shown to those alone who ask for them
    kAll,      // during the run: all
  };
  Context(Plan *plan, const NetOperator &op, Step *step, Elements elements);

  int InputCount() const override { return static_cast<int>(op_.inputs.size()); }
  int OutputCount() const override { return static_cast<int>(op_.outputs.size()); }
  bool HasInput(int i) const override {
    return i >= 0 && i < InputCount() && op_.inputs[static_cast<size_t>(i)] >= 0;
  }
  const Tensor &Input(int i) const override;
  void SetOutputShape(int i, const Shape &shape) override;
  const Shape &OutputShape(int i) const override {
    return plan_->tensors_[static_cast<size_t>(op_.outputs[static_cast<size_t>(i)])].shape;
  }
  void SetOutputLate(int o) override { late_[static_cast<size_t>(o)] = true; }
  void RequestScratch(size_t bytes) override;
  void AliasOutput(int o, int i) override { step_->aliases.emplace_back(o, i); }
  void AllowInPlace(int o, int i) override { step_->in_place.emplace_back(o, i); }
  void PartOfOutput(int o, int i, size_t offset, int64_t stride) override {
    step_->parts.push_back({o, i, offset, stride});
  }
  void SetState(std::unique_ptr<OpState> state) override { step_->state = std::move(state); }
  ThreadPool *thread_pool() const override { return plan_->thread_pool_; }

  // `limit`: bytes that a tensor may have; operators size tables by their outputs when they plan.
  MaceStatus CheckOutputs(const OperatorDef &def, size_t limit) const;

  // Whether elements were asked for that are not known.
  bool lacks_elements() const { return lacks_elements_; }
  // Outputs whose shapes are not known.
  const std::vector<uint8_t> &late() const { return late_; }
  bool AnyLate() const;
  // Inputs whose elements were asked for.
  const std::vector<int> &asked() const { return asked_; }

 private:
  bool FindElements(int i) const override;

  Plan *plan_;
  const NetOperator &op_;
  Step *step_;
  const Elements elements_;
  std::vector<uint8_t> shape_set_, late_;
  // During the run: the inputs as they are shown.
  mutable std::vector<Tensor> shown_;
  mutable std::vector<int> asked_;
  mutable bool lacks_elements_ = false;
};

}  // namespace mace

#endif  // MACE_CORE_PLAN_CONTEXT_H_
