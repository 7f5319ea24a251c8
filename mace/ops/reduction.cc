// SPDX-License-Identifier: Apache-2.0
// Axes that are combined, and how much of them at a time.
#include "mace/ops/reduction.h"

#include <algorithm>

#include "mace/ops/broadcast_rows.h"

namespace mace {
namespace ops {

int64_t ReduceBlockRows(int64_t outer, int64_t reduced, int64_t inner) {
  const int64_t columns = std::max<int64_t>(1, std::min(inner, kReduceColumns));
  if (outer * ((inner + kReduceColumns - 1) / kReduceColumns) >= 16) return reduced;
  const int64_t rows = std::max<int64_t>(128, kElementGrain / columns);
  return reduced < 2 * rows ? reduced : rows;
}

MaceStatus ReductionOperation::ReducedAxes(const std::vector<int64_t> &axes, const Shape &input,
                                           bool (&reduced)[kMaxRank]) const {
  std::fill(reduced, reduced + kMaxRank, axes.empty());
  std::vector<int> normalized;
  MACE_RETURN_IF_ERROR(CheckAxes(axes, input.rank(), &normalized));
  for (int axis : normalized) reduced[axis] = true;
  return MaceStatus();
}

}  // namespace ops
}  // namespace mace
