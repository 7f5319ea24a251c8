// SPDX-License-Identifier: Apache-2.0
// What this machine can do at best, for benchmark_model's --roofline: the multiply-adds of the
// float32 kernels from the L1 cache, and copies of several sizes, which come from several caches.
#ifndef MACE_TOOLS_MACHINE_LIMITS_H_
#define MACE_TOOLS_MACHINE_LIMITS_H_

#include "nlohmann/json.hpp"

namespace mace {
namespace tools {

// {"macs_per_s", "copies": [{"bytes", "bytes_per_s"}, ...]} of `threads` threads together, measured
// now, for some 60 ms. A copy of n bytes reads n / 2 and writes as many. Each figure is that of the
// fastest of many short batches, so that other programs disturb little.
nlohmann::json MeasureLimits(int threads);

}  // namespace tools
}  // namespace mace

#endif  // MACE_TOOLS_MACHINE_LIMITS_H_
