// SPDX-License-Identifier: Apache-2.0
// The GEMM tile in plain C++, as its contract says it: what runs where no other kernel does.
#include "mace/kernels/gemm/gemm_kernel.h"

namespace mace {
namespace kernels {

void gemm_f32_4x4__reference(const GemmTile &tile) {
  for (int i = 0; i < tile.m; ++i) {
    for (int j = 0; j < tile.n; ++j) {
      float sum = tile.b[j];
      const float *b = tile.b + tile.n + j;
      for (int64_t tap = 0; tap < tile.taps; ++tap) {
        const float *a = tile.a + tile.tap_offsets[tap] + i * tile.lda;
        for (int64_t l = 0; l < tile.k; ++l, b += tile.n) sum += a[l] * *b;
      }
      if (tile.residual != nullptr) sum += tile.residual[i * tile.ldr + j];
      if (sum < tile.low) sum = tile.low;
      if (sum > tile.high) sum = tile.high;
      tile.c[i * tile.ldc + j] = sum;
    }
  }
}

}  // namespace kernels
}  // namespace mace
