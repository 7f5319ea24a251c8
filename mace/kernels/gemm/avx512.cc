// SPDX-License-Identifier: Apache-2.0
// GEMM tiles of AVX-512. 32 registers: 28 accumulators, 2 vectors of B, 1 element of A.
#include "mace/kernels/gemm/gemm_tile_x86.h"

namespace mace {
namespace kernels {

void gemm_f32_14x32__avx512(const GemmTile &tile) { RunTile<Vector, 14>(tile); }

}  // namespace kernels
}  // namespace mace
