// SPDX-License-Identifier: Apache-2.0
// How long a kernel may take, and in how many parts it is launched.
#include "mace/runtimes/opencl/kernel_time.h"

#include <algorithm>
#include <cmath>

namespace mace {
namespace opencl {

namespace {

// Of one compute unit of the family's slower members: a tenth to a fifth of what it could at best,
// which is what kernels without tuning come to.
struct Rates {
  double macs;   // a microsecond
  double items;  // a microsecond: a work-item moves some 32 bytes
};

Rates RatesOf(GpuFamily family) {
  switch (family) {
    case GpuFamily::kAdreno:
      return {8000, 60};
    case GpuFamily::kNvidia:
    case GpuFamily::kAmd:
      return {20000, 300};
    case GpuFamily::kPocl:
      return {2000, 50};
    default:
      return {3000, 30};
  }
}

}  // namespace

double EstimateMicros(const GpuCapabilities &device, int64_t macs, int64_t items) {
  const Rates rates = RatesOf(device.family);
  return std::max(static_cast<double>(macs) / rates.macs,
                  static_cast<double>(items) / rates.items) /
         std::max(device.compute_units, 1);
}

size_t SplitDimension(int last_split, const std::array<size_t, 3> &global,
                      const std::array<size_t, 3> &local) {
  size_t best = 0;
  for (size_t d = 1; d < 3 && static_cast<int>(d) <= last_split; ++d) {
    // The later of two: its parts lie closer together in memory.
    if (global[d] / local[d] >= global[best] / local[best]) best = d;
  }
  return best;
}

size_t PartsOf(double micros, double limit_micros, size_t groups) {
  if (limit_micros <= 0 || micros <= limit_micros) return 1;
  const double wanted = std::ceil(micros / limit_micros);
  return wanted >= static_cast<double>(groups) ? groups : static_cast<size_t>(wanted);
}

}  // namespace opencl
}  // namespace mace
