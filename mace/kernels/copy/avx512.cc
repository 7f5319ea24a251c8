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

inline __m512 Low(__m512 a, __m512 b) { return _mm512_maskz_unpacklo_ps(kAll, a, b); }
inline __m512 High(__m512 a, __m512 b) { return _mm512_maskz_unpackhi_ps(kAll, a, b); }
template <int kChosen>
inline __m512 Pairs(__m512 a, __m512 b) {
  return _mm512_maskz_shuffle_ps(kAll, a, b, kChosen);
}
template <int kChosen>
inline __m512 Quarters(__m512 a, __m512 b) {
  return _mm512_maskz_shuffle_f32x4(kAll, a, b, kChosen);
}

// Whole rows are loaded, though quarters of them, put where they belong by the loads, would need
// half of the shuffles: they took longer on Zen 4, most where rows at a distance of 4096 bytes
// share a set of the L1 cache, which holds but half of them for the next quarters. Asking for the
// cache lines that the next tile writes took longer too.
inline void Tile16(const uint8_t *src, int64_t src_stride, uint8_t *dst, int64_t dst_stride) {
  // Four rows' quarters, transposed: quarter j of fours[i][k] is column 4 * j + k of rows 4 * i on.
  __m512 fours[4][4];
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    const auto row = [=](int j) {
      return _mm512_loadu_ps(reinterpret_cast<const float *>(src + (4 * i + j) * src_stride));
    };
    const __m512 a = row(0), b = row(1), c = row(2), d = row(3);
    const __m512 ab_low = Low(a, b), ab_high = High(a, b);
    const __m512 cd_low = Low(c, d), cd_high = High(c, d);
    fours[i][0] = Pairs<0x44>(ab_low, cd_low);
    fours[i][1] = Pairs<0xee>(ab_low, cd_low);
    fours[i][2] = Pairs<0x44>(ab_high, cd_high);
    fours[i][3] = Pairs<0xee>(ab_high, cd_high);
  }
  const auto store = [=](int column, __m512 v) {
    _mm512_storeu_ps(reinterpret_cast<float *>(dst + column * dst_stride), v);
  };
#pragma GCC unroll 4
  for (int k = 0; k < 4; ++k) {
    const __m512 top_left = Quarters<0x44>(fours[0][k], fours[1][k]);
    const __m512 top_right = Quarters<0xee>(fours[0][k], fours[1][k]);
    const __m512 bottom_left = Quarters<0x44>(fours[2][k], fours[3][k]);
    const __m512 bottom_right = Quarters<0xee>(fours[2][k], fours[3][k]);
    store(k, Quarters<0x88>(top_left, bottom_left));
    store(4 + k, Quarters<0xdd>(top_left, bottom_left));
    store(8 + k, Quarters<0x88>(top_right, bottom_right));
    store(12 + k, Quarters<0xdd>(top_right, bottom_right));
  }
}

}  // namespace

void transpose_x32_16x16__avx512(const CopyBlock &block, const uint8_t *src, uint8_t *dst) {
  const bool small = block.outer.size < kSide || block.inner.size < kSide;
  if (small || (FewSets(block.outer.dst_stride) && !FewSets(block.inner.src_stride))) {
    return Transpose32(block, src, dst);
  }
  TransposeBlocks<4, kSide, Tile16, Transpose32>(block, src, dst);
}

}  // namespace kernels
}  // namespace mace
