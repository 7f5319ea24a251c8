// SPDX-License-Identifier: Apache-2.0
// The whole engine. Weak: the table of a library for chosen models takes its place.
#include "mace/base/chosen.h"

namespace mace {

extern const Chosen kChosen __attribute__((weak));
const Chosen kChosen = {true, ~0u, ~0u, ~0u, ~0u, ~0u};

}  // namespace mace
