// SPDX-License-Identifier: Apache-2.0
// The whole engine. Weak: the table of a library for chosen models takes its place.
#include "mace/base/chosen.h"

#include <cstdlib>

#include "mace/base/logging.h"

namespace mace {

extern const Chosen kChosen __attribute__((weak));
const Chosen kChosen = {~0u, ~0u, ~0u, ~0u, ~0u};

void NotChosen() {
  LOG(ERROR) << "a function was called that this library for chosen models was built without";
  std::abort();
}

}  // namespace mace
