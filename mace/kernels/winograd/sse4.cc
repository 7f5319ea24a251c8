// SPDX-License-Identifier: Apache-2.0
// The transforms of Winograd convolution by SSE4.
#include "mace/kernels/winograd/winograd_tile_x86.h"

namespace mace {
namespace kernels {

void winograd_f32_4x3__sse4_input(const WinogradInput &tile) { InputTile<4>(tile); }
void winograd_f32_4x3__sse4_output(const WinogradOutput &tile) { OutputTile<4>(tile); }
void winograd_f32_2x3__sse4_input(const WinogradInput &tile) { InputTile<2>(tile); }
void winograd_f32_2x3__sse4_output(const WinogradOutput &tile) { OutputTile<2>(tile); }

}  // namespace kernels
}  // namespace mace
