// SPDX-License-Identifier: Apache-2.0
// Transposing kernels for 512-bit registers: what a tile writes are whole cache lines, where the
// destination is aligned.
#include "mace/kernels/copy/kernels.h"
#include "mace/kernels/copy/transpose_8x8_avx.h"

namespace mace {
namespace kernels {
namespace {

constexpr int kSide = 16;
// All lanes. GCC 12 takes the unmasked forms of shuffles for reads of what was never written.
constexpr __mmask16 kAll = 0xffff;

// Rows i, i + 4, i + 8 and i + 12 of the same four columns, one in each quarter of the register.
inline __m512 LoadQuarters(const uint8_t *src, int64_t src_stride) {
  const auto quarter = [=](int64_t i) {
    return _mm_loadu_ps(reinterpret_cast<const float *>(src + 4 * i * src_stride));
  };
  __m512 v = _mm512_castps128_ps512(quarter(0));
  v = _mm512_insertf32x4(v, quarter(1), 1);
  v = _mm512_insertf32x4(v, quarter(2), 2);
  return _mm512_insertf32x4(v, quarter(3), 3);
}

inline void Tile16(const uint8_t *src, int64_t src_stride, uint8_t *dst, int64_t dst_stride) {
  // Asked for now, what the next tile writes is in the cache by then: the hardware does not see
  // this many columns coming. Past the last row it is the next unit's, or harmless.
  for (int64_t i = 0; i < kSide; ++i) __builtin_prefetch(dst + i * dst_stride + kSide * 4, 1);
  const auto store = [=](int column, __m512 v) {
    _mm512_storeu_ps(reinterpret_cast<float *>(dst + column * dst_stride), v);
  };
  for (int column = 0; column < kSide; column += 4) {
    const uint8_t *from = src + column * 4;
    const __m512 a = LoadQuarters(from, src_stride);
    const __m512 b = LoadQuarters(from + src_stride, src_stride);
    const __m512 c = LoadQuarters(from + 2 * src_stride, src_stride);
    const __m512 d = LoadQuarters(from + 3 * src_stride, src_stride);
    const __m512 ab_low = _mm512_maskz_unpacklo_ps(kAll, a, b),
                 ab_high = _mm512_maskz_unpackhi_ps(kAll, a, b);
    const __m512 cd_low = _mm512_maskz_unpacklo_ps(kAll, c, d),
                 cd_high = _mm512_maskz_unpackhi_ps(kAll, c, d);
    store(column, _mm512_maskz_shuffle_ps(kAll, ab_low, cd_low, 0x44));
    store(column + 1, _mm512_maskz_shuffle_ps(kAll, ab_low, cd_low, 0xee));
    store(column + 2, _mm512_maskz_shuffle_ps(kAll, ab_high, cd_high, 0x44));
    store(column + 3, _mm512_maskz_shuffle_ps(kAll, ab_high, cd_high, 0xee));
  }
}

}  // namespace

void transpose_x32_16x16__avx512(const CopyBlock &block, const uint8_t *src, uint8_t *dst) {
  TransposeBlocks<4, kSide, Tile16, Transpose32>(block, src, dst);
}

}  // namespace kernels
}  // namespace mace
