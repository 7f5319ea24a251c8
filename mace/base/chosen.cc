// SPDX-License-Identifier: Apache-2.0
// The whole engine. Weak: the table of a library for chosen models takes its place.
#include "mace/base/chosen.h"

#include <cstdio>
#include <cstdlib>

namespace mace {

extern const Chosen kChosen __attribute__((weak));
const Chosen kChosen = {~0u, ~0u, ~0u, ~0u, ~0u};

void NotChosen() {
  // Not the log, which straight-line code has to do without.
  std::fputs("mace: a function was called that this library was built without\n", stderr);
  std::abort();
}

}  // namespace mace
