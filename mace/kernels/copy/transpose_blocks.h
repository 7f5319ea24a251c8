// SPDX-License-Identifier: Apache-2.0
// The loop over square tiles that all transposing kernels share: what does not fill a tile at the
// right or at the bottom is copied element by element. Everything is static, so that each source
// has its own copy for its instruction set.
#ifndef MACE_KERNELS_COPY_TRANSPOSE_BLOCKS_H_
#define MACE_KERNELS_COPY_TRANSPOSE_BLOCKS_H_

#include "mace/kernels/copy/copy.h"

namespace mace {
namespace kernels {
namespace {

template <int64_t kBytes>
inline void CopyElement(const uint8_t *src, uint8_t *dst) {
  __builtin_memcpy(dst, src, kBytes);
}

// kTile is called as kTile(src, src_stride, dst, dst_stride): a tile of kSide x kSide elements,
// its rows src_stride bytes apart in src and its columns dst_stride bytes apart in dst.
template <int64_t kBytes, int kSide, void (*kTile)(const uint8_t *, int64_t, uint8_t *, int64_t)>
inline void TransposeBlocks(const CopyBlock &block, const uint8_t *src, uint8_t *dst) {
  const int64_t columns = block.outer.size, rows = block.inner.size;
  const int64_t src_stride = block.inner.src_stride, dst_stride = block.outer.dst_stride;
  const int64_t whole_rows = rows / kSide * kSide;
  // Down the rows first: the few columns of dst that are being written then grow by whole cache
  // lines, in as many pages, whatever their distance.
  int64_t column = 0;
  for (; column + kSide <= columns; column += kSide) {
    const uint8_t *from = src + column * kBytes;
    uint8_t *to = dst + column * dst_stride;
    for (int64_t row = 0; row < whole_rows; row += kSide) {
      kTile(from + row * src_stride, src_stride, to + row * kBytes, dst_stride);
    }
  }
  for (; column < columns; ++column) {
    for (int64_t i = 0; i < whole_rows; ++i) {
      CopyElement<kBytes>(src + column * kBytes + i * src_stride,
                          dst + column * dst_stride + i * kBytes);
    }
  }
  for (column = 0; column < columns; ++column) {
    for (int64_t i = whole_rows; i < rows; ++i) {
      CopyElement<kBytes>(src + column * kBytes + i * src_stride,
                          dst + column * dst_stride + i * kBytes);
    }
  }
}

}  // namespace
}  // namespace kernels
}  // namespace mace

#endif  // MACE_KERNELS_COPY_TRANSPOSE_BLOCKS_H_
