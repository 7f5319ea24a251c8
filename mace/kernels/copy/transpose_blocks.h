// SPDX-License-Identifier: Apache-2.0
// The loop over square tiles that all transposing kernels share: what does not fill a tile at the
// right or at the bottom is left to smaller tiles, in the end to single elements. Everything is
// static, so that each source has its own copy for its instruction set.
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

// Element by element.
template <int64_t kBytes>
inline void TransposeElements(const CopyBlock &block, const uint8_t *src, uint8_t *dst) {
  for (int64_t column = 0; column < block.outer.size; ++column) {
    for (int64_t row = 0; row < block.inner.size; ++row) {
      CopyElement<kBytes>(src + column * kBytes + row * block.inner.src_stride,
                          dst + column * block.outer.dst_stride + row * kBytes);
    }
  }
}

// kTile is called as kTile(src, src_stride, dst, dst_stride): a tile of kSide x kSide elements,
// its rows src_stride bytes apart in src and its columns dst_stride bytes apart in dst. kRest does
// what is left at the right and below.
template <int64_t kBytes, int kSide, void (*kTile)(const uint8_t *, int64_t, uint8_t *, int64_t),
          CopyKernel kRest = TransposeElements<kBytes>>
inline void TransposeBlocks(const CopyBlock &block, const uint8_t *src, uint8_t *dst) {
  const int64_t columns = block.outer.size / kSide * kSide;
  const int64_t rows = block.inner.size / kSide * kSide;
  const int64_t src_stride = block.inner.src_stride, dst_stride = block.outer.dst_stride;
  // Down the rows first: the few columns of dst that are being written then grow by whole cache
  // lines, in as many pages, whatever their distance.
  for (int64_t column = 0; column < columns; column += kSide) {
    for (int64_t row = 0; row < rows; row += kSide) {
      kTile(src + row * src_stride + column * kBytes, src_stride,
            dst + column * dst_stride + row * kBytes, dst_stride);
    }
  }
  CopyBlock rest = block;
  if (columns < block.outer.size) {
    rest.outer.size -= columns;
    kRest(rest, src + columns * kBytes, dst + columns * dst_stride);
  }
  if (rows < block.inner.size && columns > 0) {
    rest.outer.size = columns;
    rest.inner.size -= rows;
    kRest(rest, src + rows * src_stride, dst + rows * kBytes);
  }
}

}  // namespace
}  // namespace kernels
}  // namespace mace

#endif  // MACE_KERNELS_COPY_TRANSPOSE_BLOCKS_H_
