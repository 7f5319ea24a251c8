// SPDX-License-Identifier: Apache-2.0
// The register tile of x86: each step of k loads one row of B into vectors, and multiplies it with
// one broadcast element of each row of A. Included by one source per instruction set.
#ifndef MACE_KERNELS_GEMM_GEMM_TILE_X86_H_
#define MACE_KERNELS_GEMM_GEMM_TILE_X86_H_

#include "mace/kernels/gemm/gemm_kernel.h"
#include "mace/kernels/simd.h"

namespace mace {
namespace kernels {
namespace {

// The accumulators of a tile: kRows rows of kVectors vectors.
template <typename V, int kRows, int kVectors>
struct Accumulators {
  typename V::T v[kRows][kVectors];
};

// acc += one column of A (element i at a[i / 3][i % 3 * lda]) times one row of B. Three rows share
// a pointer because x86 addresses p, p + lda and p + 2 * lda without arithmetic.
template <typename V, int kRows, int kVectors>
MACE_INLINE void Step(const float *const *a, int64_t lda, const float *b,
                      Accumulators<V, kRows, kVectors> *acc) {
  typename V::T row[kVectors];
  MACE_UNROLL
  for (int j = 0; j < kVectors; ++j) row[j] = V::Load(b + j * V::kLanes);
  MACE_UNROLL
  for (int i = 0; i < kRows; ++i) {
    const typename V::T x = V::Broadcast(a[i / 3] + (i % 3) * lda);
    MACE_UNROLL
    for (int j = 0; j < kVectors; ++j) acc->v[i][j] = V::MulAdd(x, row[j], acc->v[i][j]);
  }
}

// Adds the residual, clamps and stores. The last vector has `lanes` lanes in use.
template <typename V, int kRows, int kVectors>
MACE_INLINE void Finish(const GemmTile &tile, int lanes, Accumulators<V, kRows, kVectors> *acc) {
  constexpr int kLast = kVectors - 1;
  if (tile.residual != nullptr) {
    const float *r = tile.residual;
    MACE_UNROLL
    for (int i = 0; i < kRows; ++i, r += tile.ldr) {
      MACE_UNROLL
      for (int j = 0; j < kVectors; ++j) {
        acc->v[i][j] = V::Add(acc->v[i][j], j < kLast || lanes == V::kLanes
                                                ? V::Load(r + j * V::kLanes)
                                                : V::LoadPart(r + j * V::kLanes, lanes));
      }
    }
  }
  const typename V::T low = V::Set(tile.low);
  const typename V::T high = V::Set(tile.high);
  float *c = tile.c;
  MACE_UNROLL
  for (int i = 0; i < kRows; ++i, c += tile.ldc) {
    MACE_UNROLL
    for (int j = 0; j < kVectors; ++j) {
      const typename V::T y = V::Min(high, V::Max(low, acc->v[i][j]));
      if (j < kLast || lanes == V::kLanes) {
        V::Store(c + j * V::kLanes, y);
      } else {
        V::StorePart(c + j * V::kLanes, y, lanes);
      }
    }
  }
}

// A product with few rows of A waits for B, which it reads once: all lines of the step that comes a
// page later are fetched, as hardware does not look beyond a page. Panels follow each other.
template <int kWidth>
MACE_INLINE void PrefetchStep(const float *b) {
  constexpr int kAhead = 1024, kLine = 16;
  MACE_UNROLL
  for (int i = 0; i < kWidth; i += kLine) _mm_prefetch(b + kAhead + i, _MM_HINT_T1);
}

// The residual is read at the end, all at once: by then it has arrived.
template <int kRows, int kVectors>
MACE_INLINE void PrefetchResidual(const GemmTile &tile, int lanes) {
  const float *r = tile.residual;
#pragma GCC unroll 1
  for (int i = 0; i < kRows; ++i, r += tile.ldr) {
    MACE_UNROLL
    for (int j = 0; j < kVectors; ++j) _mm_prefetch(r + j * lanes, _MM_HINT_T0);
  }
}

// A tile of exactly kRows rows, with panels that are kVectors vectors wide.
template <typename V, int kRows, int kVectors>
void Tile(const GemmTile &tile) {
  constexpr int kWidth = kVectors * V::kLanes;
  constexpr int kPointers = (kRows + 2) / 3;
  // A multiply-add takes 4 cycles and two start in each: fewer than 8 accumulators would wait for
  // each other, so small tiles sum several steps of k apart.
  constexpr int kPhases = kRows * kVectors >= 8 ? 1 : kRows * kVectors >= 4 ? 2 : 4;
  if (tile.residual != nullptr) PrefetchResidual<kRows, kVectors>(tile, V::kLanes);
  Accumulators<V, kRows, kVectors> acc[kPhases];
  const float *b = tile.b;
  MACE_UNROLL
  for (int i = 0; i < kRows; ++i) {
    MACE_UNROLL
    for (int j = 0; j < kVectors; ++j) {
      acc[0].v[i][j] = V::Load(b + j * V::kLanes);
      MACE_UNROLL
      for (int phase = 1; phase < kPhases; ++phase) acc[phase].v[i][j] = V::Set(0);
    }
  }
  b += kWidth;
  const int64_t lda = tile.lda;
  const char *prefetch = reinterpret_cast<const char *>(tile.prefetch);
  const int64_t prefetch_step = tile.prefetch_step * static_cast<int64_t>(sizeof(float));
  for (int64_t tap = 0; tap < tile.taps; ++tap) {
    const float *a[kPointers];
    MACE_UNROLL
    for (int p = 0; p < kPointers; ++p) a[p] = tile.a + tile.tap_offsets[tap] + 3 * p * lda;
    int64_t k = tile.k;
    if constexpr (kPhases > 1) {
      for (; k >= kPhases; k -= kPhases) {
        MACE_UNROLL
        for (int phase = 0; phase < kPhases; ++phase) {
          Step<V, kRows, kVectors>(a, lda, b, &acc[phase]);
          PrefetchStep<kWidth>(b);
          MACE_UNROLL
          for (int p = 0; p < kPointers; ++p) ++a[p];
          b += kWidth;
        }
      }
    }
#pragma GCC unroll 1
    for (; k > 0; --k) {
      Step<V, kRows, kVectors>(a, lda, b, &acc[0]);
      _mm_prefetch(prefetch, _MM_HINT_T1);
      prefetch += prefetch_step;
      MACE_UNROLL
      for (int p = 0; p < kPointers; ++p) ++a[p];
      b += kWidth;
    }
  }
  MACE_UNROLL
  for (int phase = 1; phase < kPhases; ++phase) {
    MACE_UNROLL
    for (int i = 0; i < kRows; ++i) {
      MACE_UNROLL
      for (int j = 0; j < kVectors; ++j) {
        acc[0].v[i][j] = V::Add(acc[0].v[i][j], acc[phase].v[i][j]);
      }
    }
  }
  Finish<V, kRows, kVectors>(tile, tile.n - kWidth + V::kLanes, &acc[0]);
}

// Tiles for each number of rows up to kRows and of vectors up to 2.
template <typename V, int kRows>
struct TileTable {
  GemmFunction tiles[2][kRows + 1];
  constexpr TileTable() : tiles() { Fill<kRows>(); }
  template <int kCount>
  constexpr void Fill() {
    tiles[0][kCount] = Tile<V, kCount, 1>;
    tiles[1][kCount] = Tile<V, kCount, 2>;
    if constexpr (kCount > 1) Fill<kCount - 1>();
  }
};

// The tile that fits t.m and t.n.
template <typename V, int kRows>
MACE_INLINE void RunTile(const GemmTile &t) {
  static constexpr TileTable<V, kRows> kTable;
  kTable.tiles[t.n > V::kLanes][t.m](t);
}

}  // namespace
}  // namespace kernels
}  // namespace mace

#endif  // MACE_KERNELS_GEMM_GEMM_TILE_X86_H_
