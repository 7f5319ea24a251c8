// SPDX-License-Identifier: Apache-2.0
// The whole engine. Weak: the table of a library for chosen models takes its place, and what that
// one does not name is not linked.
#include "mace/core/engine_parts.h"

namespace mace {

extern const EngineParts kEngineParts __attribute__((weak));
const EngineParts kEngineParts = {MakeNetSubgraph, &kPlanLate, &kPlanFusion, true, true, true};

}  // namespace mace
