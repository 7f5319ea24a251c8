// SPDX-License-Identifier: Apache-2.0
// Sizes of work-groups where neither the builder nor a tuned parameter says them.
#include "mace/runtimes/opencl/work_groups.h"

#include <algorithm>

namespace mace {
namespace opencl {

namespace {

// Work-items of a group that keep a compute unit of the family busy without using up registers:
// multiples of the width in which it executes (64 to 128 Adreno, 16 Mali, 32 PowerVR and NVIDIA).
int64_t GoodSize(GpuFamily family) {
  switch (family) {
    case GpuFamily::kMali:
      return 64;
    case GpuFamily::kPocl:
      return 64;
    case GpuFamily::kPowerVR:
      return 64;
    default:
      return 128;
  }
}

int64_t PowerOfTwo(int64_t at_least) {
  int64_t power = 1;
  while (power < at_least) power *= 2;
  return power;
}

}  // namespace

MaceStatus SettleWorkGroups(const GpuCapabilities &device, const KernelLaunch &launch, size_t most,
                            size_t *global, size_t *local, unsigned *dimensions) {
  *dimensions = 1;
  for (unsigned d = 0; d < 3; ++d) {
    if (launch.global[d] < 1 || launch.local[d] < 0) {
      return RuntimeError("kernel '", launch.kernel, "' is to be launched over ", launch.global[d],
                          " work-items");
    }
    if (launch.global[d] > 1 || launch.local[d] > 1) *dimensions = d + 1;
  }
  int64_t limit = device.max_work_group;
  if (most > 0) limit = std::min(limit, static_cast<int64_t>(most));
  std::array<int64_t, 3> size = launch.local;
  if (size[0] == 0 || size[1] == 0 || size[2] == 0) {
    int64_t left = std::min(limit, GoodSize(device.family));
    for (size_t d = 0; d < 3; ++d) {
      // The first dimensions share what neighbours read; not all of the group goes to the first.
      const int64_t share = d == 0 ? std::min<int64_t>(left, 16) : left;
      size[d] = std::min({PowerOfTwo(launch.global[d]), share, device.max_work_items[d]});
      // No power of two larger than the limit, which need not be one.
      while (size[d] > 1 && (size[d] & (size[d] - 1)) != 0) --size[d];
      left = std::max<int64_t>(1, left / size[d]);
    }
  } else if (size[0] * size[1] * size[2] > limit) {
    if (launch.fixed_local) {
      return Unsupported("kernel '", launch.kernel, "' needs work-groups of ",
                         size[0] * size[1] * size[2], ", and the GPU allows ", limit);
    }
    for (size_t d = 3; d-- > 0;) {
      while (size[d] > 1 && size[0] * size[1] * size[2] > limit) size[d] = (size[d] + 1) / 2;
    }
  }
  for (size_t d = 0; d < 3; ++d) {
    local[d] = static_cast<size_t>(size[d]);
    global[d] = static_cast<size_t>((launch.global[d] + size[d] - 1) / size[d] * size[d]);
  }
  return MaceStatus::MACE_SUCCESS;
}

}  // namespace opencl
}  // namespace mace
