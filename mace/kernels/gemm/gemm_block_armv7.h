// SPDX-License-Identifier: Apache-2.0
// GemmBlock on armv7: 4 rows or 1 times panels of 8 columns, each loop over panels one asm
// statement. q8-q15 are accumulators, q0-q3 hold A, q4-q7 hold B.
#ifndef MACE_KERNELS_GEMM_GEMM_BLOCK_ARMV7_H_
#define MACE_KERNELS_GEMM_GEMM_BLOCK_ARMV7_H_

#include <stddef.h>

#include "mace/kernels/gemm/gemm_kernel.h"
#include "mace/kernels/simd.h"

namespace mace {
namespace kernels {
namespace {

// clang-format off
#define MLA(acc, b, a) "vmla.f32 q" #acc ", q" #b ", " a "\n"
// One step of k: rows' elements a0 to a3, and two vectors of B.
#define STEP(b0, b1, a0, a1, a2, a3) \
  MLA(8, b0, a0) MLA(9, b1, a0) MLA(10, b0, a1) MLA(11, b1, a1) \
  MLA(12, b0, a2) MLA(13, b1, a2) MLA(14, b0, a3) MLA(15, b1, a3)
#define STEP0(b0, b1) STEP(b0, b1, "d0[0]", "d2[0]", "d4[0]", "d6[0]")
#define STEP1(b0, b1) STEP(b0, b1, "d0[1]", "d2[1]", "d4[1]", "d6[1]")
#define STEP2(b0, b1) STEP(b0, b1, "d1[0]", "d3[0]", "d5[0]", "d7[0]")
#define STEP3(b0, b1) STEP(b0, b1, "d1[1]", "d3[1]", "d5[1]", "d7[1]")
#define STEPS \
  "vldm %[b]!, {d8-d15}\n" "vldm %[x]!, {d0-d7}\n" STEP0(4, 5) STEP1(6, 7) \
  "vldm %[b]!, {d8-d15}\n" STEP2(4, 5) STEP3(6, 7)
#define BOUND(op, r, by) op " q" #r ", q" #r ", q" #by "\n"
#define BOUND_ALL(op, by) \
  BOUND(op, 8, by) BOUND(op, 9, by) BOUND(op, 10, by) BOUND(op, 11, by) \
  BOUND(op, 12, by) BOUND(op, 13, by) BOUND(op, 14, by) BOUND(op, 15, by)
// The residual of a row lies at a constant distance from the row.
#define ADD(i, r0, r1) \
  "add %[x], %[c" #i "], %[count]\n" "vld1.32 {d0-d3}, [%[x]]\n" \
  "vadd.f32 q" #r0 ", q" #r0 ", q0\n" "vadd.f32 q" #r1 ", q" #r1 ", q1\n"

void Block4(const GemmBlock &block) {
  const float *b = block.b;
  const float *x;
  float *c0 = block.c[0], *c1 = block.c[1], *c2 = block.c[2], *c3 = block.c[3];
  intptr_t panels = block.panels, count;
  asm volatile(
      "1:\n"
      "vld1.32 {d16-d19}, [%[b]]!\n"
      "ldr %[x], [%[block], %[a_at]]\n"
      "ldr %[count], [%[block], %[k_at]]\n"
      "vmov q10, q8\n" "vmov q11, q9\n" "vmov q12, q8\n" "vmov q13, q9\n"
      "vmov q14, q8\n" "vmov q15, q9\n"
      "subs %[count], %[count], #16\n"
      "blt 3f\n"
      "2:\n" STEPS STEPS
      "subs %[count], %[count], #16\n"
      STEPS STEPS
      "bge 2b\n"
      "3:\n"
      "adds %[count], %[count], #12\n"
      "blt 5f\n"
      "4:\n" STEPS
      "subs %[count], %[count], #4\n"
      "bge 4b\n"
      "5:\n" /* one to three steps of k left, with A padded to four */
      "adds %[count], %[count], #4\n"
      "beq 6f\n"
      "vldm %[x]!, {d0-d7}\n"
      "vld1.32 {d8-d11}, [%[b]]!\n" STEP0(4, 5)
      "cmp %[count], #2\n"
      "blt 6f\n"
      "vld1.32 {d12-d15}, [%[b]]!\n" STEP1(6, 7)
      "cmp %[count], #2\n"
      "beq 6f\n"
      "vld1.32 {d8-d11}, [%[b]]!\n" STEP2(4, 5)
      "6:\n"
      "ldr %[x], [%[block], %[flags_at]]\n"
      "add %[count], %[block], %[bounds_at]\n"
      "vld1.32 {d4[], d5[]}, [%[count]]!\n"
      "vld1.32 {d6[], d7[]}, [%[count]]\n"
      "lsrs %[x], %[x], #1\n" /* the carry is the flag of a residual */
      "bcc 7f\n"
      "ldr %[count], [%[block], %[residual_at]]\n"
      ADD(0, 8, 9) ADD(1, 10, 11) ADD(2, 12, 13) ADD(3, 14, 15)
      "ldr %[x], [%[block], %[flags_at]]\n"
      "lsr %[x], %[x], #1\n"
      "7:\n"
      "tst %[x], #1\n"
      "beq 8f\n"
      BOUND_ALL("vmax.f32", 2)
      "8:\n"
      "tst %[x], #2\n"
      "beq 9f\n"
      BOUND_ALL("vmin.f32", 3)
      "9:\n"
      "subs %[panels], %[panels], #1\n"
      "vst1.32 {d16-d19}, [%[c0]]!\n"
      "vst1.32 {d20-d23}, [%[c1]]!\n"
      "vst1.32 {d24-d27}, [%[c2]]!\n"
      "vst1.32 {d28-d31}, [%[c3]]!\n"
      "bne 1b\n"
      : [b] "+r"(b), [x] "=&r"(x), [count] "=&r"(count), [panels] "+r"(panels), [c0] "+r"(c0),
        [c1] "+r"(c1), [c2] "+r"(c2), [c3] "+r"(c3)
      : [block] "r"(&block), [a_at] "J"(offsetof(GemmBlock, a)), [k_at] "J"(offsetof(GemmBlock, k)),
        [flags_at] "J"(offsetof(GemmBlock, flags)), [bounds_at] "J"(offsetof(GemmBlock, bounds)),
        [residual_at] "J"(offsetof(GemmBlock, residual))
      : "memory", "cc", "q0", "q1", "q2", "q3", "q4", "q5", "q6", "q7", "q8", "q9", "q10", "q11",
        "q12", "q13", "q14", "q15");
}
// clang-format on

// One row: each lane of A has accumulators of its own, which would wait for each other otherwise.
void Block1(const GemmBlock &block) {
  const float *b = block.b;
  float *c = block.c[0];
  const float32x4_t low = vdupq_n_f32(block.bounds[0]), high = vdupq_n_f32(block.bounds[1]);
  for (intptr_t panel = 0; panel < block.panels; ++panel, c += 8) {
    const float *x = block.a;
    const float *const a_end = x + block.k / 4 * 4;
    float32x4_t s0 = vld1q_f32(b), s1 = vld1q_f32(b + 4);
    b += 8;
    float32x4_t s2 = vdupq_n_f32(0), s3 = s2, s4 = s2, s5 = s2, s6 = s2, s7 = s2;
    // clang-format off
    if (x != a_end) asm volatile(
        "1:\n"
        "vld1.32 {d0-d1}, [%[x]]!\n"
        "vldm %[b]!, {d8-d15}\n"
        "vmla.f32 %q[s0], q4, d0[0]\n" "vmla.f32 %q[s1], q5, d0[0]\n"
        "vmla.f32 %q[s2], q6, d0[1]\n" "vmla.f32 %q[s3], q7, d0[1]\n"
        "vldm %[b]!, {d8-d15}\n"
        "cmp %[x], %[end]\n"
        "vmla.f32 %q[s4], q4, d1[0]\n" "vmla.f32 %q[s5], q5, d1[0]\n"
        "vmla.f32 %q[s6], q6, d1[1]\n" "vmla.f32 %q[s7], q7, d1[1]\n"
        "bne 1b\n"
        : [x] "+r"(x), [b] "+r"(b), [s0] "+w"(s0), [s1] "+w"(s1), [s2] "+w"(s2), [s3] "+w"(s3),
          [s4] "+w"(s4), [s5] "+w"(s5), [s6] "+w"(s6), [s7] "+w"(s7)
        : [end] "r"(a_end)
        : "memory", "cc", "q0", "q4", "q5", "q6", "q7");
    // clang-format on
    for (intptr_t k = block.k % 4; k > 0; --k, b += 8) {
      const float32x4_t v = vld1q_dup_f32(x++);
      s0 = vmlaq_f32(s0, vld1q_f32(b), v);
      s1 = vmlaq_f32(s1, vld1q_f32(b + 4), v);
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

// Packs `quads` quads of k of the rows, from element `from` on; returns where the next quad goes.
float *PackQuads(const float *const *rows, int height, int64_t from, int64_t quads, float *to) {
  intptr_t count = static_cast<intptr_t>(quads);
  const float *r0 = rows[0] + from;
  if (height == 1) {
    for (; count > 0; --count, r0 += 4, to += 4) vst1q_f32(to, vld1q_f32(r0));
    return to;
  }
  const float *r1 = rows[1] + from, *r2 = rows[2] + from, *r3 = rows[3] + from;
  // clang-format off
  if (count > 0) asm volatile(
      "1:\n"
      "vld1.32 {d0-d1}, [%[r0]]!\n" "vld1.32 {d2-d3}, [%[r1]]!\n"
      "vld1.32 {d4-d5}, [%[r2]]!\n" "vld1.32 {d6-d7}, [%[r3]]!\n"
      "subs %[count], %[count], #1\n"
      "vstm %[to]!, {d0-d7}\n"
      "bne 1b\n"
      : [r0] "+r"(r0), [r1] "+r"(r1), [r2] "+r"(r2), [r3] "+r"(r3), [to] "+r"(to),
        [count] "+r"(count)
      :
      : "memory", "cc", "q0", "q1", "q2", "q3");
  // clang-format on
  return to;
}

void RunBlock(const GemmBlock &block) {
  if (block.height == 4) return Block4(block);
  Block1(block);
}

}  // namespace
}  // namespace kernels
}  // namespace mace

#endif  // MACE_KERNELS_GEMM_GEMM_BLOCK_ARMV7_H_
