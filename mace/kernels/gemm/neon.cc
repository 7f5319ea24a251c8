// SPDX-License-Identifier: Apache-2.0
// GEMM tiles of Arm: four elements of each row of A are loaded at once, and multiply by lane. 8x8
// on arm64 (16 accumulators, 8 vectors of A), 4x8 on armv7 (8 accumulators, 4 vectors of A).
#include "mace/kernels/gemm/gemm_kernel.h"
#include "mace/kernels/simd.h"
#if defined(__aarch64__)
#include "mace/kernels/gemm/gemm_block_arm64.h"
#else
#include "mace/kernels/gemm/gemm_block_armv7.h"
#endif

namespace mace {
namespace kernels {
namespace {

using T = Vector::T;

constexpr int kPackPart = 128;  // floats of a row that are gathered at a time

// acc + b * a[kLane]
template <int kLane>
MACE_INLINE T MulAddLane(T acc, T b, T a) {
#if defined(__aarch64__)
  return vfmaq_laneq_f32(acc, b, a, kLane);
#else
  return vmlaq_lane_f32(acc, b, kLane < 2 ? vget_low_f32(a) : vget_high_f32(a), kLane & 1);
#endif
}

// Loads the vector at *p and advances p. g++ would not use the post-increment of the instruction,
// and add apart.
MACE_INLINE T LoadNext(const float **p) {
  T v;
#if defined(__aarch64__)
  asm("ldr %q0, [%1], #16" : "=w"(v), "+r"(*p) : "m"(*reinterpret_cast<const float(*)[4]>(*p)));
#else
  asm("vld1.32 {%e0, %f0}, [%1]!"
      : "=w"(v), "+r"(*p)
      : "m"(*reinterpret_cast<const float(*)[4]>(*p)));
#endif
  return v;
}

// The kVectors vectors at *p, which is advanced. On arm64 plain loads become pairs.
template <int kVectors>
MACE_INLINE void LoadRow(const float **p, T *row) {
#if defined(__aarch64__)
  MACE_UNROLL
  for (int j = 0; j < kVectors; ++j) row[j] = vld1q_f32(*p + 4 * j);
  *p += 4 * kVectors;
#else
  MACE_UNROLL
  for (int j = 0; j < kVectors; ++j) row[j] = LoadNext(p);
#endif
}

template <int kRows, int kVectors>
struct Accumulators {
  T v[kRows][kVectors];
};

// One step of k, with element kLane of each vector of A; returns the next row of B.
template <int kLane, int kRows, int kVectors>
MACE_INLINE const float *StepLane(const T *a, const float *b, Accumulators<kRows, kVectors> *acc) {
  T row[kVectors];
  LoadRow<kVectors>(&b, row);
  MACE_UNROLL
  for (int j = 0; j < kVectors; ++j) {
    MACE_UNROLL
    for (int i = 0; i < kRows; ++i) acc->v[i][j] = MulAddLane<kLane>(acc->v[i][j], row[j], a[i]);
  }
  return b;
}

template <int kRows, int kVectors>
MACE_INLINE void Finish(const GemmTile &tile, int lanes, Accumulators<kRows, kVectors> *acc) {
  constexpr int kLast = kVectors - 1;
  const T low = vdupq_n_f32(tile.low);
  const T high = vdupq_n_f32(tile.high);
  const float *r = tile.residual;
  float *c = tile.c;
  MACE_UNROLL
  for (int i = 0; i < kRows; ++i) {
    MACE_UNROLL
    for (int j = 0; j < kVectors; ++j) {
      const bool whole = j < kLast || lanes == 4;
      T y = acc->v[i][j];
      if (r != nullptr) {
        y = vaddq_f32(y, whole ? vld1q_f32(r + 4 * j) : Vector::LoadPart(r + 4 * j, lanes));
      }
      y = vminq_f32(high, vmaxq_f32(low, y));
      if (whole) {
        vst1q_f32(c + 4 * j, y);
      } else {
        Vector::StorePart(c + 4 * j, y, lanes);
      }
    }
    if (r != nullptr) r += tile.ldr;
    c += tile.ldc;
  }
}

template <int kRows, int kVectors>
void Tile(const GemmTile &tile) {
  constexpr int kWidth = 4 * kVectors;
  // Few accumulators would wait for each other: small tiles sum the lanes of A apart.
  constexpr int kPhases = kRows * kVectors >= 8 ? 1 : kRows * kVectors >= 4 ? 2 : 4;
  Accumulators<kRows, kVectors> acc[kPhases];
  const float *b = tile.b;
  MACE_UNROLL
  for (int i = 0; i < kRows; ++i) {
    MACE_UNROLL
    for (int j = 0; j < kVectors; ++j) {
      acc[0].v[i][j] = vld1q_f32(b + 4 * j);
      MACE_UNROLL
      for (int phase = 1; phase < kPhases; ++phase) acc[phase].v[i][j] = vdupq_n_f32(0);
    }
  }
  b += kWidth;
  for (int64_t tap = 0; tap < tile.taps; ++tap) {
    const float *a[kRows];
    MACE_UNROLL
    for (int i = 0; i < kRows; ++i) a[i] = tile.a + tile.tap_offsets[tap] + i * tile.lda;
    intptr_t k = static_cast<intptr_t>(tile.k);
    for (; k >= 4; k -= 4) {
      T x[kRows];
      MACE_UNROLL
      for (int i = 0; i < kRows; ++i) x[i] = LoadNext(&a[i]);
      b = StepLane<0>(x, b, &acc[0]);
      b = StepLane<1>(x, b, &acc[1 % kPhases]);
      b = StepLane<2>(x, b, &acc[2 % kPhases]);
      b = StepLane<3>(x, b, &acc[3 % kPhases]);
    }
    for (; k > 0; --k) {
      T x[kRows];
      MACE_UNROLL
      for (int i = 0; i < kRows; ++i) x[i] = vld1q_dup_f32(a[i]++);
      b = StepLane<0>(x, b, &acc[0]);
    }
  }
  MACE_UNROLL
  for (int phase = 1; phase < kPhases; ++phase) {
    MACE_UNROLL
    for (int i = 0; i < kRows; ++i) {
      MACE_UNROLL
      for (int j = 0; j < kVectors; ++j) {
        acc[0].v[i][j] = vaddq_f32(acc[0].v[i][j], acc[phase].v[i][j]);
      }
    }
  }
  Finish<kRows, kVectors>(tile, tile.n - kWidth + 4, &acc[0]);
}

// Tiles of 1 to kRows rows; in the smallest library of 1, 2, 4 and 8 rows.
template <int kRows>
struct TileTable {
#if defined(MACE_OPTIMIZE_SIZE)
  static constexpr int Fewer(int count) { return count / 2; }
#else
  static constexpr int Fewer(int count) { return count - 1; }
#endif
  GemmFunction tiles[2][kRows + 1];
  constexpr TileTable() : tiles() { Fill<kRows>(); }
  template <int kCount>
  constexpr void Fill() {
    tiles[0][kCount] = Tile<kCount, 1>;
    tiles[1][kCount] = Tile<kCount, 2>;
    if constexpr (kCount > 1) Fill<Fewer(kCount)>();
  }
  void Run(const GemmTile &tile) const {
    const GemmFunction *functions = tiles[tile.n > 4];
    if (functions[tile.m] != nullptr) return functions[tile.m](tile);
    GemmTile part = tile;
    for (int rest = tile.m, rows = kRows; rest > 0; rest -= part.m) {
      while (rows > rest) rows /= 2;
      part.m = rows;
      functions[rows](part);
      part.a += rows * tile.lda;
      part.c += rows * tile.ldc;
      if (part.residual != nullptr) part.residual += rows * tile.ldr;
    }
  }
};

// kCount floats, at least 4: the last vector moves back to be whole.
template <int kCount>
MACE_INLINE void CopyFloats(const float *x, float *to) {
  constexpr int kFours = kCount / 16, kQuads = kCount / 4;
#if defined(__aarch64__)
  MACE_UNROLL
  for (int i = 0; i < kFours; ++i) vst1q_f32_x4(to + 16 * i, vld1q_f32_x4(x + 16 * i));
#else
  MACE_UNROLL
  for (int i = 0; i < 4 * kFours; ++i) vst1q_f32(to + 4 * i, vld1q_f32(x + 4 * i));
#endif
  MACE_UNROLL
  for (int i = 4 * kFours; i < kQuads; ++i) vst1q_f32(to + 4 * i, vld1q_f32(x + 4 * i));
  vst1q_f32(to + kCount - 4, vld1q_f32(x + kCount - 4));
}

// The floats from rows[r] + from on, for all rows, to room[r] + at.
MACE_INLINE void CopyRows(const GemmPack &p, int64_t from, int count, int64_t at,
                          float (*room)[kPackPart]) {
  if (count < 4) {
    for (int r = 0; r < p.height; ++r) {
      for (int i = 0; i < count; ++i) room[r][at + i] = p.rows[r][from + i];
    }
    return;
  }
  const intptr_t last = count - 4;
  for (int r = 0; r < p.height; ++r) {
    const float *x = p.rows[r] + from;
    float *to = room[r] + at;
    // Rows of 3x3 and of 7x7 pixels with 3 channels.
    if (count == 9) {
      CopyFloats<9>(x, to);
    } else if (count == 21) {
      CopyFloats<21>(x, to);
    } else {
      for (intptr_t i = 0; i < last; i += 4) vst1q_f32(to + i, vld1q_f32(x + i));
      vst1q_f32(to + last, vld1q_f32(x + last));
    }
  }
}

// Taps whose ends share quads with the next ones: rows are gathered first, a part at a time.
void PackCrossing(const GemmPack &p) {
  constexpr int kMaxHeight = 8;
  float room[kMaxHeight][kPackPart];
  const float *gathered[kMaxHeight];
  for (int r = 0; r < p.height; ++r) gathered[r] = room[r];
  float *to = p.packed;
  int64_t tap = 0, l = 0;
  while (tap < p.taps) {
    int64_t filled = 0;
    while (filled < kPackPart && tap < p.taps) {
      const int64_t count = p.k - l < kPackPart - filled ? p.k - l : kPackPart - filled;
      CopyRows(p, p.tap_offsets[tap] + l, static_cast<int>(count), filled, room);
      filled += count;
      l += count;
      if (l == p.k) {
        l = 0;
        ++tap;
      }
    }
    to = PackQuads(gathered, p.height, 0, (filled + 3) / 4, to);
  }
}

MACE_INLINE void PackRows(const GemmPack &p) {
  const int64_t rest = p.k % 4;
  if (rest != 0 && p.taps > 1) return PackCrossing(p);
  float *to = p.packed;
  for (int64_t tap = 0; tap < p.taps; ++tap) {
    to = PackQuads(p.rows, p.height, p.tap_offsets[tap], p.k / 4, to);
  }
  if (rest == 0) return;
  for (int r = 0; r < p.height; ++r) {
    const float *x = p.rows[r] + p.tap_offsets[0] + p.k - rest;
    for (int64_t i = 0; i < rest; ++i) to[4 * r + i] = x[i];
  }
}

}  // namespace

#if defined(__aarch64__)
void gemm_f32_8x8__neon(const GemmTile &tile) {
  static constexpr TileTable<8> kTable;
  kTable.Run(tile);
}
void gemm_f32_8x8__neon_block(const GemmBlock &block) { RunBlock(block); }
void gemm_f32_8x8__neon_pack(const GemmPack &pack) { PackRows(pack); }
#else
void gemm_f32_4x8__neon(const GemmTile &tile) {
  static constexpr TileTable<4> kTable;
  kTable.Run(tile);
}
void gemm_f32_4x8__neon_block(const GemmBlock &block) { RunBlock(block); }
void gemm_f32_4x8__neon_pack(const GemmPack &pack) { PackRows(pack); }
#endif

}  // namespace kernels
}  // namespace mace
