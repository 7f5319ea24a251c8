// SPDX-License-Identifier: Apache-2.0
// The transforms of Winograd convolution on Arm.
#if defined(__aarch64__) && !defined(__clang__)
// In its own order g++ needs 26 copies of registers for a vector of input, in that of the source 7.
#pragma GCC optimize("no-schedule-insns", "no-tree-ter")
#endif
#include <limits>

#include "mace/kernels/winograd/winograd_tile.h"

namespace mace {
namespace kernels {

void winograd_f32_4x3__neon_input(const WinogradInput &tile) { InputTile(tile); }

void winograd_f32_4x3__neon_output(const WinogradOutput &tile) {
  const bool whole = tile.rows == kWinogradOut && tile.columns == kWinogradOut;
  if (whole && tile.high == std::numeric_limits<float>::infinity()) {
    return OutputTile<true, false>(tile);
  }
  if (whole) return OutputTile<true, true>(tile);
  OutputTile<false, true>(tile);
}

}  // namespace kernels
}  // namespace mace
