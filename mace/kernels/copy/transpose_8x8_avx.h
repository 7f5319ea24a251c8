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

// Rows i and i + 4 of the same four columns, one in each half of the register: the loads do the
// exchange of halves that would otherwise take eight shuffles.
inline __m256 LoadHalves(const uint8_t *src, int64_t src_stride) {
  const __m128 low = _mm_loadu_ps(reinterpret_cast<const float *>(src));
  return _mm256_insertf128_ps(_mm256_castps128_ps256(low),
                              _mm_loadu_ps(reinterpret_cast<const float *>(src + 4 * src_stride)),
                              1);
}

inline void Store(uint8_t *p, __m256 v) { _mm256_storeu_ps(reinterpret_cast<float *>(p), v); }

inline void Tile32(const uint8_t *src, int64_t src_stride, uint8_t *dst, int64_t dst_stride) {
  for (int i = 0; i < 8; ++i) __builtin_prefetch(dst + i * dst_stride + 64, 1);
  for (int half = 0; half < 2; ++half) {
    const uint8_t *from = src + 16 * half;
    uint8_t *to = dst + 4 * half * dst_stride;
    const __m256 a = LoadHalves(from, src_stride);
    const __m256 b = LoadHalves(from + src_stride, src_stride);
    const __m256 c = LoadHalves(from + 2 * src_stride, src_stride);
    const __m256 d = LoadHalves(from + 3 * src_stride, src_stride);
    const __m256 ab_low = _mm256_unpacklo_ps(a, b), ab_high = _mm256_unpackhi_ps(a, b);
    const __m256 cd_low = _mm256_unpacklo_ps(c, d), cd_high = _mm256_unpackhi_ps(c, d);
    Store(to, _mm256_shuffle_ps(ab_low, cd_low, 0x44));
    Store(to + dst_stride, _mm256_shuffle_ps(ab_low, cd_low, 0xee));
    Store(to + 2 * dst_stride, _mm256_shuffle_ps(ab_high, cd_high, 0x44));
    Store(to + 3 * dst_stride, _mm256_shuffle_ps(ab_high, cd_high, 0xee));
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

inline void Transpose32(const CopyBlock &block, const uint8_t *src, uint8_t *dst) {
  TransposeBlocks<4, 8, Tile32, TransposeBlocks<4, 4, Tile32Small>>(block, src, dst);
}

}  // namespace
}  // namespace kernels
}  // namespace mace

#endif  // MACE_KERNELS_COPY_TRANSPOSE_8X8_AVX_H_
