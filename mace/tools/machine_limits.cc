// SPDX-License-Identifier: Apache-2.0
// Measures what the machine can do.
#include "mace/tools/machine_limits.h"

#include <algorithm>

#include "mace/ops/ops_benchmark_limits.h"

namespace mace {
namespace tools {

namespace {

constexpr double kProductSeconds = 0.015, kCopySeconds = 0.008;
constexpr int64_t kLeastCopy = 16 << 10, kLargestCopy = 16 << 20;

}  // namespace

nlohmann::json MeasureLimits(int threads) {
  ops::test::MachineLimits limits(std::max(1, threads), kProductSeconds);
  nlohmann::json copies = nlohmann::json::array();
  for (int64_t bytes = kLeastCopy; bytes <= kLargestCopy; bytes *= 4) {
    const double nanoseconds = limits.CopyNanoseconds(bytes, kCopySeconds);
    if (nanoseconds <= 0) continue;
    copies.push_back({{"bytes", bytes}, {"bytes_per_s", 1e9 * bytes / nanoseconds}});
  }
  return {{"macs_per_s", 1e9 * limits.macs_per_nanosecond()}, {"copies", copies}};
}

}  // namespace tools
}  // namespace mace
