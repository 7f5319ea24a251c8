// SPDX-License-Identifier: Apache-2.0
// Products of Armv8.6: bfmmla adds the product of two rows of A and two columns of B, four steps of
// k each, to 2x2 sums. 16 accumulators, 4 vectors of A, 4 of B. Packed rows of A are [k / 4][8][4].
#include <arm_neon.h>

#include "mace/kernels/bf16/bf16_kernel.h"
#include "mace/kernels/simd.h"

namespace mace {
namespace kernels {

namespace {

constexpr int kRows = 8, kColumns = 8, kSteps = 4;

// Four steps of a row that lie in more than one tap, zeros past the last one.
float32x4_t GatherSteps(const Bf16Pack &pack, const float *row, int64_t tap, int64_t l) {
  float steps[kSteps] = {};
  for (int i = 0; i < kSteps && tap < pack.taps; ++i) {
    steps[i] = row[pack.tap_offsets[tap] + l];
    if (++l < pack.k) continue;
    l = 0;
    ++tap;
  }
  return vld1q_f32(steps);
}

MACE_INLINE bfloat16x8_t RoundTwo(float32x4_t a, float32x4_t b) {
  return vcvtq_high_bf16_f32(vcvtq_low_bf16_f32(a), b);
}

// A tile of rows; returns where the next one goes.
bfloat16_t *PackTile(const Bf16Pack &pack, const float *const *rows, bfloat16_t *to) {
  int64_t tap = 0, l = 0;
  for (int64_t step = 0; step < pack.depth; step += kSteps, to += kRows * kSteps) {
    if (l + kSteps <= pack.k) {
      const int64_t at = pack.tap_offsets[tap] + l;
      MACE_UNROLL
      for (int i = 0; i < kRows; i += 2) {
        vst1q_bf16(to + kSteps * i, RoundTwo(vld1q_f32(rows[i] + at), vld1q_f32(rows[i + 1] + at)));
      }
    } else {
      for (int i = 0; i < kRows; i += 2) {
        vst1q_bf16(to + kSteps * i, RoundTwo(GatherSteps(pack, rows[i], tap, l),
                                             GatherSteps(pack, rows[i + 1], tap, l)));
      }
    }
    for (l += kSteps; l >= pack.k && tap < pack.taps; ++tap) l -= pack.k;
  }
  return to;
}

MACE_INLINE float32x4_t LowHalves(float32x4_t a, float32x4_t b) {
  return vcombine_f32(vget_low_f32(a), vget_low_f32(b));
}
MACE_INLINE float32x4_t HighHalves(float32x4_t a, float32x4_t b) {
  return vcombine_f32(vget_high_f32(a), vget_high_f32(b));
}

// Adds the residual of a row, clamps and stores n of 8 columns.
MACE_INLINE void FinishRow(float32x4_t y0, float32x4_t y1, const float *residual, int64_t n,
                           float32x4_t low, float32x4_t high, float *c) {
  float room[2][kColumns] = {};
  float *const out = n == kColumns ? c : room[0];
  if (residual != nullptr) {
    if (n < kColumns) {
      for (int64_t j = 0; j < n; ++j) room[1][j] = residual[j];
      residual = room[1];
    }
    y0 = vaddq_f32(y0, vld1q_f32(residual));
    y1 = vaddq_f32(y1, vld1q_f32(residual + 4));
  }
  vst1q_f32(out, vminq_f32(high, vmaxq_f32(low, y0)));
  vst1q_f32(out + 4, vminq_f32(high, vmaxq_f32(low, y1)));
  if (n == kColumns) return;
  for (int64_t j = 0; j < n; ++j) c[j] = room[0][j];
}

// 2 * kPairs rows of a tile, of which the first m are wanted, and n columns of a panel.
template <int kPairs>
void Tile(const Bf16Block &block, const uint16_t *packed, const float *panel, int64_t row,
          int64_t m, int64_t column, int64_t n) {
  float32x4_t acc[kPairs][kColumns / 2];
  MACE_UNROLL
  for (int q = 0; q < kColumns / 2; ++q) {
    const float32x2_t bias = vld1_f32(panel + 2 * q);
    MACE_UNROLL
    for (int p = 0; p < kPairs; ++p) acc[p][q] = vcombine_f32(bias, bias);
  }
  const auto *a = reinterpret_cast<const bfloat16_t *>(packed);
  const auto *b = reinterpret_cast<const bfloat16_t *>(panel + kColumns);
#pragma GCC unroll 1
  for (int64_t step = 0; step < block.depth; step += kSteps) {
    bfloat16x8_t x[kPairs], y[kColumns / 2];
    MACE_UNROLL
    for (int p = 0; p < kPairs; ++p) x[p] = vld1q_bf16(a + 8 * p);
    MACE_UNROLL
    for (int q = 0; q < kColumns / 2; ++q) y[q] = vld1q_bf16(b + 8 * q);
    a += kRows * kSteps;
    b += kColumns * kSteps;
    MACE_UNROLL
    for (int p = 0; p < kPairs; ++p) {
      MACE_UNROLL
      for (int q = 0; q < kColumns / 2; ++q) acc[p][q] = vbfmmlaq_f32(acc[p][q], x[p], y[q]);
    }
  }
  const float32x4_t low = vdupq_n_f32(block.low), high = vdupq_n_f32(block.high);
  MACE_UNROLL
  for (int p = 0; p < kPairs; ++p) {
    MACE_UNROLL
    for (int half = 0; half < 2; ++half) {
      const int64_t i = 2 * p + half;
      if (i >= m) return;
      const float32x4_t *sums = acc[p];
      const float32x4_t y0 = half == 0 ? LowHalves(sums[0], sums[1]) : HighHalves(sums[0], sums[1]);
      const float32x4_t y1 = half == 0 ? LowHalves(sums[2], sums[3]) : HighHalves(sums[2], sums[3]);
      const float *residual =
          block.residual == nullptr ? nullptr : block.residual[row + i] + column;
      FinishRow(y0, y1, residual, n, low, high, block.c[row + i] + column);
    }
  }
}

}  // namespace

void gemm_bf16_8x8__neonbf16_pack(const Bf16Pack &pack) {
  auto *to = reinterpret_cast<bfloat16_t *>(pack.packed);
  for (int64_t row = 0; row < pack.height; row += kRows) {
    // Rows past the last one repeat it.
    const float *rows[kRows];
    for (int i = 0; i < kRows; ++i) {
      rows[i] = pack.rows[row + i < pack.height ? row + i : pack.height - 1];
    }
    to = PackTile(pack, rows, to);
  }
}

void gemm_bf16_8x8__neonbf16(const Bf16Block &block) {
  const int64_t panel_floats = kColumns * (2 + block.depth) / 2;
  const float *panel = block.b;
  for (int64_t column = 0; column < block.n; column += kColumns, panel += panel_floats) {
    const int64_t n = block.n - column < kColumns ? block.n - column : kColumns;
    const uint16_t *a = block.a;
    for (int64_t row = 0; row < block.m; row += kRows, a += kRows * block.depth) {
      const int64_t m = block.m - row < kRows ? block.m - row : kRows;
      if (m > 4) {
        Tile<4>(block, a, panel, row, m, column, n);
      } else if (m > 2) {
        Tile<2>(block, a, panel, row, m, column, n);
      } else {
        Tile<1>(block, a, panel, row, m, column, n);
      }
    }
  }
}

}  // namespace kernels
}  // namespace mace
