// SPDX-License-Identifier: Apache-2.0
// GEMM tiles of AVX-512. 32 registers: 28 accumulators, 2 vectors of B, 1 element of A.
#include "mace/kernels/gemm/gemm_tile_x86.h"

namespace mace {
namespace kernels {

namespace {

// Processors that take 512 bits in two halves do with a half vector in half the time, others in as
// much as with a whole one: it is used where no more than half of the last vector's columns are.
// Small tiles would wait for their sums.
constexpr int kHalfLanes = 8, kLeastRows = 8;

__mmask8 FirstLanes(int count) { return static_cast<__mmask8>((1u << count) - 1); }

// g++ 12 takes _mm512_castps512_ps256 for one that reads uninitialized memory.
MACE_INLINE __m256 LowHalf(__m512 v) {
  return __builtin_shufflevector(v, v, 0, 1, 2, 3, 4, 5, 6, 7);
}

// As Tile, of 1 to 8 columns or, with kWhole, of 17 to 24.
template <int kRows, bool kWhole>
void HalfTile(const GemmTile &tile) {
  constexpr int kPointers = (kRows + 2) / 3;
  constexpr int kFirst = kWhole ? 16 : 0;  // of the half vector's columns
  constexpr int kWidth = kFirst + 16;
  if (tile.residual != nullptr) PrefetchResidual<kRows, kWhole ? 2 : 1>(tile, 16);
  __m512 whole[kRows];
  __m256 half[kRows];
  const float *b = tile.b;
  MACE_UNROLL
  for (int i = 0; i < kRows; ++i) {
    whole[i] = _mm512_loadu_ps(b);
    half[i] = _mm256_loadu_ps(b + kFirst);
  }
  b += kWidth;
  const char *prefetch = reinterpret_cast<const char *>(tile.prefetch);
  const int64_t prefetch_step = tile.prefetch_step * static_cast<int64_t>(sizeof(float));
  for (int64_t tap = 0; tap < tile.taps; ++tap) {
    const float *a[kPointers];
    MACE_UNROLL
    for (int p = 0; p < kPointers; ++p) a[p] = tile.a + tile.tap_offsets[tap] + 3 * p * tile.lda;
#pragma GCC unroll 1
    for (int64_t k = tile.k; k > 0; --k) {
      const __m512 row = _mm512_loadu_ps(b);
      const __m256 rest = _mm256_loadu_ps(b + kFirst);
      MACE_UNROLL
      for (int i = 0; i < kRows; ++i) {
        const float *x = a[i / 3] + (i % 3) * tile.lda;
        if constexpr (kWhole) {
          const __m512 value = _mm512_set1_ps(*x);
          whole[i] = _mm512_fmadd_ps(value, row, whole[i]);
          half[i] = _mm256_fmadd_ps(LowHalf(value), rest, half[i]);
        } else {
          half[i] = _mm256_fmadd_ps(_mm256_set1_ps(*x), rest, half[i]);
        }
      }
      _mm_prefetch(prefetch, _MM_HINT_T1);
      prefetch += prefetch_step;
      MACE_UNROLL
      for (int p = 0; p < kPointers; ++p) ++a[p];
      b += kWidth;
    }
  }
  const __mmask8 lanes = FirstLanes(tile.n - kFirst);
  const __m512 low = Vector::Set(tile.low), high = Vector::Set(tile.high);
  const float *r = tile.residual;
  float *c = tile.c;
  MACE_UNROLL
  for (int i = 0; i < kRows; ++i, c += tile.ldc) {
    if (r != nullptr) {
      if constexpr (kWhole) whole[i] = Vector::Add(whole[i], Vector::Load(r));
      half[i] = _mm256_add_ps(half[i], _mm256_maskz_loadu_ps(lanes, r + kFirst));
      r += tile.ldr;
    }
    // The order of operands lets NaN through.
    if constexpr (kWhole) Vector::Store(c, Vector::Min(high, Vector::Max(low, whole[i])));
    const __m256 y =
        _mm256_min_ps(_mm256_set1_ps(tile.high), _mm256_max_ps(_mm256_set1_ps(tile.low), half[i]));
    _mm256_mask_storeu_ps(c + kFirst, lanes, y);
  }
}

// For each number of rows from kLeastRows on.
template <bool kWhole>
constexpr GemmFunction kHalfTiles[] = {
    HalfTile<8, kWhole>,  HalfTile<9, kWhole>,  HalfTile<10, kWhole>, HalfTile<11, kWhole>,
    HalfTile<12, kWhole>, HalfTile<13, kWhole>, HalfTile<14, kWhole>};

}  // namespace

void gemm_f32_14x32__avx512(const GemmTile &tile) {
  const bool whole = tile.n > Vector::kLanes;
  if (tile.m >= kLeastRows && tile.n - (whole ? Vector::kLanes : 0) <= kHalfLanes) {
    return (whole ? kHalfTiles<true> : kHalfTiles<false>)[tile.m - kLeastRows](tile);
  }
  RunTile<Vector, 14>(tile);
}

}  // namespace kernels
}  // namespace mace
