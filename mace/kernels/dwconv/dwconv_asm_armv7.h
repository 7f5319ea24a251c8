// SPDX-License-Identifier: Apache-2.0
// 3x3 depthwise convolution on armv7: 3 x 2 output pixels of one vector of channels at a time, the
// loop over channels one asm statement, since compilers run out of the 16 registers. q0-q3 hold
// pixels, q4-q9 the sums of both rows, q10-q12 and q13-q15 a row of weights each.
#ifndef MACE_KERNELS_DWCONV_DWCONV_ASM_ARMV7_H_
#define MACE_KERNELS_DWCONV_DWCONV_ASM_ARMV7_H_

#include "mace/kernels/dwconv/dwconv_tile.h"

namespace mace {
namespace kernels {
namespace {

// Where the asm reads and writes; distances in bytes.
struct DwconvPointers {
  const char *in;  // the first pixel that exists
  const float *w;
  char *out;
  intptr_t vectors;     // of channels, at least 1
  intptr_t pixel;       // to the next pixel
  intptr_t in_row;      // from behind the last pixel of a row to the first one of the next row
  intptr_t in_next;     // from there, when all rows are read, to the next vector of channels
  intptr_t out_row;     // from behind the last pixel of the first row to the second one
  intptr_t out_next;    // from behind the second row to the next vector of channels
  const float *bounds;  // four times low, four times high
  intptr_t rows;        // 1 if the first row exists, plus 2 if the last one does
};

// clang-format off
#define KEEP(...) __VA_ARGS__
#define DROP(...)
#define MLA(acc, pixel, w) "vmla.f32 q" #acc ", q" #pixel ", q" #w "\n"
#define PIXEL0 "vld1.32 {d0-d1}, [%[in]], %[pixel]\n"
#define PIXEL1 "vld1.32 {d2-d3}, [%[in]], %[pixel]\n"
#define PIXEL2 "vld1.32 {d4-d5}, [%[in]], %[pixel]\n"
#define PIXEL3 "vld1.32 {d6-d7}, [%[in]], %[pixel]\n"
#define WEIGHTS_A "vldm %[w]!, {d20-d25}\n"
#define WEIGHTS_B "vldm %[w]!, {d26-d31}\n"
// What input column i, in a register of pixels, adds to the three sums of an output row, by stride.
#define S1_COLUMN0(p, a0, a1, a2, w0, w1, w2) MLA(a0, p, w0)
#define S1_COLUMN1(p, a0, a1, a2, w0, w1, w2) MLA(a0, p, w1) MLA(a1, p, w0)
#define S1_COLUMN2(p, a0, a1, a2, w0, w1, w2) MLA(a0, p, w2) MLA(a1, p, w1) MLA(a2, p, w0)
#define S1_COLUMN3(p, a0, a1, a2, w0, w1, w2) MLA(a1, p, w2) MLA(a2, p, w1)
#define S1_COLUMN4(p, a0, a1, a2, w0, w1, w2) MLA(a2, p, w2)
#define S2_COLUMN0(p, a0, a1, a2, w0, w1, w2) MLA(a0, p, w0)
#define S2_COLUMN1(p, a0, a1, a2, w0, w1, w2) MLA(a0, p, w1)
#define S2_COLUMN2(p, a0, a1, a2, w0, w1, w2) MLA(a0, p, w2) MLA(a1, p, w0)
#define S2_COLUMN3(p, a0, a1, a2, w0, w1, w2) MLA(a1, p, w1)
#define S2_COLUMN4(p, a0, a1, a2, w0, w1, w2) MLA(a1, p, w2) MLA(a2, p, w0)
#define S2_COLUMN5(p, a0, a1, a2, w0, w1, w2) MLA(a2, p, w1)
#define S2_COLUMN6(p, a0, a1, a2, w0, w1, w2) MLA(a2, p, w2)
// An input row meets the first output row by weights A or B, the second one, or both.
#define FIRST_A(s, i, p) s##_COLUMN##i(p, 4, 5, 6, 10, 11, 12)
#define FIRST_B(s, i, p) s##_COLUMN##i(p, 4, 5, 6, 13, 14, 15)
#define SECOND_A(s, i, p) s##_COLUMN##i(p, 7, 8, 9, 10, 11, 12)
#define SECOND_B(s, i, p) s##_COLUMN##i(p, 7, 8, 9, 13, 14, 15)
#define BOTH_BA(s, i, p) FIRST_B(s, i, p) SECOND_A(s, i, p)
#define BOTH_AB(s, i, p) FIRST_A(s, i, p) SECOND_B(s, i, p)
#define NEXT_ROW "add %[in], %[in], %[in_row]\n"
#define ROW_S1(LEFT, RIGHT, F) \
  LEFT(PIXEL0) PIXEL1 PIXEL2 PIXEL3 \
  LEFT(F(S1, 0, 0)) RIGHT(PIXEL0) F(S1, 1, 1) F(S1, 2, 2) F(S1, 3, 3) RIGHT(F(S1, 4, 0)) NEXT_ROW
#define ROW_S2(LEFT, RIGHT, F) \
  LEFT(PIXEL0) PIXEL1 PIXEL2 PIXEL3 \
  LEFT(F(S2, 0, 0)) PIXEL0 F(S2, 1, 1) PIXEL1 F(S2, 2, 2) RIGHT(PIXEL2) F(S2, 3, 3) F(S2, 4, 0) \
  F(S2, 5, 1) RIGHT(F(S2, 6, 2)) NEXT_ROW
#define UNLESS_TOP "tst %[rows], #1\n" "beq 2f\n"
#define UNLESS_BOTTOM "tst %[rows], #2\n" "beq 3f\n"
#define ROWS_S1(LEFT, RIGHT) \
  WEIGHTS_A UNLESS_TOP ROW_S1(LEFT, RIGHT, FIRST_A) "2:\n" \
  WEIGHTS_B ROW_S1(LEFT, RIGHT, BOTH_BA) \
  WEIGHTS_A ROW_S1(LEFT, RIGHT, BOTH_AB) \
  UNLESS_BOTTOM ROW_S1(LEFT, RIGHT, SECOND_A) "3:\n"
// The second output row begins two input rows below the first one: its middle weights are read
// again.
#define ROWS_S2(LEFT, RIGHT) \
  WEIGHTS_A UNLESS_TOP ROW_S2(LEFT, RIGHT, FIRST_A) "2:\n" \
  WEIGHTS_B ROW_S2(LEFT, RIGHT, FIRST_B) \
  WEIGHTS_B ROW_S2(LEFT, RIGHT, BOTH_BA) \
  "sub %[w], %[w], #96\n" WEIGHTS_A "add %[w], %[w], #48\n" ROW_S2(LEFT, RIGHT, SECOND_A) \
  UNLESS_BOTTOM ROW_S2(LEFT, RIGHT, SECOND_B) "3:\n"
#define BOUND(op, r, by) op " q" #r ", q" #r ", q" #by "\n"
#define BOUND_ALL(op, by) \
  BOUND(op, 4, by) BOUND(op, 5, by) BOUND(op, 6, by) BOUND(op, 7, by) BOUND(op, 8, by) \
  BOUND(op, 9, by)
#define STORE(d0, d1) "vst1.32 {d" #d0 "-d" #d1 "}, [%[out]], %[pixel]\n"
#define DWCONV(ROWS, LEFT, RIGHT) \
  asm volatile( \
      "1:\n" \
      "vld1.32 {d8-d9}, [%[w]]!\n" \
      "vmov q5, q4\n" "vmov q6, q4\n" "vmov q7, q4\n" "vmov q8, q4\n" "vmov q9, q4\n" \
      ROWS(LEFT, RIGHT) \
      "vldm %[bounds], {d0-d3}\n" \
      "add %[in], %[in], %[in_next]\n" \
      BOUND_ALL("vmax.f32", 0) BOUND_ALL("vmin.f32", 1) \
      STORE(8, 9) STORE(10, 11) STORE(12, 13) \
      "add %[out], %[out], %[out_row]\n" \
      "subs %[vectors], %[vectors], #1\n" \
      STORE(14, 15) STORE(16, 17) STORE(18, 19) \
      "add %[out], %[out], %[out_next]\n" \
      "bne 1b\n" \
      : [in] "+r"(in), [w] "+r"(w), [out] "+r"(out), [vectors] "+r"(vectors) \
      : [pixel] "r"(p.pixel), [in_row] "r"(p.in_row), [in_next] "r"(p.in_next), \
        [out_row] "r"(p.out_row), [out_next] "r"(p.out_next), [bounds] "r"(p.bounds), \
        [rows] "r"(p.rows) \
      : "memory", "cc", "q0", "q1", "q2", "q3", "q4", "q5", "q6", "q7", "q8", "q9", "q10", "q11", \
        "q12", "q13", "q14", "q15")
// clang-format on

// The vectors of channels that `p` says, for the outputs of a group whose first column of input is
// missing if kLeft, and its last one if kRight.
template <int kStride, bool kLeft, bool kRight>
void DwconvVectors(const DwconvPointers &p) {
  const char *in = p.in;
  const float *w = p.w;
  char *out = p.out;
  intptr_t vectors = p.vectors;
  if constexpr (kStride == 1) {
    if constexpr (kLeft && kRight) DWCONV(ROWS_S1, DROP, DROP);
    if constexpr (kLeft && !kRight) DWCONV(ROWS_S1, DROP, KEEP);
    if constexpr (!kLeft && kRight) DWCONV(ROWS_S1, KEEP, DROP);
    if constexpr (!kLeft && !kRight) DWCONV(ROWS_S1, KEEP, KEEP);
  } else {
    if constexpr (kLeft && kRight) DWCONV(ROWS_S2, DROP, DROP);
    if constexpr (kLeft && !kRight) DWCONV(ROWS_S2, DROP, KEEP);
    if constexpr (!kLeft && kRight) DWCONV(ROWS_S2, KEEP, DROP);
    if constexpr (!kLeft && !kRight) DWCONV(ROWS_S2, KEEP, KEEP);
  }
}

// The outputs [x, x + kX) of two rows, as in dwconv_tile_neon.h.
template <int kStride, int kX, bool kLeft, bool kRight>
void Pixels3x3(const DwconvRows &d, int64_t x) {
  static_assert(kX == 3, "the asm is written for three columns");
  constexpr int kRowsIn = kStride + 3;
  constexpr int kColumns = (kX - 1) * kStride + 3 - kLeft - kRight;
  constexpr int kLanes = Vector::kLanes;
  const bool top = d.row_begin == 0, bottom = d.row_end == kRowsIn;
  const intptr_t channels = static_cast<intptr_t>(d.channels);
  const intptr_t in_row = static_cast<intptr_t>(d.in_row) * 4;
  float bounds[8];
  vst1q_f32(bounds, vdupq_n_f32(d.low));
  vst1q_f32(bounds + 4, vdupq_n_f32(d.high));
  DwconvPointers p;
  p.pixel = channels * 4;
  p.in_row = in_row - kColumns * p.pixel;
  p.in_next = 16 - (kRowsIn - !top - !bottom) * in_row;
  p.out_row = static_cast<intptr_t>(d.out_row) * 4 - kX * p.pixel;
  p.out_next = 16 - static_cast<intptr_t>(d.out_row) * 4 - kX * p.pixel;
  p.bounds = bounds;
  p.rows = top + 2 * bottom;
  const float *in = d.in + (top ? 0 : static_cast<intptr_t>(d.in_row)) +
                    static_cast<intptr_t>(x * kStride - d.pad_left + kLeft) * channels;
  float *out = d.out + static_cast<intptr_t>(x) * channels;
  p.in = reinterpret_cast<const char *>(in);
  p.w = d.packed;
  p.out = reinterpret_cast<char *>(out);
  p.vectors = channels / kLanes;
  DwconvVectors<kStride, kLeft, kRight>(p);
  if (channels % kLanes == 0) return;
  // The last vector holds the last channels, part of them again.
  p.in = reinterpret_cast<const char *>(in + channels - kLanes);
  p.w = d.packed + channels / kLanes * 10 * kLanes;
  p.out = reinterpret_cast<char *>(out + channels - kLanes);
  p.vectors = 1;
  DwconvVectors<kStride, kLeft, kRight>(p);
}

}  // namespace
}  // namespace kernels
}  // namespace mace

#endif  // MACE_KERNELS_DWCONV_DWCONV_ASM_ARMV7_H_
