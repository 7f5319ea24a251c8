// SPDX-License-Identifier: Apache-2.0
// The part of a plan that an accelerator executes: which operators, and in which runs.
#ifndef MACE_CORE_PLAN_SEGMENTS_H_
#define MACE_CORE_PLAN_SEGMENTS_H_

#include <vector>

#include "mace/core/plan.h"

namespace mace {

class Plan::Segments {
 public:
  Segments(const Net &net, const PlanOptions &options, Plan *plan)
      : net_(net), options_(options), plan_(plan) {}

  // Whether the accelerator takes operator `op`, whose shapes are known. `evaluated`: it is
  // executed while the plan is made. Makes it ready for the CPU if the accelerator does not.
  MaceStatus Place(size_t op, bool evaluated, bool *on_accelerator);
  // Operator `op` is planned during the run, on the CPU.
  MaceStatus PlaceLate(size_t op);
  // Orders the plan's steps so that the accelerator's come together, as far as the data flow allows
  // it, and makes one step of each run of them. late: numbers of operators planned during the run.
  MaceStatus Join(const std::vector<size_t> &late);

 private:
  static size_t At(int i) { return static_cast<size_t>(i); }
  AcceleratorOp Describe(const NetOperator &op) const;
  MaceStatus ToCpu(size_t op, const std::string &reason);
  void Report(size_t op, bool on_accelerator, const std::string &reason);
  std::vector<Step> Order();
  MaceStatus Make(std::vector<Step> *steps, size_t first, size_t last,
                  const std::vector<std::vector<size_t>> &readers, Step *segment);

  const Net &net_;
  const PlanOptions &options_;
  Plan *plan_;
};

}  // namespace mace

#endif  // MACE_CORE_PLAN_SEGMENTS_H_
