// SPDX-License-Identifier: Apache-2.0
// Tiles of 8x8 elements of 4 bytes in 256-bit registers, and of 4x4 for what they leave. Included
// by one source per instruction set.
#ifndef MACE_KERNELS_COPY_TRANSPOSE_8X8_AVX_H_
#define MACE_KERNELS_COPY_TRANSPOSE_8X8_AVX_H_

#include <immintrin.h>

#include <cstdint>

#include "mace/kernels/copy/transpose_blocks.h"

namespace mace {
namespace kernels {
namespace {

inline __m256 Load(const uint8_t *p) {
  return _mm256_loadu_ps(reinterpret_cast<const float *>(p));
}
inline void Store(uint8_t *p, __m256 v) { _mm256_storeu_ps(reinterpret_cast<float *>(p), v); }

// Four elements at each of two places, in a half of the register each.
inline __m256 LoadHalves(const uint8_t *low, const uint8_t *high) {
  return _mm256_insertf128_ps(
      _mm256_castps128_ps256(_mm_loadu_ps(reinterpret_cast<const float *>(low))),
      _mm_loadu_ps(reinterpret_cast<const float *>(high)), 1);
}
inline void StoreHalves(uint8_t *low, uint8_t *high, __m256 v) {
  _mm_storeu_ps(reinterpret_cast<float *>(low), _mm256_castps256_ps128(v));
  _mm_storeu_ps(reinterpret_cast<float *>(high), _mm256_extractf128_ps(v, 1));
}

// Transposes 4x4 elements in each half of the registers.
inline void TransposeHalves(__m256 *v) {
  const __m256 ab_low = _mm256_unpacklo_ps(v[0], v[1]), ab_high = _mm256_unpackhi_ps(v[0], v[1]);
  const __m256 cd_low = _mm256_unpacklo_ps(v[2], v[3]), cd_high = _mm256_unpackhi_ps(v[2], v[3]);
  v[0] = _mm256_shuffle_ps(ab_low, cd_low, 0x44);
  v[1] = _mm256_shuffle_ps(ab_low, cd_low, 0xee);
  v[2] = _mm256_shuffle_ps(ab_high, cd_high, 0x44);
  v[3] = _mm256_shuffle_ps(ab_high, cd_high, 0xee);
}

// Rows are loaded whole: halves of them, put where they belong by the loads, took a tenth more time
// on Zen 4. So did asking for the cache lines that the next tile writes.
inline void Tile32(const uint8_t *src, int64_t src_stride, uint8_t *dst, int64_t dst_stride) {
  __m256 top[4], bottom[4];
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    top[i] = Load(src + i * src_stride);
    bottom[i] = Load(src + (4 + i) * src_stride);
  }
  TransposeHalves(top);
  TransposeHalves(bottom);
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    Store(dst + i * dst_stride, _mm256_permute2f128_ps(top[i], bottom[i], 0x20));
    Store(dst + (4 + i) * dst_stride, _mm256_permute2f128_ps(top[i], bottom[i], 0x31));
  }
}

inline void Tile32Small(const uint8_t *src, int64_t src_stride, uint8_t *dst, int64_t dst_stride) {
  __m128 rows[4];
  for (int i = 0; i < 4; ++i) {
    rows[i] = _mm_loadu_ps(reinterpret_cast<const float *>(src + i * src_stride));
  }
  _MM_TRANSPOSE4_PS(rows[0], rows[1], rows[2], rows[3]);
  for (int i = 0; i < 4; ++i) {
    _mm_storeu_ps(reinterpret_cast<float *>(dst + i * dst_stride), rows[i]);
  }
}

// Four of them, so that cache lines are used whole before others take their place.
inline void Tile32Wide(const uint8_t *src, int64_t src_stride, uint8_t *dst, int64_t dst_stride) {
  for (int row = 0; row < 16; row += 8) {
    Tile32(src + row * src_stride, src_stride, dst + row * 4, dst_stride);
    Tile32(src + row * src_stride + 32, src_stride, dst + row * 4 + 8 * dst_stride, dst_stride);
  }
}

// Three columns, as those of images of red, green and blue, in rows without gaps: eight rows at a
// time, four in each half of a register. They come as r0 g0 b0 r1, g1 b1 r2 g2, b2 r3 g3 b3.
inline void EightRowsOf3(const uint8_t *src, uint8_t *dst, int64_t plane) {
  const __m256 a = LoadHalves(src, src + 48), b = LoadHalves(src + 16, src + 64);
  const __m256 c = LoadHalves(src + 32, src + 80);
  const __m256 red = _mm256_blend_ps(_mm256_blend_ps(a, b, 0x44), c, 0x22);
  const __m256 green = _mm256_blend_ps(_mm256_blend_ps(b, a, 0x66), c, 0x44);
  const __m256 blue = _mm256_blend_ps(_mm256_blend_ps(a, b, 0x22), c, 0x99);
  Store(dst, _mm256_permute_ps(red, _MM_SHUFFLE(1, 2, 3, 0)));
  Store(dst + plane, _mm256_permute_ps(green, _MM_SHUFFLE(2, 3, 0, 1)));
  Store(dst + 2 * plane, _mm256_permute_ps(blue, _MM_SHUFFLE(3, 0, 1, 2)));
}

// The other way round: three rows to columns without gaps.
inline void EightColumnsOf3(const uint8_t *src, uint8_t *dst, int64_t plane) {
  const __m256 red = _mm256_permute_ps(Load(src), _MM_SHUFFLE(1, 2, 3, 0));
  const __m256 green = _mm256_permute_ps(Load(src + plane), _MM_SHUFFLE(2, 3, 0, 1));
  const __m256 blue = _mm256_permute_ps(Load(src + 2 * plane), _MM_SHUFFLE(3, 0, 1, 2));
  StoreHalves(dst, dst + 48, _mm256_blend_ps(_mm256_blend_ps(red, green, 0x22), blue, 0x44));
  StoreHalves(dst + 16, dst + 64, _mm256_blend_ps(_mm256_blend_ps(green, blue, 0x22), red, 0x44));
  StoreHalves(dst + 32, dst + 80, _mm256_blend_ps(_mm256_blend_ps(blue, red, 0x22), green, 0x44));
}

// The same with four.
inline void EightRowsOf4(const uint8_t *src, uint8_t *dst, int64_t plane) {
  __m256 v[4];
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) v[i] = LoadHalves(src + 16 * i, src + 64 + 16 * i);
  TransposeHalves(v);
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) Store(dst + i * plane, v[i]);
}
inline void EightColumnsOf4(const uint8_t *src, uint8_t *dst, int64_t plane) {
  __m256 v[4];
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) v[i] = Load(src + i * plane);
  TransposeHalves(v);
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) StoreHalves(dst + 16 * i, dst + 64 + 16 * i, v[i]);
}

