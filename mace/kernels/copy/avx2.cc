// SPDX-License-Identifier: Apache-2.0
// Transposing kernels for 256-bit registers.
#include "mace/kernels/copy/kernels.h"
#include "mace/kernels/copy/transpose_8x8_avx.h"

namespace mace {
namespace kernels {

void transpose_x32_8x8__avx2(const CopyBlock &block, const uint8_t *src, uint8_t *dst) {
  Transpose32(block, src, dst);
}

}  // namespace kernels
}  // namespace mace
