// SPDX-License-Identifier: Apache-2.0
// Transposing kernels in plain C++, for every element size.
#include "mace/kernels/copy/kernels.h"
#include "mace/kernels/copy/transpose_blocks.h"

namespace mace {
namespace kernels {
namespace {

// Tiles of 4 x 4 keep the reads of a column inside few cache lines.
template <int64_t kBytes>
void Tile(const uint8_t *src, int64_t src_stride, uint8_t *dst, int64_t dst_stride) {
  for (int64_t column = 0; column < 4; ++column) {
    for (int64_t row = 0; row < 4; ++row) {
      CopyElement<kBytes>(src + row * src_stride + column * kBytes,
                          dst + column * dst_stride + row * kBytes);
    }
  }
}

}  // namespace

void transpose_x8__reference(const CopyBlock &block, const uint8_t *src, uint8_t *dst) {
  TransposeBlocks<1, 4, Tile<1>>(block, src, dst);
}

void transpose_x16__reference(const CopyBlock &block, const uint8_t *src, uint8_t *dst) {
  TransposeBlocks<2, 4, Tile<2>>(block, src, dst);
}

void transpose_x32__reference(const CopyBlock &block, const uint8_t *src, uint8_t *dst) {
  TransposeBlocks<4, 4, Tile<4>>(block, src, dst);
}

void transpose_x64__reference(const CopyBlock &block, const uint8_t *src, uint8_t *dst) {
  TransposeBlocks<8, 4, Tile<8>>(block, src, dst);
}

void transpose_x128__reference(const CopyBlock &block, const uint8_t *src, uint8_t *dst) {
  TransposeBlocks<16, 4, Tile<16>>(block, src, dst);
}

}  // namespace kernels
}  // namespace mace
