// SPDX-License-Identifier: Apache-2.0
// Saves passes over memory between the steps of a plan: a sum becomes part of the stores of the
// operator before it, and what is concatenated is written where it belongs.
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

  // Has operators write their output as a part of that of the only one which reads it, where that
  // one says so. Fills plan->parts_.
  void PlaceParts();
  // Makes one step of operators that had better run a few rows at a time; see plan_chain.h. The
  // last thing to be done.
  void FormChains(const PlanOptions &options);
  // As if PlaceParts had not been called.
  static void UndoParts(Plan *plan);

 private:
  // A tensor that is to be written as a part of another.
  struct Place {
    int whole;
    size_t offset;   // bytes
    int64_t stride;  // elements from a row of the tensor to the next
  };
  static size_t At(int i) { return static_cast<size_t>(i); }
  // The step that makes the tensor, which nothing else needs than one input of one step; or -1.
  int OnlyMaker(int tensor) const;
  bool SameTensors(const Step &step) const;
  bool TryToAbsorb(size_t maker, size_t user);
  // Adds to *placed what can be written in its place; false if the tensor cannot.
  bool TryToPlace(int tensor, const Place &place, std::vector<Part> *placed);
  bool PlaceInputs(const Step &step, const Place &place, std::vector<Part> *placed);
  static void MakeDense(const std::vector<Part> &parts, Plan *plan);

  Plan *plan_;
  std::vector<int> uses_;      // of a tensor
  std::vector<int> maker_of_;  // step of a tensor; -1: none
};

}  // namespace mace

#endif  // MACE_CORE_PLAN_FUSION_H_
