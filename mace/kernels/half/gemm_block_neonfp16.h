// SPDX-License-Identifier: Apache-2.0
// HalfBlock on arm64 with binary16 arithmetic: 8, 4 or 1 rows times panels of 16 columns. As in
// gemm_block_arm64.h all is one asm statement: v16-v31 are accumulators, v0-v7 hold 8 numbers of
// each row of A (only v0-v15 can be multiplied by lane), v8-v15 four rows of B.
#ifndef MACE_KERNELS_HALF_GEMM_BLOCK_NEONFP16_H_
#define MACE_KERNELS_HALF_GEMM_BLOCK_NEONFP16_H_

#include <arm_neon.h>

#define MACE_LANES ".8h"
#define MACE_LANE ".h"
// A call has few panels, so that finding more ways of finishing takes longer than they save.
#define MACE_FEWER_FINISHES
#include "mace/kernels/gemm_asm_arm64.h"
#include "mace/kernels/half/half_kernel.h"
#include "mace/kernels/simd.h"

namespace mace {
namespace kernels {
namespace {

// clang-format off
// Four steps of k with the upper halves of A.
#define UPPER_STEPS(rows) \
  LOAD4(8, 9, 10, 11, "%[b]") STEP_##rows(8, 9, 4) STEP_##rows(10, 11, 5) \
  LOAD4(12, 13, 14, 15, "%[b]") STEP_##rows(12, 13, 6) STEP_##rows(14, 15, 7)
#define OCTET(rows) STEPS(rows) UPPER_STEPS(rows)
// The bias of two rows, which stays where it is.
#define BIAS(r0, r1, r2, r3) "ld1 " VECTORS4(r0, r1, r2, r3) ", [%[b]]\n"
#define LOAD_BIAS4 BIAS(16, 17, 18, 19) LOAD4(20, 21, 22, 23, "%[b]")
#define LOAD_BIAS8 \
  BIAS(16, 17, 18, 19) BIAS(20, 21, 22, 23) BIAS(24, 25, 26, 27) LOAD4(28, 29, 30, 31, "%[b]")
#define BEGIN "mov %[x], %[a]\n" "sub %[count], %[octets], #3\n"

#define BLOCK(rows) \
  asm volatile( \
      ROWS##rows \
      FIND_FINISH \
      "lsr %[octets], %[quads], #1\n" \
      "adr %[start], 1f\n" \
      "adr x17, 2f\n" \
      "cmp %[octets], #3\n" \
      "csel %[start], x17, %[start], ge\n" \
      "br %[start]\n" \
      "1:\n" \
      LOAD_BIAS##rows \
      BEGIN \
      "b 4f\n" \
      "2:\n" /* runs into the loop, so that the loads overlap with multiply-adds */ \
      LOAD_BIAS##rows \
      BEGIN \
      "3:\n" OCTET(rows) OCTET(rows) \
      "subs %[count], %[count], #3\n" \
      OCTET(rows) \
      "b.ge 3b\n" \
      "4:\n" \
      "adds %[count], %[count], #3\n" \
      "b.eq 6f\n" \
      "5:\n" OCTET(rows) \
      "subs %[count], %[count], #1\n" \
      "b.ne 5b\n" \
      "6:\n" \
      "tbz %[quads], #0, 7f\n" \
      STEPS(rows) \
      "7:\n" \
      "br %[finish]\n" \
      FINISH(rows, NEXT_PANEL) \
      : [b] "+r"(b), [panels] "+r"(panels), [x] "+r"(x), [count] "=&r"(count), \
        [octets] "=&r"(octets), [start] "=&r"(start), [finish] "+r"(finish) \
      : [a] "r"(block.a), [quads] "r"(block.quads), [residual] "r"(block.residual), \
        [bounds] "r"(block.bounds) \
      : CLOBBERS)

#define BLOCK_FUNCTION(rows) \
  void Block##rows(const HalfBlock &block) { \
    const uint16_t *b = block.b; \
    const void *x = block.c; \
    int64_t panels = block.panels, count, octets, start, finish = FinishWay(block.flags); \
    BLOCK(rows); \
  }
BLOCK_FUNCTION(8)
BLOCK_FUNCTION(4)
#undef BLOCK_FUNCTION

// Packs 8 rows, two octets at a time.
uint16_t *PackOctets8(const uint16_t *const *rows, intptr_t octets, uint16_t *to) {
  const uint16_t *r0 = rows[0], *r1 = rows[1], *r2 = rows[2], *r3 = rows[3];
  const uint16_t *r4 = rows[4], *r5 = rows[5], *r6 = rows[6], *r7 = rows[7];
  int64_t pairs = octets >> 1;
  asm volatile(
      "cbz %[pairs], 2f\n"
      "1:\n"
      "ldp q0, q16, [%[r0]], #32\n" "ldp q1, q17, [%[r1]], #32\n"
      "ldp q2, q18, [%[r2]], #32\n" "ldp q3, q19, [%[r3]], #32\n"
      "ldp q4, q20, [%[r4]], #32\n" "ldp q5, q21, [%[r5]], #32\n"
      "ldp q6, q22, [%[r6]], #32\n" "ldp q7, q23, [%[r7]], #32\n"
      "subs %[pairs], %[pairs], #1\n"
      "st1 {v0.8h, v1.8h, v2.8h, v3.8h}, [%[to]], #64\n"
      "st1 {v4.8h, v5.8h, v6.8h, v7.8h}, [%[to]], #64\n"
      "st1 {v16.8h, v17.8h, v18.8h, v19.8h}, [%[to]], #64\n"
      "st1 {v20.8h, v21.8h, v22.8h, v23.8h}, [%[to]], #64\n"
      "b.ne 1b\n"
      "2:\n"
      "tbz %[octets], #0, 3f\n"
      "ldr q0, [%[r0]]\n" "ldr q1, [%[r1]]\n" "ldr q2, [%[r2]]\n" "ldr q3, [%[r3]]\n"
      "ldr q4, [%[r4]]\n" "ldr q5, [%[r5]]\n" "ldr q6, [%[r6]]\n" "ldr q7, [%[r7]]\n"
      "st1 {v0.8h, v1.8h, v2.8h, v3.8h}, [%[to]], #64\n"
      "st1 {v4.8h, v5.8h, v6.8h, v7.8h}, [%[to]], #64\n"
      "3:\n"
      : [r0] "+r"(r0), [r1] "+r"(r1), [r2] "+r"(r2), [r3] "+r"(r3), [r4] "+r"(r4), [r5] "+r"(r5),
        [r6] "+r"(r6), [r7] "+r"(r7), [to] "+r"(to), [pairs] "+r"(pairs)
      : [octets] "r"(octets)
      : "memory", "cc", "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v16", "v17", "v18", "v19",
        "v20", "v21", "v22", "v23");
  return to;
}
// clang-format on

MACE_INLINE float16x8_t LoadHalves(const uint16_t *p) {
  return vreinterpretq_f16_u16(vld1q_u16(p));
}
MACE_INLINE void StoreHalves(uint16_t *p, float16x8_t v) { vst1q_u16(p, vreinterpretq_u16_f16(v)); }
MACE_INLINE float16x8_t SetHalves(uint16_t bits) {
  return vreinterpretq_f16_u16(vdupq_n_u16(bits));
}

template <int kLane>
MACE_INLINE const uint16_t *StepTwo(float16x8_t v, const uint16_t *b, float16x8_t *sums) {
  const uint16x8x4_t p = vld1q_u16_x4(b);
  sums[0] = vfmaq_laneq_f16(sums[0], vreinterpretq_f16_u16(p.val[0]), v, kLane);
  sums[1] = vfmaq_laneq_f16(sums[1], vreinterpretq_f16_u16(p.val[1]), v, kLane);
  sums[2] = vfmaq_laneq_f16(sums[2], vreinterpretq_f16_u16(p.val[2]), v, kLane + 1);
  sums[3] = vfmaq_laneq_f16(sums[3], vreinterpretq_f16_u16(p.val[3]), v, kLane + 1);
  return b + 64 / sizeof(uint16_t);
}

// One row: eight accumulators, which would wait for each other otherwise.
void Block1(const HalfBlock &block) {
  const uint16_t *b = block.b;
  uint16_t *c = block.c[0];
  const float16x8_t low = SetHalves(block.bounds[0]), high = SetHalves(block.bounds[1]);
  for (intptr_t panel = 0; panel < block.panels; ++panel, c += kHalfColumns) {
    const uint16_t *x = block.a;
    const float16x8_t zero = vdupq_n_f16(0);
    float16x8_t s[8] = {LoadHalves(b), LoadHalves(b + 8), zero, zero, zero, zero, zero, zero};
    b += kHalfBias;
    intptr_t quads = block.quads;
    for (; quads >= 2; quads -= 2, x += 8) {
      const float16x8_t v = LoadHalves(x);
      b = StepTwo<0>(v, b, s);
      b = StepTwo<2>(v, b, s + 4);
      b = StepTwo<4>(v, b, s);
      b = StepTwo<6>(v, b, s + 4);
    }
    if (quads > 0) {
      const float16x8_t v = LoadHalves(x);
      b = StepTwo<0>(v, b, s);
      b = StepTwo<2>(v, b, s + 4);
    }
    MACE_UNROLL
    for (int j = 0; j < 2; ++j) {
      float16x8_t y = vaddq_f16(vaddq_f16(s[j], s[j + 2]), vaddq_f16(s[j + 4], s[j + 6]));
      if (block.flags & kHalfBlockResidual) {
        const char *at = reinterpret_cast<const char *>(c + 8 * j) + block.residual;
        y = vaddq_f16(y, LoadHalves(reinterpret_cast<const uint16_t *>(at)));
      }
      StoreHalves(c + 8 * j, vminq_f16(high, vmaxq_f16(low, y)));
    }
  }
}

}  // namespace
}  // namespace kernels
}  // namespace mace

#endif  // MACE_KERNELS_HALF_GEMM_BLOCK_NEONFP16_H_
