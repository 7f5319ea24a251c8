// SPDX-License-Identifier: Apache-2.0
// What the GemmBlocks of arm64 are made of: steps of k, and what comes before and after the loop
// over k. v16-v31 are accumulators, v0-v7 hold A, v8-v15 hold B; x9-x16 point to the rows of C.
#ifndef MACE_KERNELS_GEMM_GEMM_ASM_ARM64_H_
#define MACE_KERNELS_GEMM_GEMM_ASM_ARM64_H_

#include "mace/kernels/gemm/gemm_kernel.h"
#include "mace/kernels/simd.h"

namespace mace {
namespace kernels {
namespace {

// clang-format off
#define MLA(acc, b, a, lane) "fmla v" #acc ".4s, v" #b ".4s, v" #a ".s[" #lane "]\n"
#define ROW(acc0, acc1, a, b0, b1, lane) MLA(acc0, b0, a, lane) MLA(acc1, b1, a, lane)
#define STEP_4(b0, b1, lane) \
  ROW(16, 17, 0, b0, b1, lane) ROW(18, 19, 1, b0, b1, lane) \
  ROW(20, 21, 2, b0, b1, lane) ROW(22, 23, 3, b0, b1, lane)
#define STEP_8(b0, b1, lane) \
  STEP_4(b0, b1, lane) \
  ROW(24, 25, 4, b0, b1, lane) ROW(26, 27, 5, b0, b1, lane) \
  ROW(28, 29, 6, b0, b1, lane) ROW(30, 31, 7, b0, b1, lane)
#define LOAD4(r0, r1, r2, r3, p) \
  "ld1 {v" #r0 ".4s, v" #r1 ".4s, v" #r2 ".4s, v" #r3 ".4s}, [" p "], #64\n"
#define LOAD_A4 LOAD4(0, 1, 2, 3, "%[x]")
#define LOAD_A8 LOAD_A4 LOAD4(4, 5, 6, 7, "%[x]")
// Four steps of k.
#define STEPS(rows) \
  LOAD4(8, 9, 10, 11, "%[b]") LOAD_A##rows STEP_##rows(8, 9, 0) STEP_##rows(10, 11, 1) \
  LOAD4(12, 13, 14, 15, "%[b]") STEP_##rows(12, 13, 2) STEP_##rows(14, 15, 3)
// The bias of two rows, which stays where it is: loads do not compete with multiply-adds, as moves
// would.
#define BIAS(r0, r1) "ld1 {v" #r0 ".4s, v" #r1 ".4s}, [%[b]]\n"
#define LOAD_BIAS4 \
  BIAS(16, 17) BIAS(18, 19) BIAS(20, 21) "ld1 {v22.4s, v23.4s}, [%[b]], #32\n"
#define LOAD_BIAS8 \
  BIAS(16, 17) BIAS(18, 19) BIAS(20, 21) BIAS(22, 23) BIAS(24, 25) BIAS(26, 27) BIAS(28, 29) \
  "ld1 {v30.4s, v31.4s}, [%[b]], #32\n"
// Sums of earlier steps of k, from C.
#define SUMS(r0, r1, p) "ld1 {v" #r0 ".4s, v" #r1 ".4s}, [" p "]\n"
#define LOAD_SUMS4 SUMS(16, 17, "x9") SUMS(18, 19, "x10") SUMS(20, 21, "x11") SUMS(22, 23, "x12")
#define LOAD_SUMS8 \
  LOAD_SUMS4 SUMS(24, 25, "x13") SUMS(26, 27, "x14") SUMS(28, 29, "x15") SUMS(30, 31, "x16")
#define BOUND(op, r, by) op " v" #r ".4s, v" #r ".4s, v" #by ".4s\n"
#define BOUND4(op, by) \
  BOUND(op, 16, by) BOUND(op, 17, by) BOUND(op, 18, by) BOUND(op, 19, by) BOUND(op, 20, by) \
  BOUND(op, 21, by) BOUND(op, 22, by) BOUND(op, 23, by)
#define BOUND8(op, by) \
  BOUND4(op, by) BOUND(op, 24, by) BOUND(op, 25, by) BOUND(op, 26, by) BOUND(op, 27, by) \
  BOUND(op, 28, by) BOUND(op, 29, by) BOUND(op, 30, by) BOUND(op, 31, by)
#define STORE(r0, r1, p) "st1 {v" #r0 ".4s, v" #r1 ".4s}, [" p "], #32\n"
#define STORE4_ROWS \
  STORE(16, 17, "x9") STORE(18, 19, "x10") STORE(20, 21, "x11") STORE(22, 23, "x12")
#define STORE8_ROWS \
  STORE4_ROWS STORE(24, 25, "x13") STORE(26, 27, "x14") STORE(28, 29, "x15") STORE(30, 31, "x16")
// The residual of a row lies at a constant distance from the row.
#define ADD(r0, r1, p) \
  "ldr q0, [" p ", %[residual]]\n" "ldr q1, [" p ", %[x]]\n" \
  "fadd v" #r0 ".4s, v" #r0 ".4s, v0.4s\n" "fadd v" #r1 ".4s, v" #r1 ".4s, v1.4s\n"
#define ADD4_ROWS ADD(16, 17, "x9") ADD(18, 19, "x10") ADD(20, 21, "x11") ADD(22, 23, "x12")
#define ADD8_ROWS \
  ADD4_ROWS ADD(24, 25, "x13") ADD(26, 27, "x14") ADD(28, 29, "x15") ADD(30, 31, "x16")
#define ROWS4 "ldp x9, x10, [%[c]]\n" "ldp x11, x12, [%[c], #16]\n"
#define ROWS8 ROWS4 "ldp x13, x14, [%[c], #32]\n" "ldp x15, x16, [%[c], #48]\n"
// Bound and store a row at once, so that one does not wait for the other. v15 is the lower bound.
#define RELU(r0, r1, p) BOUND("fmax", r0, 15) BOUND("fmax", r1, 15) STORE(r0, r1, p)
#define RELU4_ROWS RELU(16, 17, "x9") RELU(18, 19, "x10") RELU(20, 21, "x11") RELU(22, 23, "x12")
#define RELU8_ROWS \
  RELU4_ROWS RELU(24, 25, "x13") RELU(26, 27, "x14") RELU(28, 29, "x15") RELU(30, 31, "x16")
#define ADD_RELU(r0, r1, t0, t1, p) \
  "ldr q" #t0 ", [" p ", %[residual]]\n" "ldr q" #t1 ", [" p ", %[x]]\n" \
  "fadd v" #r0 ".4s, v" #r0 ".4s, v" #t0 ".4s\n" "fadd v" #r1 ".4s, v" #r1 ".4s, v" #t1 ".4s\n" \
  RELU(r0, r1, p)
#define ADD_RELU4_ROWS \
  ADD_RELU(16, 17, 0, 1, "x9") ADD_RELU(18, 19, 2, 3, "x10") ADD_RELU(20, 21, 4, 5, "x11") \
  ADD_RELU(22, 23, 6, 7, "x12")
#define ADD_RELU8_ROWS \
  ADD_RELU4_ROWS ADD_RELU(24, 25, 8, 9, "x13") ADD_RELU(26, 27, 10, 11, "x14") \
  ADD_RELU(28, 29, 12, 13, "x15") ADD_RELU(30, 31, 0, 1, "x16")
#define NEXT_PANEL "subs %[panels], %[panels], #1\n" "b.ne 1b\n"
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
  "ld1 {v12.4s, v13.4s}, [%[b]], #32\n" STEP_##rows(12, 13, 2)
// What comes after the sums, at label 8, or at label 11 if they are the results; then the next panel,
// at label 1, or the end.
#define FINISH(rows) \
  "8:\n" \
  "tbnz %[flags], #4, 12f\n" \
  "tbnz %[flags], #5, 13f\n" \
  "tbz %[flags], #0, 9f\n" \
  "add %[x], %[residual], #16\n" \
  ADD##rows##_ROWS \
  "9:\n" \
  "ld2r {v0.4s, v1.4s}, [%[bounds]]\n" \
  "tbz %[flags], #1, 10f\n" \
  BOUND##rows("fmax", 0) \
  "10:\n" \
  "tbz %[flags], #2, 11f\n" \
  BOUND##rows("fmin", 1) \
  "11:\n" \
  STORE##rows##_ROWS NEXT_PANEL \
  "b 14f\n" \
  "12:\n" \
  "ld1r {v15.4s}, [%[bounds]]\n" \
  RELU##rows##_ROWS NEXT_PANEL \
  "b 14f\n" \
  "13:\n" \
  "ld1r {v15.4s}, [%[bounds]]\n" \
  "add %[x], %[residual], #16\n" \
  ADD_RELU##rows##_ROWS NEXT_PANEL \
  "14:\n"
#define CLOBBERS \
  "memory", "cc", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16", "v0", "v1", "v2", "v3", \
  "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11", "v12", "v13", "v14", "v15", "v16", "v17", \
  "v18", "v19", "v20", "v21", "v22", "v23", "v24", "v25", "v26", "v27", "v28", "v29", "v30", "v31"
// clang-format on

// The flags with bits for the two ways of finishing that have code of their own: a lower bound
// alone, and one together with a residual.
MACE_INLINE uint64_t FlagsOfBlock(const GemmBlock &block) {
  constexpr uint64_t kBounds = kGemmBlockLow | kGemmBlockHigh;
  const bool relu = (block.flags & kBounds) == kGemmBlockLow;
  if (!relu) return block.flags;
  return block.flags | (block.flags & kGemmBlockResidual ? 1u << 5 : 1u << 4);
}

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
