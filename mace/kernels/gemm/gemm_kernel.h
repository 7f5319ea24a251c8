// SPDX-License-Identifier: Apache-2.0
// The contract of a GEMM kernel: a function that computes one register tile. gemm.h has the loops
// around it and the packing. Sources of one instruction set include this and nothing of the
// library.
#ifndef MACE_KERNELS_GEMM_GEMM_KERNEL_H_
#define MACE_KERNELS_GEMM_GEMM_KERNEL_H_

#include <stdint.h>

namespace mace {
namespace kernels {

// One tile of C = min(max(bias + sum over taps A_tap * B_tap + residual, low), high):
//
//   c[i * ldc + j] for i < m, j < n
//   A_tap[i][l] = a[tap_offsets[tap] + i * lda + l]              l < k
//   B_tap[l][j] = b[(1 + tap * k + l) * width + j], bias[j] = b[j]
//
// with width = n rounded up to the kernel's lanes. A is read where it lies, nothing outside its
// elements is touched, and nothing but the m * n elements of C is written. NaN passes through.
struct GemmTile {
  const float *a;
  const int64_t *tap_offsets;
  int64_t taps;  // 0: C is made of bias and residual alone
  int64_t k;     // at least 1
  int64_t lda;
  const float *b;
  float *c;
  int64_t ldc;
  const float *residual;  // null: none
  int64_t ldr;
  float low;
  float high;
  int m;  // 1 to the kernel's rows
  int n;  // 1 to the kernel's columns
  // Memory that will be read next: a kernel may prefetch one line at `prefetch` in each step of k
  // and then advance it by `prefetch_step` (floats, 0: always the same line).
  const float *prefetch;
  int64_t prefetch_step;
};

using GemmFunction = void (*)(const GemmTile &tile);

// Some kernels compute a row of tiles faster when its rows of A lie packed: quads of k, each with 4
// floats of each row, [ceil(k / 4)][height][4]. The height is 1, 4 or the kernel's rows; where that
// is more than there are, rows past the last one repeat it, in A as in C. Past k anything may lie.
struct GemmBlock {
  const float *a;
  intptr_t k;         // through all taps, at least 1
  const float *b;     // panels of full width, each [bias][k][columns]
  intptr_t panels;    // at least 1
  float *const *c;    // [height] rows of C, at the first column of the first panel
  intptr_t residual;  // bytes from an element of C to its residual
  uintptr_t flags;    // of GemmBlockFlag
  int height;
  float bounds[2];  // low, high
};
enum GemmBlockFlag : uintptr_t {
  // With these three, residuals of all rows are read before a row is written: rows may be repeated
  // and be their own residual.
  kGemmBlockResidual = 1,
  kGemmBlockLow = 2,   // there may be a lower bound; without this bit it is -infinity
  kGemmBlockHigh = 4,  // there may be an upper bound; without this bit it is infinity
  // C holds sums of earlier steps of k, which take the place of the bias. On arm64 alone, and not
  // together with a residual.
  kGemmBlockAccumulate = 8,
};
// Packs A for GemmBlock from `height` rows, whose elements are at rows[i][tap_offsets[tap] + l].
struct GemmPack {
  const float *const *rows;
  const int64_t *tap_offsets;
  int64_t taps;
  int64_t k;  // of a tap
  int height;
  float *packed;  // ceil(taps * k / 4) * 4 * height floats
};

using GemmBlockFunction = void (*)(const GemmBlock &block);
using GemmPackFunction = void (*)(const GemmPack &pack);

#define MACE_GEMM_KERNEL(name, isa, rows, columns, lanes) void name(const GemmTile &tile);
#define MACE_GEMM_BLOCK_KERNEL(name, isa, rows, columns, lanes) \
  void name(const GemmTile &tile);                              \
  void name##_block(const GemmBlock &block);                    \
  void name##_pack(const GemmPack &pack);
#include "mace/kernels/gemm/kernels.inc"
#undef MACE_GEMM_KERNEL
#undef MACE_GEMM_BLOCK_KERNEL

}  // namespace kernels
}  // namespace mace

#endif  // MACE_KERNELS_GEMM_GEMM_KERNEL_H_
