// SPDX-License-Identifier: Apache-2.0
// What the GemmBlocks of arm64 have in common in float32: tiles of 8 or 4 rows and 8 columns, the
// last steps of k, and the product of a single row.
#ifndef MACE_KERNELS_GEMM_GEMM_ASM_ARM64_H_
#define MACE_KERNELS_GEMM_GEMM_ASM_ARM64_H_

#define MACE_LANES ".4s"
#define MACE_LANE ".s"
#include "mace/kernels/gemm/gemm_kernel.h"
#include "mace/kernels/gemm_asm_arm64.h"
#include "mace/kernels/simd.h"

namespace mace {
namespace kernels {
namespace {

// clang-format off
// Sums of earlier steps of k, from C.
#define ROW_SUMS(r0, r1, t0, t1, p) "ld1 " VECTORS2(r0, r1) ", [" p "]\n"
#define LOAD_SUMS(rows) EACH##rows(ROW_SUMS)
// One to three steps of k, with A padded to four.
#define LAST_STEPS(rows) \
  "ands %[count], %[k], #3\n" \
  "b.eq 8f\n" \
  LOAD_A##rows \
  "ld1 {v8.4s, v9.4s}, [%[b]], #32\n" STEP_##rows(8, 9, 0) \
  "cmp %[count], #2\n" \
  "b.lt 8f\n" \
  "ld1 {v10.4s, v11.4s}, [%[b]], #32\n" STEP_##rows(10, 11, 1) \
  "b.eq 8f\n" \
  "ld1 {v12.4s, v13.4s}, [%[b]], #32\n" STEP_##rows(12, 13, 2) \
  "8:\n"
// clang-format on

// One row: each lane of A has accumulators of its own, which would wait for each other otherwise.
void Block1(const GemmBlock &block) {
  const float *b = block.b;
  float *c = block.c[0];
  const float32x4_t low = vdupq_n_f32(block.bounds[0]), high = vdupq_n_f32(block.bounds[1]);
  for (int64_t panel = 0; panel < block.panels; ++panel, c += 8) {
    const float *x = block.a;
    const float *first = block.flags & kGemmBlockAccumulate ? c : b;
    float32x4_t s0 = vld1q_f32(first), s1 = vld1q_f32(first + 4);
    float32x4_t s2 = vdupq_n_f32(0), s3 = s2, s4 = s2, s5 = s2, s6 = s2, s7 = s2;
    b += 8;
    int64_t k = block.k;
    for (; k >= 8; k -= 8) {
      const float32x4x2_t v = vld1q_f32_x2(x);
      x += 8;
      MACE_UNROLL
      for (int half = 0; half < 2; ++half) {
        const float32x4x4_t p = vld1q_f32_x4(b), q = vld1q_f32_x4(b + 16);
        b += 32;
        s0 = vfmaq_laneq_f32(s0, p.val[0], v.val[half], 0);
        s1 = vfmaq_laneq_f32(s1, p.val[1], v.val[half], 0);
        s2 = vfmaq_laneq_f32(s2, p.val[2], v.val[half], 1);
        s3 = vfmaq_laneq_f32(s3, p.val[3], v.val[half], 1);
        s4 = vfmaq_laneq_f32(s4, q.val[0], v.val[half], 2);
        s5 = vfmaq_laneq_f32(s5, q.val[1], v.val[half], 2);
        s6 = vfmaq_laneq_f32(s6, q.val[2], v.val[half], 3);
        s7 = vfmaq_laneq_f32(s7, q.val[3], v.val[half], 3);
      }
    }
    for (; k > 0; --k, b += 8) {
      const float32x4_t v = vld1q_dup_f32(x++);
      s0 = vfmaq_f32(s0, vld1q_f32(b), v);
      s1 = vfmaq_f32(s1, vld1q_f32(b + 4), v);
    }
    s0 = vaddq_f32(vaddq_f32(s0, s2), vaddq_f32(s4, s6));
    s1 = vaddq_f32(vaddq_f32(s1, s3), vaddq_f32(s5, s7));
    if (block.flags & kGemmBlockResidual) {
      const float *r =
          reinterpret_cast<const float *>(reinterpret_cast<const char *>(c) + block.residual);
      s0 = vaddq_f32(s0, vld1q_f32(r));
      s1 = vaddq_f32(s1, vld1q_f32(r + 4));
    }
    vst1q_f32(c, vminq_f32(high, vmaxq_f32(low, s0)));
    vst1q_f32(c + 4, vminq_f32(high, vmaxq_f32(low, s1)));
  }
}

}  // namespace
}  // namespace kernels
}  // namespace mace

#endif  // MACE_KERNELS_GEMM_GEMM_ASM_ARM64_H_
