// SPDX-License-Identifier: Apache-2.0
// The one file that is compiled again at each commit.
#include "mace/public/mace.h"
#include "mace/public/mace_c.h"
#include "mace_git_version.h"

namespace mace {

const char *MaceVersion() { return "MACEVER-" MACE_GIT_VERSION; }

}  // namespace mace

extern "C" const char *mace_version(void) { return mace::MaceVersion(); }
