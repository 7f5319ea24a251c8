// SPDX-License-Identifier: Apache-2.0
// GEMM tiles of AVX2. 16 registers: 12 accumulators, 2 vectors of B, 1 element of A; g++ spills a
// tile of 4x24.
#include "mace/kernels/gemm/gemm_tile_x86.h"

namespace mace {
namespace kernels {

void gemm_f32_6x16__avx2(const GemmTile &tile) { RunTile<Vector, 6>(tile); }

}  // namespace kernels
}  // namespace mace
