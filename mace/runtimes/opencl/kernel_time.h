// SPDX-License-Identifier: Apache-2.0
// How long a kernel may take, and in how many parts it is launched so that none takes longer: other
// users of the GPU, as the display, get their turn between launches alone.
#ifndef MACE_RUNTIMES_OPENCL_KERNEL_TIME_H_
#define MACE_RUNTIMES_OPENCL_KERNEL_TIME_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "mace/runtimes/opencl/launch.h"

namespace mace {
namespace opencl {

// Microseconds of a kernel that was never measured, rather too many than too few. macs:
// multiply-adds of its operator; items: work-items.
double EstimateMicros(const GpuCapabilities &device, int64_t macs, int64_t items);

// The dimension that a launch is divided along: of 0 to last_split the one with the most
// work-groups, as that takes the most parts.
size_t SplitDimension(int last_split, const std::array<size_t, 3> &global,
                      const std::array<size_t, 3> &local);

// How many parts keep each below the limit; at most one for each work-group.
size_t PartsOf(double micros, double limit_micros, size_t groups);

}  // namespace opencl
}  // namespace mace

#endif  // MACE_RUNTIMES_OPENCL_KERNEL_TIME_H_
