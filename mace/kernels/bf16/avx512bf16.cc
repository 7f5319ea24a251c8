// SPDX-License-Identifier: Apache-2.0
// Products of AVX512-BF16: vdpbf16ps adds the products of a pair of steps. 28 accumulators, 2
// vectors of B, 1 pair of A.
#include "mace/kernels/bf16/bf16_x86.h"

namespace mace {
namespace kernels {

namespace {

constexpr int kRows = 14, kColumns = 32;

// acc += the pair at a times 16 pairs of b. As text: g++ 12 keeps accumulators of the intrinsic in
// memory.
MACE_INLINE void Dot(__m512i a, __m512i b, __m512 *acc) {
  asm("vdpbf16ps %2, %1, %0" : "+v"(*acc) : "v"(a), "v"(b));
}

// kHeight rows, of which the first m are wanted, and a panel of which n columns are.
template <int kHeight>
void Tile(const Bf16Block &block, const uint16_t *a, const float *panel, int64_t row, int64_t m,
          int64_t column, int64_t n) {
  __m512 acc[kHeight][2];
  MACE_UNROLL
  for (int i = 0; i < kHeight; ++i) {
    acc[i][0] = _mm512_loadu_ps(panel);
    acc[i][1] = _mm512_loadu_ps(panel + 16);
  }
  const float *b = panel + kColumns;
  const int64_t depth = block.depth;
  const uint16_t *rows[(kHeight + 2) / 3];
  MACE_UNROLL
  for (int p = 0; p < (kHeight + 2) / 3; ++p) rows[p] = a + 3 * p * depth;
#pragma GCC unroll 1
  for (int64_t l = 0; l < depth; l += 2, b += kColumns) {
    const __m512i b0 = _mm512_loadu_si512(b), b1 = _mm512_loadu_si512(b + 16);
    MACE_UNROLL
    for (int i = 0; i < kHeight; ++i) {
      int32_t pair;
      __builtin_memcpy(&pair, rows[i / 3] + (i % 3) * depth, sizeof(pair));
      const __m512i x = _mm512_set1_epi32(pair);
      Dot(x, b0, &acc[i][0]);
      Dot(x, b1, &acc[i][1]);
    }
    MACE_UNROLL
    for (int p = 0; p < (kHeight + 2) / 3; ++p) rows[p] += 2;
  }
  const __m512 low = _mm512_set1_ps(block.low), high = _mm512_set1_ps(block.high);
  MACE_UNROLL
  for (int i = 0; i < kHeight; ++i) {
    if (i >= m) return;
    float *c = block.c[row + i] + column;
    const float *residual = block.residual == nullptr ? nullptr : block.residual[row + i] + column;
    FinishVector(acc[i][0], residual, LanesOf(n), low, high, c);
    if (n <= 16) continue;
    FinishVector(acc[i][1], residual == nullptr ? nullptr : residual + 16, LanesOf(n - 16), low,
                 high, c + 16);
  }
}

}  // namespace

void gemm_bf16_14x32__avx512bf16_pack(const Bf16Pack &pack) {
  for (int64_t i = 0; i < pack.height; ++i) {
    uint16_t *to = pack.packed + i * pack.depth;
    RoundRow(pack, pack.rows[i], [=](int64_t step, __m512i numbers) {
      const int64_t left = pack.depth - step;
      const __mmask32 mask = left >= kChunk ? 0xffffffffu : (1u << left) - 1;
      _mm512_mask_storeu_epi16(to + step, mask, numbers);
    });
  }
}

void gemm_bf16_14x32__avx512bf16(const Bf16Block &block) {
  const int64_t panel_floats = kColumns * (2 + block.depth) / 2;
  const float *panel = block.b;
  for (int64_t column = 0; column < block.n; column += kColumns, panel += panel_floats) {
    const int64_t n = block.n - column < kColumns ? block.n - column : kColumns;
    const uint16_t *a = block.a;
    for (int64_t row = 0; row < block.m; row += kRows, a += kRows * block.depth) {
      const int64_t m = block.m - row;
      if (m > 4) {
        Tile<kRows>(block, a, panel, row, m < kRows ? m : kRows, column, n);
      } else {
        Tile<4>(block, a, panel, row, m, column, n);
      }
    }
  }
}

}  // namespace kernels
}  // namespace mace
