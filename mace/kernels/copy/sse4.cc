// SPDX-License-Identifier: Apache-2.0
// Transposing kernels for 128-bit registers of x86.
#include <immintrin.h>

#include "mace/kernels/copy/kernels.h"
#include "mace/kernels/copy/transpose_blocks.h"

namespace mace {
namespace kernels {
namespace {

inline __m128i Load(const uint8_t *p) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i *>(p));
}
inline void Store(uint8_t *p, __m128i v) { _mm_storeu_si128(reinterpret_cast<__m128i *>(p), v); }
inline __m128i Load64(const uint8_t *p) {
  return _mm_loadl_epi64(reinterpret_cast<const __m128i *>(p));
}
// The low and the high half of v, to two rows.
inline void Store64(uint8_t *low, uint8_t *high, __m128i v) {
  _mm_storel_epi64(reinterpret_cast<__m128i *>(low), v);
  _mm_storel_epi64(reinterpret_cast<__m128i *>(high), _mm_unpackhi_epi64(v, v));
}

inline void Tile32(const uint8_t *src, int64_t src_stride, uint8_t *dst, int64_t dst_stride) {
  const __m128i a = Load(src), b = Load(src + src_stride);
  const __m128i c = Load(src + 2 * src_stride), d = Load(src + 3 * src_stride);
  const __m128i ab_low = _mm_unpacklo_epi32(a, b), ab_high = _mm_unpackhi_epi32(a, b);
  const __m128i cd_low = _mm_unpacklo_epi32(c, d), cd_high = _mm_unpackhi_epi32(c, d);
  Store(dst, _mm_unpacklo_epi64(ab_low, cd_low));
  Store(dst + dst_stride, _mm_unpackhi_epi64(ab_low, cd_low));
  Store(dst + 2 * dst_stride, _mm_unpacklo_epi64(ab_high, cd_high));
  Store(dst + 3 * dst_stride, _mm_unpackhi_epi64(ab_high, cd_high));
}

inline void Tile8(const uint8_t *src, int64_t src_stride, uint8_t *dst, int64_t dst_stride) {
  __m128i pairs[4];
  for (int i = 0; i < 4; ++i) {
    pairs[i] =
        _mm_unpacklo_epi8(Load64(src + 2 * i * src_stride), Load64(src + (2 * i + 1) * src_stride));
  }
  // Four rows of columns 0 to 3 and 4 to 7, from rows 0 to 3 and 4 to 7.
  const __m128i low_0 = _mm_unpacklo_epi16(pairs[0], pairs[1]);
  const __m128i high_0 = _mm_unpackhi_epi16(pairs[0], pairs[1]);
  const __m128i low_1 = _mm_unpacklo_epi16(pairs[2], pairs[3]);
  const __m128i high_1 = _mm_unpackhi_epi16(pairs[2], pairs[3]);
  Store64(dst, dst + dst_stride, _mm_unpacklo_epi32(low_0, low_1));
  Store64(dst + 2 * dst_stride, dst + 3 * dst_stride, _mm_unpackhi_epi32(low_0, low_1));
  Store64(dst + 4 * dst_stride, dst + 5 * dst_stride, _mm_unpacklo_epi32(high_0, high_1));
  Store64(dst + 6 * dst_stride, dst + 7 * dst_stride, _mm_unpackhi_epi32(high_0, high_1));
}

}  // namespace

void transpose_x32_4x4__sse4(const CopyBlock &block, const uint8_t *src, uint8_t *dst) {
  TransposeBlocks<4, 4, Tile32>(block, src, dst);
}

void transpose_x8_8x8__sse4(const CopyBlock &block, const uint8_t *src, uint8_t *dst) {
  TransposeBlocks<1, 8, Tile8>(block, src, dst);
}

}  // namespace kernels
}  // namespace mace
