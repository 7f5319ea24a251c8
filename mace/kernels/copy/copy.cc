// SPDX-License-Identifier: Apache-2.0
// How a strided copy is done: dimensions that follow each other in both views become one, the two
// that matter go to a kernel, and the work is cut into units that fit the first-level cache.
#include "mace/kernels/copy/copy.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "mace/kernels/copy/copy_bytes.h"
#include "mace/kernels/copy/kernels.h"
#include "mace/kernels/listener.h"

namespace mace {
namespace kernels {

const TransposeKernel kTransposeKernels[] = {
#define MACE_TRANSPOSE_KERNEL(name, element_bytes, isa) {#name, element_bytes, isa, name},
#include "mace/kernels/copy/kernels.inc"
#undef MACE_TRANSPOSE_KERNEL
};
const int kTransposeKernelCount = sizeof(kTransposeKernels) / sizeof(kTransposeKernels[0]);

namespace {

constexpr int64_t kUnitBytes = 16 * 1024;
// Rows up to this many bytes are not worth a call of memcpy.
constexpr int64_t kSmallRow = 32;

// Rows of 32 to 64 bytes: four moves, which may overlap, cost less than a call of memcpy.
void CopyShortRows(const CopyBlock &block, const uint8_t *src, uint8_t *dst) {
  constexpr int64_t kMove = 16;
  const int64_t third = block.inner.size - 2 * kMove, fourth = block.inner.size - kMove;
  for (int64_t i = 0; i < block.outer.size; ++i) {
    uint8_t a[kMove], b[kMove], c[kMove], d[kMove];
    std::memcpy(a, src, kMove);
    std::memcpy(b, src + kMove, kMove);
    std::memcpy(c, src + third, kMove);
    std::memcpy(d, src + fourth, kMove);
    std::memcpy(dst, a, kMove);
    std::memcpy(dst + kMove, b, kMove);
    std::memcpy(dst + third, c, kMove);
    std::memcpy(dst + fourth, d, kMove);
    src += block.outer.src_stride;
    dst += block.outer.dst_stride;
  }
}

void CopyRows(const CopyBlock &block, const uint8_t *src, uint8_t *dst) {
  if (block.inner.size >= 32 && block.inner.size <= 64) return CopyShortRows(block, src, dst);
  for (int64_t i = 0; i < block.outer.size; ++i) {
    std::memcpy(dst + i * block.outer.dst_stride, src + i * block.outer.src_stride,
                static_cast<size_t>(block.inner.size));
  }
}

// Two moves of half the size or more, which may overlap, make up any size.
template <int64_t kMove>
void CopySmallRows(const CopyBlock &block, const uint8_t *src, uint8_t *dst) {
  const int64_t second = block.bytes - kMove;
  for (int64_t i = 0; i < block.outer.size; ++i) {
    const uint8_t *from = src + i * block.outer.src_stride;
    uint8_t *to = dst + i * block.outer.dst_stride;
    for (int64_t j = 0; j < block.inner.size; ++j) {
      uint8_t first_move[kMove], second_move[kMove];
      std::memcpy(first_move, from, kMove);
      std::memcpy(second_move, from + second, kMove);
      std::memcpy(to, first_move, kMove);
      std::memcpy(to + second, second_move, kMove);
      from += block.inner.src_stride;
      to += block.inner.dst_stride;
    }
  }
}

template <int64_t kBytes>
void CopyElements(const CopyBlock &block, const uint8_t *src, uint8_t *dst) {
  for (int64_t i = 0; i < block.outer.size; ++i) {
    const uint8_t *from = src + i * block.outer.src_stride;
    uint8_t *to = dst + i * block.outer.dst_stride;
    for (int64_t j = 0; j < block.inner.size; ++j) {
      std::memcpy(to, from, kBytes);
      from += block.inner.src_stride;
      to += block.inner.dst_stride;
    }
  }
}

CopyKernel ElementKernel(int64_t bytes) {
  switch (bytes) {
    case 1:
      return CopyElements<1>;
    case 2:
      return CopyElements<2>;
    case 4:
      return CopyElements<4>;
    case 8:
      return CopyElements<8>;
    case 16:
      return CopyElements<16>;
    default:
      return nullptr;
  }
}

CopyKernel SmallRowKernel(int64_t bytes) {
  if (bytes > 16) return CopySmallRows<16>;
  if (bytes > 8) return CopySmallRows<8>;
  if (bytes > 4) return CopySmallRows<4>;
  return CopySmallRows<2>;
}

// Of what is cut into units, unless it is less than a tile.
int64_t WholeTiles(int64_t size) { return size < 16 ? size : size / 16 * 16; }

int64_t ChunkCount(int64_t size, int64_t chunk) { return (size + chunk - 1) / chunk; }

}  // namespace

void StridedCopy::Add(int64_t size, int64_t src_stride, int64_t dst_stride) {
  dims_[rank_++] = {size, src_stride, dst_stride};
}

void StridedCopy::SortAndMerge() {
  int kept = 0;
  for (int i = 0; i < rank_; ++i) {
    if (dims_[i].size != 1) dims_[kept++] = dims_[i];
  }
  rank_ = kept;
  std::sort(dims_, dims_ + rank_, [](const CopyDim &a, const CopyDim &b) {
    return std::abs(a.dst_stride) > std::abs(b.dst_stride);
  });
  kept = 0;
  for (int i = 0; i < rank_; ++i) {
    const CopyDim &dim = dims_[i];
    if (kept > 0 && dims_[kept - 1].src_stride == dim.src_stride * dim.size &&
        dims_[kept - 1].dst_stride == dim.dst_stride * dim.size) {
      dims_[kept - 1] = {dims_[kept - 1].size * dim.size, dim.src_stride, dim.dst_stride};
    } else {
      dims_[kept++] = dim;
    }
  }
  rank_ = kept;
}

CopyDim StridedCopy::Take(int i) {
  if (i < 0) return {1, 0, 0};
  const CopyDim dim = dims_[i];
  std::copy(dims_ + i + 1, dims_ + rank_, dims_ + i);
  --rank_;
  return dim;
}

void StridedCopy::SetKernel(const char *name, CopyKernel kernel) {
  kernel_name_ = name;
  kernel_ = kernel;
}

bool StridedCopy::ChooseTranspose(uint32_t isas) {
  // Images of three channels: a kernel of AVX2 knows them.
  const int64_t least = block_.bytes == 4 && (isas & kIsaAvx2) != 0 ? 3 : 4;
  if (rank_ < 2 || dims_[rank_ - 1].dst_stride != block_.bytes || dims_[rank_ - 1].size < least) {
    return false;
  }
  int column = rank_ - 2;
  while (column >= 0 && dims_[column].src_stride != block_.bytes) --column;
  if (column < 0 || dims_[column].size < least) return false;
  for (int i = 0; i < kTransposeKernelCount; ++i) {
    const TransposeKernel &kernel = kTransposeKernels[i];
    if (kernel.element_bytes == block_.bytes && (isas & kernel.isa) != 0) {
      SetKernel(kernel.name, kernel.function);
    }
  }
  if (kernel_ == nullptr) return false;
  block_.inner = Take(rank_ - 1);
  block_.outer = Take(column);
  return true;
}

void StridedCopy::ChooseKernel(uint32_t isas) {
  // The bytes that lie together in both views.
  block_.bytes = 1;
  if (rank_ > 0 && dims_[rank_ - 1].src_stride == 1 && dims_[rank_ - 1].dst_stride == 1) {
    block_.bytes = Take(rank_ - 1).size;
  }
  if (block_.bytes > kSmallRow) {
    SetKernel("rows", CopyRows);
    block_.inner = {block_.bytes, 1, 1};
    block_.outer = Take(rank_ - 1);
    block_.bytes = 1;
    CutIntoUnits(kUnitBytes, std::max<int64_t>(1, kUnitBytes / block_.inner.size));
    return;
  }
  if (ChooseTranspose(isas)) {
    // Long pieces where one of the dimensions is short, as channels are.
    const int64_t elements = kUnitBytes / block_.bytes;
    const int64_t side = std::min<int64_t>(block_.bytes > 2 ? 64 : 128, block_.inner.size);
    const int64_t columns = std::min(std::max<int64_t>(8, elements / side), block_.outer.size);
    CutIntoUnits(WholeTiles(std::max(side, elements / columns)), WholeTiles(columns));
    return;
  }
  SetKernel("elements", ElementKernel(block_.bytes));
  if (kernel_ == nullptr) SetKernel("small_rows", SmallRowKernel(block_.bytes));
  block_.inner = Take(rank_ - 1);
  block_.outer = Take(rank_ - 1);
  // A long inner loop costs less than a short one, whatever the order in memory.
  if (block_.inner.size < 8 && block_.outer.size > block_.inner.size) {
    std::swap(block_.inner, block_.outer);
  }
  const int64_t elements = std::max<int64_t>(1, kUnitBytes / block_.bytes);
  const int64_t inner_chunk = std::min(elements, std::max<int64_t>(1, block_.inner.size));
  CutIntoUnits(inner_chunk, std::max<int64_t>(1, elements / inner_chunk));
}

void StridedCopy::CutIntoUnits(int64_t inner_chunk, int64_t outer_chunk) {
  inner_chunk_ = inner_chunk;
  outer_chunk_ = outer_chunk;
  inner_chunks_ = ChunkCount(block_.inner.size, inner_chunk);
  outer_chunks_ = ChunkCount(block_.outer.size, outer_chunk);
  units_ = inner_chunks_ * outer_chunks_;
  for (int i = 0; i < rank_; ++i) units_ *= dims_[i].size;
}

void StridedCopy::Prepare(uint32_t isas) {
  bytes_ = 1;
  for (int i = 0; i < rank_; ++i) bytes_ *= dims_[i].size;
  if (bytes_ == 0) return;
  SortAndMerge();
  ChooseKernel(isas);
}

void StridedCopy::Run(const void *src, void *dst, int64_t begin, int64_t end) const {
  if (begin >= end) return;
  const uint8_t *from = static_cast<const uint8_t *>(src) + src_offset_;
  uint8_t *to = static_cast<uint8_t *>(dst) + dst_offset_;
  int64_t index[kMaxCopyDims + 1];
  int64_t rest = begin;
  int64_t inner = rest % inner_chunks_;
  rest /= inner_chunks_;
  int64_t outer = rest % outer_chunks_;
  rest /= outer_chunks_;
  for (int i = rank_ - 1; i >= 0; --i) {
    index[i] = rest % dims_[i].size;
    rest /= dims_[i].size;
    from += index[i] * dims_[i].src_stride;
    to += index[i] * dims_[i].dst_stride;
  }
  CopyBlock block = block_;
  for (int64_t unit = begin; unit < end; ++unit) {
    const int64_t i = outer * outer_chunk_, j = inner * inner_chunk_;
    block.outer.size = std::min(outer_chunk_, block_.outer.size - i);
    block.inner.size = std::min(inner_chunk_, block_.inner.size - j);
    const uint8_t *block_from = from + i * block_.outer.src_stride + j * block_.inner.src_stride;
    uint8_t *block_to = to + i * block_.outer.dst_stride + j * block_.inner.dst_stride;
    {
      MACE_TELL_LISTENER(OnCopyBlock(kernel_name_, block, block_from, block_to));
      kernel_(block, block_from, block_to);
    }
    if (++inner < inner_chunks_) continue;
    inner = 0;
    if (++outer < outer_chunks_) continue;
    outer = 0;
    for (int d = rank_ - 1; d >= 0; --d) {
      from += dims_[d].src_stride;
      to += dims_[d].dst_stride;
      if (++index[d] < dims_[d].size) break;
      from -= dims_[d].size * dims_[d].src_stride;
      to -= dims_[d].size * dims_[d].dst_stride;
      index[d] = 0;
    }
  }
}

void CopyBlocks(const CopyBlock &block, const uint8_t *src, uint8_t *dst) {
  if (block.bytes == 1 && block.inner.src_stride == 1 && block.inner.dst_stride == 1) {
    return CopyRows(block, src, dst);
  }
  const CopyKernel kernel = ElementKernel(block.bytes);
  (kernel == nullptr ? SmallRowKernel(block.bytes) : kernel)(block, src, dst);
}

void CopyBytes(void *dst, const void *src, size_t bytes) {
  MACE_TELL_LISTENER(OnCopyBytes(dst, src, bytes));
  std::memcpy(dst, src, bytes);
}

void FillElements(void *dst, const void *element, int64_t element_bytes, int64_t count) {
  MACE_TELL_LISTENER(OnFillElements(dst, element, element_bytes, count));
  uint8_t *to = static_cast<uint8_t *>(dst);
  const int64_t total = element_bytes * count;
  if (total <= 0) return;
  const uint8_t *bytes = static_cast<const uint8_t *>(element);
  if (std::all_of(bytes, bytes + element_bytes, [=](uint8_t b) { return b == *bytes; })) {
    std::memset(to, *bytes, static_cast<size_t>(total));
    return;
  }
  // What is filled so far is the pattern for the next part, up to a size that stays in the cache.
  std::memcpy(to, element, static_cast<size_t>(element_bytes));
  for (int64_t done = element_bytes; done < total;) {
    const int64_t part = std::min({done, total - done, int64_t{4096}});
    std::memcpy(to + done, to, static_cast<size_t>(part));
    done += part;
  }
}

}  // namespace kernels
}  // namespace mace
