// SPDX-License-Identifier: Apache-2.0
// Joins steps of a plan: an operator that adds to what the one before it computes becomes part of
// that one's stores.
#ifndef MACE_CORE_PLAN_FUSION_H_
#define MACE_CORE_PLAN_FUSION_H_

#include <vector>

#include "mace/core/plan.h"

namespace mace {

class Plan::Fusion {
 public:
  // Of a plan with all its steps, before memory is planned. `late`: numbers of the operators that
  // are planned during the run.
  Fusion(const Net &net, const std::vector<size_t> &late, Plan *plan);

  // Joins each operator of two inputs with the one that makes the later of them, if that can
  // Operation::Absorb it.
  void AbsorbSums();

 private:
  static size_t At(int i) { return static_cast<size_t>(i); }
  // The step that makes the tensor, which nothing else needs than one input of one step; or -1.
  int OnlyMaker(int tensor) const;
  bool SameTensors(const Step &step) const;
  bool TryToAbsorb(size_t maker, size_t user);

  Plan *plan_;
  std::vector<int> uses_;      // of a tensor
  std::vector<int> maker_of_;  // step of a tensor; -1: none
};

}  // namespace mace

#endif  // MACE_CORE_PLAN_FUSION_H_
