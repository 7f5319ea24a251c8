// SPDX-License-Identifier: Apache-2.0
// GemmBlock on arm64: 8, 4 or 1 rows times panels of 8 columns. The loop over panels and all that
// it holds is one asm statement, since compilers spill with 16 accumulators and load B in pairs
// where one instruction loads four vectors.
#ifndef MACE_KERNELS_GEMM_GEMM_BLOCK_ARM64_H_
#define MACE_KERNELS_GEMM_GEMM_BLOCK_ARM64_H_

#include "mace/kernels/gemm/gemm_asm_arm64.h"

namespace mace {
namespace kernels {
namespace {

// How a panel begins: with its bias or with sums of earlier steps, and with the loop (2, 3) or too
// few steps for it (0, 1).
MACE_INLINE int64_t StartWay(const GemmBlock &block) {
  return (block.k < 32 ? 0 : 2) + ((block.flags & kGemmBlockAccumulate) != 0 ? 1 : 0);
}

// clang-format off
// The bias of two rows, which stays where it is: loads do not compete with multiply-adds, as moves
// would.
#define BIAS(r0, r1) "ld1 {v" #r0 ".4s, v" #r1 ".4s}, [%[b]]\n"
#define LOAD_BIAS4 \
  BIAS(16, 17) BIAS(18, 19) BIAS(20, 21) "ld1 {v22.4s, v23.4s}, [%[b]], #32\n"
#define LOAD_BIAS8 \
  BIAS(16, 17) BIAS(18, 19) BIAS(20, 21) BIAS(22, 23) BIAS(24, 25) BIAS(26, 27) BIAS(28, 29) \
  "ld1 {v30.4s, v31.4s}, [%[b]], #32\n"
#define BEGIN "mov %[x], %[a]\n" "lsr %[count], %[k], #5\n"

#define START_IF(way, label) \
  "adr x17, " label "\n" "cmp %[count], #" way "\n" "csel %[start], x17, %[start], eq\n"

// %[after] is where to go after the loop. %[x], %[start] and %[finish] come with c, StartWay() and
// FinishWay(): each register more is one to be saved.
#define BLOCK(rows) \
  asm volatile( \
      ROWS##rows \
      FIND_FINISH \
      "adr %[after], 5f\n" \
      "tst %[k], #31\n" \
      "csel %[after], %[finish], %[after], eq\n" \
      "mov %[count], %[start]\n" \
      "adr %[start], 3f\n" START_IF("0", "10f") START_IF("1", "1f") START_IF("3", "2f") \
      "br %[start]\n" \
      "1:\n" \
      BEGIN \
      LOAD_SUMS(rows) \
      "add %[b], %[b], #32\n" \
      "b 5f\n" \
      "10:\n" \
      LOAD_BIAS##rows \
      BEGIN \
      "b 5f\n" \
      "2:\n" /* as the bias below, the sums are loaded beside multiply-adds */ \
      LOAD_SUMS(rows) \
      "add %[b], %[b], #32\n" \
      BEGIN \
      STEPS(rows) \
      "b 40f\n" \
      "3:\n" /* runs into the loop, so that the loads overlap with multiply-adds */ \
      LOAD_BIAS##rows \
      BEGIN \
      "4:\n" STEPS(rows) \
      "40:\n" STEPS(rows) STEPS(rows) STEPS(rows) \
      "subs %[count], %[count], #1\n" \
      STEPS(rows) STEPS(rows) STEPS(rows) STEPS(rows) \
      "b.ne 4b\n" \
      "br %[after]\n" \
      "5:\n" \
      "ubfx %[count], %[k], #2, #3\n" \
      "cbz %[count], 7f\n" \
      "6:\n" STEPS(rows) \
      "subs %[count], %[count], #1\n" \
      "b.ne 6b\n" \
      "7:\n" \
      LAST_STEPS(rows) \
      "br %[finish]\n" \
      FINISH(rows, NEXT_PANEL) \
      : [b] "+r"(b), [panels] "+r"(panels), [x] "+r"(x), [count] "=&r"(count), \
        [start] "+r"(start), [after] "=&r"(after), [finish] "+r"(finish) \
      : [a] "r"(block.a), [k] "r"(block.k), [residual] "r"(block.residual), \
        [bounds] "r"(block.bounds) \
      : CLOBBERS)

#define BLOCK_FUNCTION(rows) \
  void Block##rows(const GemmBlock &block) { \
    const float *b = block.b; \
    const void *x = block.c; \
    int64_t panels = block.panels, count, after; \
    int64_t start = StartWay(block), finish = FinishWay(block.flags); \
    BLOCK(rows); \
  }
BLOCK_FUNCTION(8)
BLOCK_FUNCTION(4)
#undef BLOCK_FUNCTION
// clang-format on

MACE_INLINE void StoreQuads(float32x4_t a, float32x4_t b, float32x4_t c, float32x4_t d, float *to) {
  const float32x4x4_t quads = {{a, b, c, d}};
  vst1q_f32_x4(to, quads);
}

// Packs `quads` quads of k of 8 rows, from element `from` on; returns where the next quad goes.
// clang-format off
float *PackQuads8(const float *const *rows, int64_t from, int64_t quads, float *to) {
  const float *r0 = rows[0] + from, *r1 = rows[1] + from, *r2 = rows[2] + from;
  const float *r3 = rows[3] + from, *r4 = rows[4] + from, *r5 = rows[5] + from;
  const float *r6 = rows[6] + from, *r7 = rows[7] + from;
  int64_t pairs = quads >> 1;
  asm volatile(
      "cbz %[pairs], 2f\n"
      "1:\n"
      "ldp q0, q16, [%[r0]], #32\n" "ldp q1, q17, [%[r1]], #32\n"
      "ldp q2, q18, [%[r2]], #32\n" "ldp q3, q19, [%[r3]], #32\n"
      "ldp q4, q20, [%[r4]], #32\n" "ldp q5, q21, [%[r5]], #32\n"
      "ldp q6, q22, [%[r6]], #32\n" "ldp q7, q23, [%[r7]], #32\n"
      "subs %[pairs], %[pairs], #1\n"
      "st1 {v0.4s, v1.4s, v2.4s, v3.4s}, [%[to]], #64\n"
      "st1 {v4.4s, v5.4s, v6.4s, v7.4s}, [%[to]], #64\n"
      "st1 {v16.4s, v17.4s, v18.4s, v19.4s}, [%[to]], #64\n"
      "st1 {v20.4s, v21.4s, v22.4s, v23.4s}, [%[to]], #64\n"
      "b.ne 1b\n"
      "2:\n"
      : [r0] "+r"(r0), [r1] "+r"(r1), [r2] "+r"(r2), [r3] "+r"(r3), [r4] "+r"(r4), [r5] "+r"(r5),
        [r6] "+r"(r6), [r7] "+r"(r7), [to] "+r"(to), [pairs] "+r"(pairs)
      :
      : "memory", "cc", "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v16", "v17", "v18", "v19",
        "v20", "v21", "v22", "v23");
  if (quads & 1) {
    StoreQuads(vld1q_f32(r0), vld1q_f32(r1), vld1q_f32(r2), vld1q_f32(r3), to);
    StoreQuads(vld1q_f32(r4), vld1q_f32(r5), vld1q_f32(r6), vld1q_f32(r7), to + 16);
    to += 32;
  }
  return to;
}
// clang-format on

float *PackQuads4(const float *const *rows, int64_t from, int64_t quads, float *to) {
  const float *r0 = rows[0] + from, *r1 = rows[1] + from, *r2 = rows[2] + from;
  const float *r3 = rows[3] + from;
  for (int64_t q = 0; q < quads; ++q, to += 16) {
    StoreQuads(vld1q_f32(r0 + 4 * q), vld1q_f32(r1 + 4 * q), vld1q_f32(r2 + 4 * q),
               vld1q_f32(r3 + 4 * q), to);
  }
  return to;
}

float *PackQuads(const float *const *rows, int height, int64_t from, int64_t quads, float *to) {
  if (height == 8) return PackQuads8(rows, from, quads, to);
  if (height == 4) return PackQuads4(rows, from, quads, to);
  for (int64_t q = 0; q < quads; ++q, to += 4) vst1q_f32(to, vld1q_f32(rows[0] + from + 4 * q));
  return to;
}

void RunBlock(const GemmBlock &block) {
  if (block.height == 8) return Block8(block);
  if (block.height == 4) return Block4(block);
  Block1(block);
}

}  // namespace
}  // namespace kernels
}  // namespace mace

#endif  // MACE_KERNELS_GEMM_GEMM_BLOCK_ARM64_H_
