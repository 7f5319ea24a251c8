// SPDX-License-Identifier: Apache-2.0
// The contract of a kernel of bfloat16 products: rows of float32 are rounded to bfloat16 when they
// are packed, B was when it was packed, sums are float32. bf16_gemm.h has the loops around it.
// Sources of one instruction set include nothing else of ours.
#ifndef MACE_KERNELS_BF16_BF16_KERNEL_H_
#define MACE_KERNELS_BF16_BF16_KERNEL_H_

#include <stdint.h>

namespace mace {
namespace kernels {

// Rounds `height` rows and lays them out as the kernel reads them. Element l of tap t of row i is
// rows[i][tap_offsets[t] + l]; in what is packed it is step t * k + l. Steps from taps * k to depth
// are zeros; rows from `height` to the kernel's may be anything. All is in tiles of the kernel's
// rows, one after the other, each rows * depth numbers.
struct Bf16Pack {
  const float *const *rows;
  int64_t height;  // at least 1; any number of tiles
  const int64_t *tap_offsets;
  int64_t taps;
  int64_t k;
  int64_t depth;  // taps * k, rounded up to the kernel's
  uint16_t *packed;
};

// C = min(max(bias + A * B + residual, low), high) for m rows and n columns.
struct Bf16Block {
  const uint16_t *a;  // as Bf16Pack made it, 64-byte aligned
  int64_t depth;      // 0: C is made of bias and residual alone
  // Panels of the kernel's columns, one after the other: [columns] floats of bias, then
  // [depth / group][columns][group] numbers, zeros past the last column. 64-byte aligned.
  const float *b;
  float *const *c;               // [m] rows of C
  const float *const *residual;  // [m] rows, which may be those of C; null: none
  int64_t m;                     // at least 1
  int64_t n;                     // at least 1
  float low;
  float high;
};

using Bf16PackFunction = void (*)(const Bf16Pack &pack);
using Bf16BlockFunction = void (*)(const Bf16Block &block);

#define MACE_BF16_GEMM_KERNEL(name, isa, rows, columns, depth, group) \
  void name(const Bf16Block &block);                                  \
  void name##_pack(const Bf16Pack &pack);
#include "mace/kernels/bf16/kernels.inc"
#undef MACE_BF16_GEMM_KERNEL

}  // namespace kernels
}  // namespace mace

#endif  // MACE_KERNELS_BF16_BF16_KERNEL_H_
