// SPDX-License-Identifier: Apache-2.0
// Several operators as one step of a plan. Each makes a few rows of its image from the rows that
// the one before it has just made, so that what passes between them stays in the cache: it lies in
// windows of a few rows that move down the images, and takes no memory of the arena's tensors.
#ifndef MACE_CORE_PLAN_CHAIN_H_
#define MACE_CORE_PLAN_CHAIN_H_

#include <vector>

#include "mace/core/plan.h"
#include "mace/core/rows.h"

namespace mace {

class Plan::Chain {
 public:
  // What is known of one operator of the chain.
  struct Stage {
    RowGeometry rows;
    int64_t macs = 0;
    int64_t window_rows = 0;  // of its output; 0 for the last stage
    size_t window_offset = 0;
  };
  static constexpr int kMaxStages = 8;

  // Whether the first of `stages` (their geometry) had better run in turns with the others than as
  // a step of its own.
  static bool Pays(const std::vector<Stage> &stages, int threads);

  // `before`: the steps in front of `last`, which is the step that keeps the chain. Its inputs
  // become those of all.
  Chain(std::vector<Step> before, const std::vector<Stage> &stages, const PlanOptions &options,
        Step *last);

  // After the last operator's output has come to lie otherwise.
  void Update(const Step &last);
  MaceStatus Run(const Step &last, void *scratch, ThreadPool *pool, RunMetadata *metadata);

 private:
  // A part of the last image's rows, on one thread, from start to end.
  class Walk;
  // Multiply-adds that parts of the last image repeat, as each makes the rows at its border that
  // its neighbour makes too.
  static double Repeated(const std::vector<Stage> &stages, int64_t parts);
  // Rows that each window must hold in any of `parts` parts, in bands of `band_rows`.
  static std::vector<int64_t> WindowRows(const std::vector<Stage> &stages, int64_t parts,
                                         int64_t band_rows);
  // Bands, and windows that have room for them.
  void Divide(bool shortest, int threads);
  // The first row of the last image that part `part` makes.
  static int64_t PartBegin(const RowGeometry &last, int64_t part, int64_t parts);
  void RunPart(const Step &last, char *own, int64_t part, int64_t *nanos);
  const Step &StepOf(size_t stage, const Step &last) const {
    return stage < before_.size() ? before_[stage] : last;
  }
  void Report(const Step &last, int64_t begin, int64_t end, RunMetadata *metadata) const;

  std::vector<Step> before_;
  std::vector<Stage> stages_;
  int64_t band_rows_ = 1;  // of the last image
  int64_t parts_ = 1;      // of an image
  size_t window_bytes_ = 0;
  size_t thread_bytes_ = 0;
  std::vector<int64_t> nanos_;  // of each stage on each thread, when statistics are wanted
};

}  // namespace mace

#endif  // MACE_CORE_PLAN_CHAIN_H_
