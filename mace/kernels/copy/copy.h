// SPDX-License-Identifier: Apache-2.0
// Copies between two strided views of memory: transposing, slicing, joining, reversing, repeating
// and moving blocks between space and depth are all this, with other strides. Elements are bytes
// of a given size, never interpreted.
#ifndef MACE_KERNELS_COPY_COPY_H_
#define MACE_KERNELS_COPY_COPY_H_

#include <cstdint>

#include "mace/base/isa.h"

namespace mace {
namespace kernels {

// Enough to repeat a tensor of rank 6 along each dimension.
constexpr int kMaxCopyDims = 12;

// One dimension that both views walk along; strides in bytes.
struct CopyDim {
  int64_t size;
  int64_t src_stride;  // 0 repeats, negative reverses
  int64_t dst_stride;  // not 0, unless size is at most 1
};

// What a kernel copies: for all i < outer.size and j < inner.size the `bytes` bytes at
// src + i * outer.src_stride + j * inner.src_stride to the same place of dst.
struct CopyBlock {
  CopyDim outer;
  CopyDim inner;
  int64_t bytes;
};
using CopyKernel = void (*)(const CopyBlock &block, const uint8_t *src, uint8_t *dst);

// A kernel that transposes blocks: outer.src_stride and inner.dst_stride are the element size.
struct TransposeKernel {
  const char *name;
  int64_t element_bytes;
  Isa isa;
  CopyKernel function;
};
// All of them, the best last; generated from kernels.inc.
extern const TransposeKernel kTransposeKernels[];
extern const int kTransposeKernelCount;

// A copy, described by dimensions in any order, and how it is done: dimensions merged and sorted,
// kernel chosen, work cut into units.
//
//   StridedCopy copy(4);                  // transposes float[3][5]
//   copy.Add(3, 5 * 4, 4);
//   copy.Add(5, 4, 3 * 4);
//   copy.Prepare(SupportedIsas());
//   copy.Run(src, dst, 0, copy.units());
//
// The views may not overlap, and the dimensions must name each byte of dst at most once.
// The caller has checked that all offsets fit int64_t.
class StridedCopy {
 public:
  // element_bytes: any positive number.
  explicit StridedCopy(int64_t element_bytes) { Add(element_bytes, 1, 1); }

  // Adds a dimension; at most kMaxCopyDims.
  void Add(int64_t size, int64_t src_stride, int64_t dst_stride);
  // Start of the views, added to the pointers given to Run; in bytes.
  void SetOffsets(int64_t src_offset, int64_t dst_offset) {
    src_offset_ = src_offset;
    dst_offset_ = dst_offset;
  }
  // Chooses among the kernels of `isas` (bits of Isa).
  void Prepare(uint32_t isas);

  // Independent parts of the work, of 16 KB at most; 0 when there is nothing to copy.
  int64_t units() const { return units_; }
  // Bytes written by all units.
  int64_t bytes() const { return bytes_; }
  // Name of the kernel, for tests.
  const char *kernel_name() const { return kernel_name_; }

  // Copies units [begin, end). Threads may run disjoint ranges at the same time.
  void Run(const void *src, void *dst, int64_t begin, int64_t end) const;

 private:
  void SortAndMerge();
  void ChooseKernel(uint32_t isas);
  bool ChooseTranspose(uint32_t isas);
  void SetKernel(const char *name, CopyKernel kernel);
  CopyDim Take(int i);
  void CutIntoUnits(int64_t inner_chunk, int64_t outer_chunk);

  int rank_ = 0;
  CopyDim dims_[kMaxCopyDims + 1];  // once prepared: those outside block_, outermost first
  int64_t src_offset_ = 0;
  int64_t dst_offset_ = 0;

  CopyBlock block_ = {};
  int64_t inner_chunk_ = 1, outer_chunk_ = 1;    // of a unit
  int64_t inner_chunks_ = 1, outer_chunks_ = 1;  // of the block
  CopyKernel kernel_ = nullptr;
  const char *kernel_name_ = "";
  int64_t units_ = 0;
  int64_t bytes_ = 0;
};

// Writes the element of `element_bytes` bytes (1, 2, 4 or 8) `count` times to dst.
void FillElements(void *dst, const void *element, int64_t element_bytes, int64_t count);

}  // namespace kernels
}  // namespace mace

#endif  // MACE_KERNELS_COPY_COPY_H_
