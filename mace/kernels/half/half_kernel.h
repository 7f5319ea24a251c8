// SPDX-License-Identifier: Apache-2.0
// The contracts of kernels that compute with binary16 numbers, each held as its bits: a block of a
// matrix product, rows of a depthwise convolution, conversions. half_conv.h and half_dwconv.h have
// the loops around them. Sources of one instruction set include nothing else of ours.
#ifndef MACE_KERNELS_HALF_HALF_KERNEL_H_
#define MACE_KERNELS_HALF_HALF_KERNEL_H_

#include <stdint.h>

namespace mace {
namespace kernels {

constexpr int kHalfRows = 8;      // of a tile of a product
constexpr int kHalfColumns = 16;  // of a panel
// Bias in front of a panel: twice, so that one instruction loads that of two rows of accumulators.
constexpr int kHalfBias = 2 * kHalfColumns;

// C = min(max(bias + A * B + residual, low), high) for a row of tiles. A lies packed in octets of
// k, each with 8 numbers of each row, [ceil(k / 8)][height][8], zeros past k. The height is 1, 4 or
// 8; where that is more than there are, rows past the last one repeat it, in A as in C.
struct HalfBlock {
  const uint16_t *a;
  intptr_t quads;      // ceil(k / 4), at least 1
  const uint16_t *b;   // panels, each [bias, bias][4 * quads][16], zeros past k
  intptr_t panels;     // at least 1
  uint16_t *const *c;  // [height] rows of C, at the first column of the first panel
  intptr_t residual;   // bytes from an element of C to its residual
  uintptr_t flags;     // of HalfBlockFlag
  int height;
  uint16_t bounds[2];  // low, high
};
enum HalfBlockFlag : uintptr_t {
  kHalfBlockResidual = 1,
  kHalfBlockLow = 2,   // the lower bound is not -infinity
  kHalfBlockHigh = 4,  // the upper bound is not infinity
};
using HalfBlockFunction = void (*)(const HalfBlock &block);
// Packs `octets` octets of `height` rows for HalfBlock; returns where the next one goes.
using HalfPackFunction = uint16_t *(*)(const uint16_t *const *rows, int height, intptr_t octets,
                                       uint16_t *to);

// Rows of the output of a depthwise convolution of one image: as DwconvRows (dwconv_kernel.h), in
// binary16, with blocks of 8 lanes.
constexpr int kHalfLanes = 8;
struct HalfDwconvRows {
  const uint16_t *in;
  int64_t in_row;
  int64_t row_begin;
  int64_t row_end;
  int64_t in_w;
  int64_t channels;  // at least 8
  const uint16_t *packed;
  uint16_t *out;
  int64_t out_row;
  int64_t out_w;
  int64_t pad_left;
  int64_t kernel_h;
  int64_t kernel_w;
  int64_t stride_w;
  int64_t dilation_w;
  float low;
  float high;
};
using HalfDwconvFunction = void (*)(const HalfDwconvRows &rows);

// n numbers to the nearest of the other type, ties to even.
using ToHalfFunction = void (*)(const float *in, int64_t n, uint16_t *out);
using FromHalfFunction = void (*)(const uint16_t *in, int64_t n, float *out);

#define MACE_HALF_GEMM_KERNEL(name, isa) \
  void name(const HalfBlock &block);     \
  uint16_t *name##_pack(const uint16_t *const *rows, int height, intptr_t octets, uint16_t *to);
#define MACE_HALF_DWCONV_KERNEL(name, isa, window, stride, rows, pixels) \
  void name(const HalfDwconvRows &arguments);
#define MACE_HALF_CONVERT_KERNEL(name, isa)                    \
  void name##_from(const uint16_t *in, int64_t n, float *out); \
  void name##_to(const float *in, int64_t n, uint16_t *out);
#include "mace/kernels/half/kernels.inc"
#undef MACE_HALF_GEMM_KERNEL
#undef MACE_HALF_DWCONV_KERNEL
#undef MACE_HALF_CONVERT_KERNEL

}  // namespace kernels
}  // namespace mace

#endif  // MACE_KERNELS_HALF_HALF_KERNEL_H_