// kFew columns (or rows) without gaps in src (or dst), eight rows (or columns) at a time.
template <int64_t kFew, void (*kEight)(const uint8_t *, uint8_t *, int64_t)>
inline void TransposeFewColumns(CopyBlock block, const uint8_t *src, uint8_t *dst) {
  for (; block.inner.size >= 8; block.inner.size -= 8, src += 32 * kFew, dst += 32) {
    kEight(src, dst, block.outer.dst_stride);
  }
  TransposeElements<4>(block, src, dst);
}
template <int64_t kFew, void (*kEight)(const uint8_t *, uint8_t *, int64_t)>
inline void TransposeFewRows(CopyBlock block, const uint8_t *src, uint8_t *dst) {
  for (; block.outer.size >= 8; block.outer.size -= 8, src += 32, dst += 32 * kFew) {
    kEight(src, dst, block.inner.src_stride);
  }
  TransposeElements<4>(block, src, dst);
}

// Whether this was such a block, and is done.
inline bool TransposeFew(const CopyBlock &block, const uint8_t *src, uint8_t *dst) {
  const int64_t columns = block.outer.size, rows = block.inner.size;
  const bool columns_touch = block.inner.src_stride == 4 * columns;
  const bool rows_touch = block.outer.dst_stride == 4 * rows;
  if (columns == 3 && columns_touch) {
    TransposeFewColumns<3, EightRowsOf3>(block, src, dst);
  } else if (columns == 4 && columns_touch) {
    TransposeFewColumns<4, EightRowsOf4>(block, src, dst);
  } else if (rows == 3 && rows_touch) {
    TransposeFewRows<3, EightColumnsOf3>(block, src, dst);
  } else if (rows == 4 && rows_touch) {
    TransposeFewRows<4, EightColumnsOf4>(block, src, dst);
  } else {
    return false;
  }
  return true;
}

// Whether rows at this distance share so few sets of the L1 cache that 16 of them push each other
// out.
inline bool FewSets(int64_t stride) { return stride % 1024 == 0; }

inline void Transpose32(const CopyBlock &block, const uint8_t *src, uint8_t *dst) {
  constexpr CopyKernel kNarrow = TransposeBlocks<4, 8, Tile32, TransposeBlocks<4, 4, Tile32Small>>;
  if (TransposeFew(block, src, dst)) return;
  if (FewSets(block.outer.dst_stride)) return kNarrow(block, src, dst);
  TransposeBlocks<4, 16, Tile32Wide, kNarrow>(block, src, dst);
}

}  // namespace
}  // namespace kernels
}  // namespace mace

#endif  // MACE_KERNELS_COPY_TRANSPOSE_8X8_AVX_H_
