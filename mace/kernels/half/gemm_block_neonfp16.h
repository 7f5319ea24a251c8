// SPDX-License-Identifier: Apache-2.0
// HalfBlock on arm64 with binary16 arithmetic: 8, 4 or 1 rows times panels of 16 columns. As in
// gemm_block_arm64.h all is one asm statement: v16-v31 are accumulators, v0-v7 hold 8 numbers of
// each row of A (only v0-v15 can be multiplied by lane), v8-v15 four rows of B.
#ifndef MACE_KERNELS_HALF_GEMM_BLOCK_NEONFP16_H_
#define MACE_KERNELS_HALF_GEMM_BLOCK_NEONFP16_H_

#include <arm_neon.h>

#include "mace/kernels/half/half_kernel.h"
#include "mace/kernels/simd.h"

namespace mace {
namespace kernels {
namespace {

// clang-format off
#define MLA(acc, b, a, lane) "fmla v" #acc ".8h, v" #b ".8h, v" #a ".h[" #lane "]\n"
#define ROW(acc0, acc1, a, b0, b1, lane) MLA(acc0, b0, a, lane) MLA(acc1, b1, a, lane)
#define STEP_4(b0, b1, lane) \
  ROW(16, 17, 0, b0, b1, lane) ROW(18, 19, 1, b0, b1, lane) \
  ROW(20, 21, 2, b0, b1, lane) ROW(22, 23, 3, b0, b1, lane)
#define STEP_8(b0, b1, lane) \
  STEP_4(b0, b1, lane) \
  ROW(24, 25, 4, b0, b1, lane) ROW(26, 27, 5, b0, b1, lane) \
  ROW(28, 29, 6, b0, b1, lane) ROW(30, 31, 7, b0, b1, lane)
#define LOAD4(r0, r1, r2, r3, p) \
  "ld1 {v" #r0 ".8h, v" #r1 ".8h, v" #r2 ".8h, v" #r3 ".8h}, [" p "], #64\n"
#define LOAD_A4 LOAD4(0, 1, 2, 3, "%[x]")
#define LOAD_A8 LOAD_A4 LOAD4(4, 5, 6, 7, "%[x]")
#define LOAD_B0 LOAD4(8, 9, 10, 11, "%[b]")
#define LOAD_B1 LOAD4(12, 13, 14, 15, "%[b]")
// Four steps of k.
#define QUAD0(rows) \
  LOAD_B0 LOAD_A##rows STEP_##rows(8, 9, 0) STEP_##rows(10, 11, 1) \
  LOAD_B1 STEP_##rows(12, 13, 2) STEP_##rows(14, 15, 3)
#define QUAD1(rows) \
  LOAD_B0 STEP_##rows(8, 9, 4) STEP_##rows(10, 11, 5) \
  LOAD_B1 STEP_##rows(12, 13, 6) STEP_##rows(14, 15, 7)
#define OCTET(rows) QUAD0(rows) QUAD1(rows)
// The bias of two rows, which stays where it is.
#define BIAS(r0, r1, r2, r3) \
  "ld1 {v" #r0 ".8h, v" #r1 ".8h, v" #r2 ".8h, v" #r3 ".8h}, [%[b]]\n"
#define LOAD_BIAS4 BIAS(16, 17, 18, 19) LOAD4(20, 21, 22, 23, "%[b]")
#define LOAD_BIAS8 \
  BIAS(16, 17, 18, 19) BIAS(20, 21, 22, 23) BIAS(24, 25, 26, 27) LOAD4(28, 29, 30, 31, "%[b]")
#define BOUND(op, r, by) op " v" #r ".8h, v" #r ".8h, v" #by ".8h\n"
#define BOUND4(op, by) \
  BOUND(op, 16, by) BOUND(op, 17, by) BOUND(op, 18, by) BOUND(op, 19, by) BOUND(op, 20, by) \
  BOUND(op, 21, by) BOUND(op, 22, by) BOUND(op, 23, by)
#define BOUND8(op, by) \
  BOUND4(op, by) BOUND(op, 24, by) BOUND(op, 25, by) BOUND(op, 26, by) BOUND(op, 27, by) \
  BOUND(op, 28, by) BOUND(op, 29, by) BOUND(op, 30, by) BOUND(op, 31, by)
#define STORE(r0, r1, p) "st1 {v" #r0 ".8h, v" #r1 ".8h}, [" p "], #32\n"
#define STORE4_ROWS \
  STORE(16, 17, "x9") STORE(18, 19, "x10") STORE(20, 21, "x11") STORE(22, 23, "x12")
#define STORE8_ROWS \
  STORE4_ROWS STORE(24, 25, "x13") STORE(26, 27, "x14") STORE(28, 29, "x15") STORE(30, 31, "x16")
// The residual of a row lies at a constant distance from the row.
#define ADD(r0, r1, p) \
  "ldr q0, [" p ", %[residual]]\n" "ldr q1, [" p ", %[x]]\n" \
  "fadd v" #r0 ".8h, v" #r0 ".8h, v0.8h\n" "fadd v" #r1 ".8h, v" #r1 ".8h, v1.8h\n"
#define ADD4_ROWS ADD(16, 17, "x9") ADD(18, 19, "x10") ADD(20, 21, "x11") ADD(22, 23, "x12")
#define ADD8_ROWS \
  ADD4_ROWS ADD(24, 25, "x13") ADD(26, 27, "x14") ADD(28, 29, "x15") ADD(30, 31, "x16")
#define ROWS4 "ldp x9, x10, [%[c]]\n" "ldp x11, x12, [%[c], #16]\n"
#define ROWS8 ROWS4 "ldp x13, x14, [%[c], #32]\n" "ldp x15, x16, [%[c], #48]\n"

#define BLOCK(rows) \
  asm volatile( \
      ROWS##rows \
      "lsr %[octets], %[quads], #1\n" \
      "1:\n" \
      "cmp %[octets], #3\n" \
      "b.ge 2f\n" \
      LOAD_BIAS##rows \
      "mov %[x], %[a]\n" \
      "sub %[count], %[octets], #3\n" \
      "b 4f\n" \
      "2:\n" /* runs into the loop, so that the loads overlap with multiply-adds */ \
      LOAD_BIAS##rows \
      "mov %[x], %[a]\n" \
      "sub %[count], %[octets], #3\n" \
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
      QUAD0(rows) \
      "7:\n" \
      "tbz %[flags], #0, 8f\n" \
      "add %[x], %[residual], #16\n" \
      ADD##rows##_ROWS \
      "8:\n" \
      "ld2r {v0.8h, v1.8h}, [%[bounds]]\n" \
      "tbz %[flags], #1, 9f\n" \
      BOUND##rows("fmax", 0) \
      "9:\n" \
      "tbz %[flags], #2, 10f\n" \
      BOUND##rows("fmin", 1) \
      "10:\n" \
      STORE##rows##_ROWS \
      "subs %[panels], %[panels], #1\n" \
      "b.ne 1b\n" \
      : [b] "+r"(b), [panels] "+r"(panels), [x] "=&r"(x), [count] "=&r"(count), \
        [octets] "=&r"(octets) \
      : [a] "r"(block.a), [c] "r"(block.c), [quads] "r"(block.quads), [flags] "r"(block.flags), \
        [residual] "r"(block.residual), [bounds] "r"(block.bounds) \
      : "memory", "cc", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16", "v0", "v1", "v2", \
        "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11", "v12", "v13", "v14", "v15", "v16", \
        "v17", "v18", "v19", "v20", "v21", "v22", "v23", "v24", "v25", "v26", "v27", "v28", "v29", \
        "v30", "v31")

void Block8(const HalfBlock &block) {
  const uint16_t *b = block.b;
  const uint16_t *x;
  int64_t panels = block.panels, count, octets;
  BLOCK(8);
}

void Block4(const HalfBlock &block) {
  const uint16_t *b = block.b;
  const uint16_t *x;
  int64_t panels = block.panels, count, octets;
  BLOCK(4);
}

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

#undef MLA
#undef ROW
#undef LOAD4
#undef BIAS
#undef BOUND
#undef STORE
#undef ADD
#undef BLOCK

}  // namespace
}  // namespace kernels
}  // namespace mace

#endif  // MACE_KERNELS_HALF_GEMM_BLOCK_NEONFP16_H_
