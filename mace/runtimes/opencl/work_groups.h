// SPDX-License-Identifier: Apache-2.0
// Sizes of work-groups where neither the builder nor a tuned parameter says them.
#ifndef MACE_RUNTIMES_OPENCL_WORK_GROUPS_H_
#define MACE_RUNTIMES_OPENCL_WORK_GROUPS_H_

#include <cstddef>

#include "mace/base/status.h"
#include "mace/runtimes/opencl/launch.h"

namespace mace {
namespace opencl {

// Fills three sizes each, in work-items, and the number of dimensions that matter. most: what the
// driver allows for this kernel, 0 when it does not say.
MaceStatus SettleWorkGroups(const GpuCapabilities &device, const KernelLaunch &launch, size_t most,
                            size_t *global, size_t *local, unsigned *dimensions);

}  // namespace opencl
}  // namespace mace

#endif  // MACE_RUNTIMES_OPENCL_WORK_GROUPS_H_
