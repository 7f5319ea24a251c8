// SPDX-License-Identifier: Apache-2.0
// Products by AMX tiles: tdpbf16ps multiplies 16 rows of 32 numbers with 32 rows of 16. Tiles 0 to
// 3 hold 32x32 sums, 4 and 5 rows of A, 6 and 7 columns of B.
#include "mace/kernels/bf16/bf16_x86.h"

namespace mace {
namespace kernels {

namespace {

constexpr int kRows = 32, kColumns = 32, kTile = 16;
constexpr int kRowBytes = 64;     // of a tile
constexpr int kPanelBytes = 128;  // of a pair of steps of B, or of a row of sums

// The operand of ldtilecfg, palette 1: all tiles have 16 rows of 64 bytes.
struct TileConfig {
  uint8_t palette;
  uint8_t start_row;
  uint8_t reserved[14];
  uint16_t row_bytes[16];
  uint8_t rows[16];
};
constexpr TileConfig kConfig = {
    1, 0, {}, {64, 64, 64, 64, 64, 64, 64, 64}, {16, 16, 16, 16, 16, 16, 16, 16}};

// A tile of sums: kTall has 32 rows, else 16; kWide likewise columns.
template <bool kTall, bool kWide>
MACE_INLINE void Sums(const uint16_t *a, const float *panel, int64_t depth, float *sums) {
  // Each row of the sums begins as the bias.
  _tile_loadd(0, panel, 0);
  if (kWide) _tile_loadd(1, panel + kTile, 0);
  if (kTall) _tile_loadd(2, panel, 0);
  if (kTall && kWide) _tile_loadd(3, panel + kTile, 0);
  const float *b = panel + kColumns;
#pragma GCC unroll 1
  for (int64_t l = 0; l < depth; l += kChunk, a += kRows * kChunk, b += kTile * kColumns) {
    _tile_loadd(6, b, kPanelBytes);
    _tile_loadd(4, a, kRowBytes);
    _tile_dpbf16ps(0, 4, 6);
    if (kWide) {
      _tile_loadd(7, b + kTile, kPanelBytes);
      _tile_dpbf16ps(1, 4, 7);
    }
    if (kTall) {
      _tile_loadd(5, a + kTile * kChunk, kRowBytes);
      _tile_dpbf16ps(2, 5, 6);
      if (kWide) _tile_dpbf16ps(3, 5, 7);
    }
  }
  _tile_stored(0, sums, kPanelBytes);
  if (kWide) _tile_stored(1, sums + kTile, kPanelBytes);
  if (kTall) _tile_stored(2, sums + kTile * kColumns, kPanelBytes);
  if (kTall && kWide) _tile_stored(3, sums + kTile * kColumns + kTile, kPanelBytes);
}

MACE_INLINE void Finish(const Bf16Block &block, const float *sums, int64_t row, int64_t m,
                        int64_t column, int64_t n) {
  const __m512 low = _mm512_set1_ps(block.low), high = _mm512_set1_ps(block.high);
  const __mmask16 left = LanesOf(n), right = LanesOf(n - kTile);
  for (int64_t i = 0; i < m; ++i, sums += kColumns) {
    float *c = block.c[row + i] + column;
    const float *residual = block.residual == nullptr ? nullptr : block.residual[row + i] + column;
    FinishVector(_mm512_load_ps(sums), residual, left, low, high, c);
    if (n <= kTile) continue;
    FinishVector(_mm512_load_ps(sums + kTile), residual == nullptr ? nullptr : residual + kTile,
                 right, low, high, c + kTile);
  }
}

}  // namespace

// In chunks of 32 steps: [depth / 32][32 rows][32].
void gemm_bf16_32x32__amxbf16_pack(const Bf16Pack &pack) {
  for (int64_t i = 0; i < pack.height; ++i) {
    uint16_t *to = pack.packed + i / kRows * kRows * pack.depth + i % kRows * kChunk;
    RoundRow(pack, pack.rows[i], [=](int64_t step, __m512i numbers) {
      _mm512_store_si512(to + step * kRows, numbers);
    });
  }
}

void gemm_bf16_32x32__amxbf16(const Bf16Block &block) {
  alignas(64) float sums[2][kRows * kColumns];
  const int64_t panel_floats = kColumns * (2 + block.depth) / 2;
  const float *panel = block.b;
  int turn = 0;
  _tile_loadconfig(&kConfig);
  for (int64_t column = 0; column < block.n; column += kColumns, panel += panel_floats) {
    const int64_t n = block.n - column < kColumns ? block.n - column : kColumns;
    const uint16_t *a = block.a;
    for (int64_t row = 0; row < block.m; row += kRows, a += kRows * block.depth) {
      const int64_t m = block.m - row < kRows ? block.m - row : kRows;
      // In turns: the next sums are stored while these are read.
      float *own = sums[turn ^= 1];
      if (m > kTile) {
        n > kTile ? Sums<true, true>(a, panel, block.depth, own)
                  : Sums<true, false>(a, panel, block.depth, own);
      } else {
        n > kTile ? Sums<false, true>(a, panel, block.depth, own)
                  : Sums<false, false>(a, panel, block.depth, own);
      }
      Finish(block, own, row, m, column, n);
    }
  }
  _tile_release();
}

}  // namespace kernels
}  // namespace mace
