// SPDX-License-Identifier: Apache-2.0
// GemmBlock for cores that issue two instructions at a time in order (Cortex-A53, A55). There a
// load of 128 bits takes two cycles of both slots; loads of 64 bits go beside a multiply-add. So A
// comes in halves of quads, B in halves put together, each a good way before it is used.
#include "mace/kernels/gemm/gemm_asm_arm64.h"

namespace mace {
namespace kernels {
namespace {

// clang-format off
// Two multiply-adds of a row, and what goes beside each.
#define PAIR(acc0, acc1, a, b0, b1, lane, beside0, beside1) \
  MLA(acc0, b0, a, lane) beside0 MLA(acc1, b1, a, lane) beside1
#define LOW(r, at) "ldr d" #r ", [%[b], #" #at "]\n"
#define HIGH(to, at) "ldr %[" #to "], [%[b], #" #at "]\n"
#define JOIN(r, from) "ins v" #r ".d[1], %[" #from "]\n"
#define HALF(r, at) "ldr d" #r ", [%[x], #" #at "]\n"

// A step of k that loads B's rows for the two steps after the next one. Registers r0-r3 take 64
// bytes at p0; p1 to p7 follow in steps of 8.
#define EVEN_8(b0, b1, r0, r1, r2, r3, p0, p1, p2, p3, p4, p5, p6, p7) \
  PAIR(16, 17, 0, b0, b1, 0, LOW(r0, p0), HIGH(high0, p1)) \
  PAIR(18, 19, 1, b0, b1, 0, LOW(r1, p2), HIGH(high1, p3)) \
  PAIR(20, 21, 2, b0, b1, 0, JOIN(r0, high0), LOW(r2, p4)) \
  PAIR(22, 23, 3, b0, b1, 0, HIGH(high0, p5), JOIN(r1, high1)) \
  PAIR(24, 25, 4, b0, b1, 0, LOW(r3, p6), HIGH(high1, p7)) \
  PAIR(26, 27, 5, b0, b1, 0, JOIN(r2, high0), "") \
  PAIR(28, 29, 6, b0, b1, 0, JOIN(r3, high1), "") \
  PAIR(30, 31, 7, b0, b1, 0, "", "")
#define EVEN_4(b0, b1, r0, r1, r2, r3, p0, p1, p2, p3, p4, p5, p6, p7) \
  PAIR(16, 17, 0, b0, b1, 0, LOW(r0, p0), HIGH(high0, p1)) \
  PAIR(18, 19, 1, b0, b1, 0, LOW(r1, p2), HIGH(high1, p3)) \
  PAIR(20, 21, 2, b0, b1, 0, JOIN(r0, high0) LOW(r2, p4), HIGH(high0, p5)) \
  PAIR(22, 23, 3, b0, b1, 0, JOIN(r1, high1) LOW(r3, p6), HIGH(high1, p7))
// What EVEN_4 has no room for.
#define REST_8(r2, r3)
#define REST_4(r2, r3) JOIN(r2, high0) JOIN(r3, high1)
// A step of k that loads A's halves for the two steps after it, at p0 to p7.
#define ODD_8(b0, b1, p0, p1, p2, p3, p4, p5, p6, p7) \
  PAIR(16, 17, 0, b0, b1, 1, "", HALF(0, p0)) PAIR(18, 19, 1, b0, b1, 1, "", HALF(1, p1)) \
  PAIR(20, 21, 2, b0, b1, 1, "", HALF(2, p2)) PAIR(22, 23, 3, b0, b1, 1, "", HALF(3, p3)) \
  PAIR(24, 25, 4, b0, b1, 1, "", HALF(4, p4)) PAIR(26, 27, 5, b0, b1, 1, "", HALF(5, p5)) \
  PAIR(28, 29, 6, b0, b1, 1, "", HALF(6, p6)) PAIR(30, 31, 7, b0, b1, 1, "", HALF(7, p7))
#define ODD_4(b0, b1, p0, p1, p2, p3, p4, p5, p6, p7) \
  PAIR(16, 17, 0, b0, b1, 1, "", HALF(0, p0)) PAIR(18, 19, 1, b0, b1, 1, "", HALF(1, p1)) \
  PAIR(20, 21, 2, b0, b1, 1, "", HALF(2, p2)) PAIR(22, 23, 3, b0, b1, 1, "", HALF(3, p3))
// A's quads are 16 bytes apart: their second halves, and the first ones of the next four steps.
#define SECOND_8(b0, b1) ODD_8(b0, b1, 8, 24, 40, 56, 72, 88, 104, 120)
#define SECOND_4(b0, b1) ODD_4(b0, b1, 8, 24, 40, 56, , , , )
#define NEXT_8(b0, b1) ODD_8(b0, b1, 128, 144, 160, 176, 192, 208, 224, 240)
#define NEXT_4(b0, b1) ODD_4(b0, b1, 64, 80, 96, 112, , , , )
#define FIRST_4 HALF(0, 0) HALF(1, 16) HALF(2, 32) HALF(3, 48)
#define FIRST_8 FIRST_4 HALF(4, 64) HALF(5, 80) HALF(6, 96) HALF(7, 112)
#define A_BYTES_8 "128"
#define A_BYTES_4 "64"
// Steps 0 and 1 of four, in a turn and in the last one.
#define FRONT(rows) \
  EVEN_##rows(8, 9, 12, 13, 14, 15, 64, 72, 80, 88, 96, 104, 112, 120) \
  REST_##rows(14, 15) SECOND_##rows(10, 11)
#define BACK(rows) \
  EVEN_##rows(12, 13, 8, 9, 10, 11, 128, 136, 144, 152, 160, 168, 176, 184) \
  REST_##rows(10, 11) NEXT_##rows(14, 15)
#define LAST_BACK(rows) STEP_##rows(12, 13, 0) STEP_##rows(14, 15, 1)

// A copy takes one cycle where a load takes two.
#define COPY(r, from) "mov v" #r ".16b, v" #from ".16b\n"
#define COPIES(r0, r1) COPY(r0, 16) COPY(r1, 17)
#define COPY_BIAS4 "ldp q16, q17, [%[b]]\n" COPIES(18, 19) COPIES(20, 21) COPIES(22, 23)
#define COPY_BIAS8 COPY_BIAS4 COPIES(24, 25) COPIES(26, 27) COPIES(28, 29) COPIES(30, 31)

#define NEXT_IN_ORDER "subs %[panels], %[panels], #1\n" "b.ne 1b\n" "b 27f\n"

#define BLOCK_IN_ORDER(rows) \
  asm volatile( \
      ROWS##rows \
      FIND_FINISH \
      "1:\n" \
      "mov %[x], %[a]\n" \
      "lsr %[count], %[k], #2\n" \
      "tbnz %[flags], #3, 2f\n" \
      COPY_BIAS##rows \
      "b 3f\n" \
      "2:\n" \
      LOAD_SUMS(rows) \
      "3:\n" \
      "add %[b], %[b], #32\n" \
      "cbz %[count], 7f\n" \
      FIRST_##rows \
      "ldp q8, q9, [%[b]]\n" \
      "ldp q10, q11, [%[b], #32]\n" \
      "subs %[count], %[count], #1\n" \
      "b.eq 5f\n" \
      "4:\n" \
      FRONT(rows) \
      "subs %[count], %[count], #1\n" \
      BACK(rows) \
      "add %[x], %[x], #" A_BYTES_##rows "\n" \
      "add %[b], %[b], #128\n" \
      "b.ne 4b\n" \
      "5:\n" \
      FRONT(rows) LAST_BACK(rows) \
      "add %[x], %[x], #" A_BYTES_##rows "\n" \
      "add %[b], %[b], #128\n" \
      "7:\n" \
      LAST_STEPS(rows) \
      "br %[finish]\n" \
      FINISH(rows, NEXT_IN_ORDER) \
      : [b] "+r"(b), [panels] "+r"(panels), [x] "+r"(x), [count] "=&r"(count), \
        [high0] "=&r"(high0), [high1] "=&r"(high1), [finish] "+r"(finish) \
      : [a] "r"(block.a), [k] "r"(block.k), [flags] "r"(block.flags), \
        [residual] "r"(block.residual), [bounds] "r"(block.bounds) \
      : CLOBBERS)
// clang-format on

void InOrder8(const GemmBlock &block) {
  const float *b = block.b;
  const void *x = block.c;
  int64_t panels = block.panels, count, high0, high1;
  int64_t finish = FinishWay(block.flags);
  BLOCK_IN_ORDER(8);
}

void InOrder4(const GemmBlock &block) {
  const float *b = block.b;
  const void *x = block.c;
  int64_t panels = block.panels, count, high0, high1;
  int64_t finish = FinishWay(block.flags);
  BLOCK_IN_ORDER(4);
}

}  // namespace

// Packed as for the other cores, so that each thread may take the block of the core that it is on.
void gemm_f32_8x8__neona55(const GemmTile &tile) { gemm_f32_8x8__neon(tile); }
void gemm_f32_8x8__neona55_pack(const GemmPack &pack) { gemm_f32_8x8__neon_pack(pack); }
void gemm_f32_8x8__neona55_block(const GemmBlock &block) {
  if (block.height == 8) return InOrder8(block);
  if (block.height == 4) return InOrder4(block);
  Block1(block);
}

}  // namespace kernels
}  // namespace mace
