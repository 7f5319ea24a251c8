// SPDX-License-Identifier: Apache-2.0
// The transforms of Winograd convolution on Arm.
#include "mace/kernels/winograd/winograd_tile.h"

namespace mace {
namespace kernels {

void winograd_f32_4x3__neon_input(const WinogradInput &tile) { InputTile(tile); }

void winograd_f32_4x3__neon_output(const WinogradOutput &tile) {
  if (tile.rows == kWinogradOut && tile.columns == kWinogradOut) return OutputTile<true>(tile);
  OutputTile<false>(tile);
}

}  // namespace kernels
}  // namespace mace
