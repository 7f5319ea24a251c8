// SPDX-License-Identifier: Apache-2.0
// What operators that combine the elements along axes have in common.
#ifndef MACE_OPS_REDUCTION_H_
#define MACE_OPS_REDUCTION_H_

#include <cstdint>
#include <vector>

#include "mace/ops/data_movement.h"

namespace mace {
namespace ops {

// Columns that one call of a kernel takes: whole cache lines, so that threads do not share them.
constexpr int64_t kReduceColumns = 64;

// How many rows of `inner` columns make one result, so that there is work for several threads. It
// does not depend on their number: the order of additions is part of the result.
int64_t ReduceBlockRows(int64_t outer, int64_t reduced, int64_t inner);

class ReductionOperation : public ShapedOperation {
 public:
  using ShapedOperation::ShapedOperation;

 protected:
  // Which axes of `input` are reduced: all if none is named.
  MaceStatus ReducedAxes(const std::vector<int64_t> &axes, const Shape &input,
                         bool (&reduced)[kMaxRank]) const;
};

}  // namespace ops
}  // namespace mace

#endif  // MACE_OPS_REDUCTION_H_
