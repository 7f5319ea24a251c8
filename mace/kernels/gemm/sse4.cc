// SPDX-License-Identifier: Apache-2.0
// GEMM tiles of SSE4. No fused multiply-add: the product takes a register, so 8 accumulators.
#include "mace/kernels/gemm/gemm_tile_x86.h"

namespace mace {
namespace kernels {

void gemm_f32_4x8__sse4(const GemmTile &tile) { RunTile<Vector, 4>(tile); }

}  // namespace kernels
}  // namespace mace
