// SPDX-License-Identifier: Apache-2.0
// From MaceStatus to the C interface.
#ifndef MACE_LIBMACE_C_ERROR_H_
#define MACE_LIBMACE_C_ERROR_H_

#include "mace/base/status.h"
#include "mace/public/mace_c.h"

namespace mace {

// The code; the sentence of a failure is kept for mace_last_error() of this thread.
mace_code Report(const MaceStatus &status);

}  // namespace mace

#endif  // MACE_LIBMACE_C_ERROR_H_
