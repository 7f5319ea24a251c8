// SPDX-License-Identifier: Apache-2.0
// What the products of packed rows on arm64 are made of: multiply-adds, and all that comes after
// the sums of a tile of 8 or 4 rows and two vectors of columns. Whoever includes this says what a
// vector holds: MACE_LANES is ".4s" or ".8h", MACE_LANE ".s" or ".h". v16-v31 are accumulators,
// v0-v7 hold A, v8-v15 hold B; x9-x16 point to the rows of C.
#ifndef MACE_KERNELS_GEMM_ASM_ARM64_H_
#define MACE_KERNELS_GEMM_ASM_ARM64_H_

#include <stdint.h>

#include "mace/kernels/simd.h"

namespace mace {
namespace kernels {
namespace {

// clang-format off
#define MLA(acc, b, a, lane) \
  "fmla v" #acc MACE_LANES ", v" #b MACE_LANES ", v" #a MACE_LANE "[" #lane "]\n"
#define ROW(acc0, acc1, a, b0, b1, lane) MLA(acc0, b0, a, lane) MLA(acc1, b1, a, lane)
// A step of k: lane `lane` of each row of A, and two vectors of B.
#define STEP_4(b0, b1, lane) \
  ROW(16, 17, 0, b0, b1, lane) ROW(18, 19, 1, b0, b1, lane) \
  ROW(20, 21, 2, b0, b1, lane) ROW(22, 23, 3, b0, b1, lane)
#define STEP_8(b0, b1, lane) \
  STEP_4(b0, b1, lane) \
  ROW(24, 25, 4, b0, b1, lane) ROW(26, 27, 5, b0, b1, lane) \
  ROW(28, 29, 6, b0, b1, lane) ROW(30, 31, 7, b0, b1, lane)
#define VECTORS2(r0, r1) "{v" #r0 MACE_LANES ", v" #r1 MACE_LANES "}"
#define VECTORS4(r0, r1, r2, r3) \
  "{v" #r0 MACE_LANES ", v" #r1 MACE_LANES ", v" #r2 MACE_LANES ", v" #r3 MACE_LANES "}"
#define LOAD4(r0, r1, r2, r3, p) "ld1 " VECTORS4(r0, r1, r2, r3) ", [" p "], #64\n"
#define LOAD_A4 LOAD4(0, 1, 2, 3, "%[x]")
#define LOAD_A8 LOAD_A4 LOAD4(4, 5, 6, 7, "%[x]")
// Four steps of k.
#define STEPS(rows) \
  LOAD4(8, 9, 10, 11, "%[b]") LOAD_A##rows STEP_##rows(8, 9, 0) STEP_##rows(10, 11, 1) \
  LOAD4(12, 13, 14, 15, "%[b]") STEP_##rows(12, 13, 2) STEP_##rows(14, 15, 3)

// Pointers to the rows of C, which lie at %[x].
#define ROWS4 "ldp x9, x10, [%[x]]\n" "ldp x11, x12, [%[x], #16]\n"
#define ROWS8 ROWS4 "ldp x13, x14, [%[x], #32]\n" "ldp x15, x16, [%[x], #48]\n"
// DO(its accumulators, two vectors for anything, its pointer) for each row of a tile.
#define EACH4(DO) \
  DO(16, 17, 0, 1, "x9") DO(18, 19, 2, 3, "x10") DO(20, 21, 4, 5, "x11") DO(22, 23, 6, 7, "x12")
#define EACH8(DO) \
  EACH4(DO) DO(24, 25, 8, 9, "x13") DO(26, 27, 10, 11, "x14") DO(28, 29, 12, 13, "x15") \
  DO(30, 31, 0, 1, "x16")
#define BOUND(op, r, by) op " v" #r MACE_LANES ", v" #r MACE_LANES ", v" #by MACE_LANES "\n"
#define ROW_STORE(r0, r1, t0, t1, p) "st1 " VECTORS2(r0, r1) ", [" p "], #32\n"
// What belongs to a row together, so that its store does not wait for other rows. v14 and v15 are
// the bounds. The residual of a row lies at a constant distance from the row.
#define ROW_RELU(r0, r1, t0, t1, p) \
  BOUND("fmax", r0, 14) BOUND("fmax", r1, 14) ROW_STORE(r0, r1, t0, t1, p)
#define ROW_CLAMP(r0, r1, t0, t1, p) \
  BOUND("fmax", r0, 14) BOUND("fmax", r1, 14) BOUND("fmin", r0, 15) BOUND("fmin", r1, 15) \
  ROW_STORE(r0, r1, t0, t1, p)
#define ROW_ADD(r0, r1, t0, t1, p) \
  "ldr q" #t0 ", [" p ", %[residual]]\n" "ldr q" #t1 ", [" p ", %[x]]\n" \
  BOUND("fadd", r0, t0) BOUND("fadd", r1, t1)
#define ROW_ADD_STORE(r0, r1, t0, t1, p) ROW_ADD(r0, r1, t0, t1, p) ROW_STORE(r0, r1, t0, t1, p)
#define ROW_ADD_RELU(r0, r1, t0, t1, p) ROW_ADD(r0, r1, t0, t1, p) ROW_RELU(r0, r1, t0, t1, p)

// What comes after the sums of a panel. Its address is found once for all panels, from a number of
// FinishWay() in %[finish]: branches for each of them take longer than storing a tile.
#define FINISH_IF(way, label) \
  "adr x17, " label "\n" "cmp %[count], #" way "\n" "csel %[finish], x17, %[finish], eq\n"
#if defined(MACE_OPTIMIZE_SIZE)
#define FIND_FINISH \
  "mov %[count], %[finish]\n" "adr %[finish], 21f\n" FINISH_IF("2", "24f") FINISH_IF("5", "23f")
#define FAST_FINISH(rows, next)
#else
#define FINISH_RELU(rows, next) \
  "22:\n" "ld1r {v14" MACE_LANES "}, [%[bounds]]\n" EACH##rows(ROW_RELU) next
#if defined(MACE_FEWER_FINISHES)
#define FIND_FINISH \
  "mov %[count], %[finish]\n" "adr %[finish], 21f\n" FINISH_IF("1", "22f") \
  FINISH_IF("2", "24f") FINISH_IF("5", "23f")
#define FAST_FINISH(rows, next) FINISH_RELU(rows, next)
#else
#define FIND_FINISH \
  "mov %[count], %[finish]\n" "adr %[finish], 21f\n" FINISH_IF("1", "22f") \
  FINISH_IF("2", "24f") FINISH_IF("3", "25f") FINISH_IF("4", "26f") FINISH_IF("5", "23f")
#define FAST_FINISH(rows, next) \
  FINISH_RELU(rows, next) \
  "25:\n" "add %[x], %[residual], #16\n" EACH##rows(ROW_ADD_STORE) next \
  "26:\n" "ld1r {v14" MACE_LANES "}, [%[bounds]]\n" \
  "add %[x], %[residual], #16\n" EACH##rows(ROW_ADD_RELU) next
#endif
#endif
// `next` goes on with the next panel, or at label 27 after the last one.
#define FINISH(rows, next) \
  "21:\n" EACH##rows(ROW_STORE) next \
  "23:\n" "add %[x], %[residual], #16\n" EACH##rows(ROW_ADD) \
  "24:\n" "ld2r " VECTORS2(14, 15) ", [%[bounds]]\n" EACH##rows(ROW_CLAMP) next \
  FAST_FINISH(rows, next) \
  "27:\n"
// The next panel begins at %[start]; one branch tells it from the end.
#define NEXT_PANEL \
  "adr x17, 27f\n" "subs %[panels], %[panels], #1\n" "csel x17, %[start], x17, ne\n" "br x17\n"
#define CLOBBERS \
  "memory", "cc", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16", "x17", "v0", "v1", "v2", \
  "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11", "v12", "v13", "v14", "v15", "v16", \
  "v17", "v18", "v19", "v20", "v21", "v22", "v23", "v24", "v25", "v26", "v27", "v28", "v29", \
  "v30", "v31"
// clang-format on

// The way of finishing, by the flags of GemmBlock or HalfBlock: 1 for a residual, 2 for a lower
// bound, 4 for an upper bound, any other.
MACE_INLINE int64_t FinishWay(uint64_t flags) {
#if defined(MACE_OPTIMIZE_SIZE)
  constexpr uint64_t kWays = 0x52525250;
#elif defined(MACE_FEWER_FINISHES)
  constexpr uint64_t kWays = 0x52525150;
#else
  constexpr uint64_t kWays = 0x52524130;
#endif
  return static_cast<int64_t>(kWays >> (4 * (flags & 7)) & 7);
}

}  // namespace
}  // namespace kernels
}  // namespace mace

#endif  // MACE_KERNELS_GEMM_ASM_ARM64_H_
