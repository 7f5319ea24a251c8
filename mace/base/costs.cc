// SPDX-License-Identifier: Apache-2.0
// The rows of costs.yml that this target can use.
#include "mace/base/costs.h"

#include <algorithm>

namespace mace {

namespace {

// Best first; the last one is the reference, which is always there.
constexpr Costs kRows[] = {
#include "mace/base/costs_table.inc"
};

}  // namespace

const Costs &CostsOf(uint32_t isas) {
  for (const Costs &row : kRows) {
    if ((row.isa & isas) != 0) return row;
  }
  return kRows[sizeof(kRows) / sizeof(kRows[0]) - 1];
}

double CostOf(const Work &work, const WorkCosts &costs) {
  return std::max({work.macs * costs.mac, work.steps * costs.step, work.filters * costs.filter}) +
         work.inputs * costs.input + work.outputs * costs.output;
}

}  // namespace mace
