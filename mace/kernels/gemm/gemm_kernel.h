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

#define MACE_GEMM_KERNEL(name, isa, rows, columns, lanes) void name(const GemmTile &tile);
#include "mace/kernels/gemm/kernels.inc"
#undef MACE_GEMM_KERNEL

}  // namespace kernels
}  // namespace mace

#endif  // MACE_KERNELS_GEMM_GEMM_KERNEL_H_
