// SPDX-License-Identifier: Apache-2.0
// 3x3 depthwise convolution in binary16: kX x 2 output pixels of 8 channels at a time. As in
// dwconv_tile_neon.h, whether the window leaves the image on the left or on the right is a template
// parameter.
#ifndef MACE_KERNELS_HALF_DWCONV_NEONFP16_H_
#define MACE_KERNELS_HALF_DWCONV_NEONFP16_H_

#include "mace/kernels/half/gemm_block_neonfp16.h"

namespace mace {
namespace kernels {
namespace {

MACE_INLINE float16x8_t SetFloat(float x) { return vdupq_n_f16(static_cast<float16_t>(x)); }

// The outputs [x, x + kX) of two rows. Column 0 of the input is outside if kLeft, the last one if
// kRight; the first row may be missing, and the last one.
template <int kStride, int kX, bool kLeft, bool kRight>
void Pixels3x3(const HalfDwconvRows &d, int64_t x) {
  constexpr int kRowsIn = kStride + 3;
  constexpr int kColumnsIn = (kX - 1) * kStride + 3;
  const bool top = d.row_begin == 0, bottom = d.row_end == kRowsIn;
  const float16x8_t low = SetFloat(d.low), high = SetFloat(d.high);
  const intptr_t pixel = static_cast<intptr_t>(d.channels) * 2;
  const intptr_t out_row = static_cast<intptr_t>(d.out_row) * 2;
  const char *rows[kRowsIn];
  MACE_UNROLL
  for (int t = 0; t < kRowsIn; ++t) {
    rows[t] = reinterpret_cast<const char *>(d.in + t * d.in_row +
                                             (x * kStride - d.pad_left) * d.channels);
  }
  intptr_t at[kColumnsIn];
  MACE_UNROLL
  for (int i = 0; i < kColumnsIn; ++i) at[i] = i * pixel;
  char *out = reinterpret_cast<char *>(d.out + x * d.channels);
  const uint16_t *w = d.packed;
  intptr_t left = static_cast<intptr_t>(d.channels);
  for (;;) {
    float16x8_t k[9];
    const float16x8_t bias = LoadHalves(w);
    MACE_UNROLL
    for (int i = 0; i < 9; ++i) k[i] = LoadHalves(w + (1 + i) * kHalfLanes);
    float16x8_t acc[2][kX];
    MACE_UNROLL
    for (int j = 0; j < kX; ++j) acc[0][j] = acc[1][j] = bias;
    MACE_UNROLL
    for (int t = 0; t < kRowsIn; ++t) {
      if (t == 0 && !top) continue;
      if (t == kRowsIn - 1 && !bottom) continue;
      MACE_UNROLL
      for (int i = kLeft ? 1 : 0; i < kColumnsIn - (kRight ? 1 : 0); ++i) {
        const float16x8_t p = LoadHalves(reinterpret_cast<const uint16_t *>(rows[t] + at[i]));
        MACE_UNROLL
        for (int y = 0; y < 2; ++y) {
          const int u = t - y * kStride;
          if (u < 0 || u >= 3) continue;
          MACE_UNROLL
          for (int j = 0; j < kX; ++j) {
            const int v = i - j * kStride;
            if (v >= 0 && v < 3) acc[y][j] = vfmaq_f16(acc[y][j], p, k[u * 3 + v]);
          }
        }
      }
    }
    MACE_UNROLL
    for (int y = 0; y < 2; ++y) {
      MACE_UNROLL
      for (int j = 0; j < kX; ++j) {
        StoreHalves(reinterpret_cast<uint16_t *>(out + y * out_row + at[j]),
                    vminq_f16(high, vmaxq_f16(low, acc[y][j])));
      }
    }
    left -= kHalfLanes;
    if (left <= 0) return;
    // The last vector holds the last channels, part of them again.
    const intptr_t step = left >= kHalfLanes ? kHalfLanes * 2 : left * 2;
    w += 10 * kHalfLanes;
    out += step;
    MACE_UNROLL
    for (int t = 0; t < kRowsIn; ++t) rows[t] += step;
    MACE_UNROLL
    for (int i = 0; i < kColumnsIn; ++i) asm("" : "+r"(at[i]));  // one offset for all rows
  }
}

template <int kStride, int kX>
MACE_INLINE void Group3x3(const HalfDwconvRows &d, int64_t x) {
  const int64_t first = x * kStride - d.pad_left;
  const bool left = first < 0;
  const bool right = first + (kX - 1) * kStride + 3 > d.in_w;
  if (left) {
    return right ? Pixels3x3<kStride, kX, true, true>(d, x)
                 : Pixels3x3<kStride, kX, true, false>(d, x);
  }
  right ? Pixels3x3<kStride, kX, false, true>(d, x) : Pixels3x3<kStride, kX, false, false>(d, x);
}

// Both rows; the output is kX wide at least. The last group of a row moves left to be whole.
template <int kStride, int kX>
MACE_INLINE void Rows3x3(const HalfDwconvRows &d) {
  for (int64_t x = 0; x < d.out_w; x += kX) {
    Group3x3<kStride, kX>(d, x + kX <= d.out_w ? x : d.out_w - kX);
  }
}

// One row of any window.
MACE_INLINE void AnyWindow(const HalfDwconvRows &d) {
  const float16x8_t low = SetFloat(d.low), high = SetFloat(d.high);
  const int64_t block = (1 + d.kernel_h * d.kernel_w) * kHalfLanes;
  const int64_t step = d.dilation_w * d.channels;
  for (int64_t x = 0; x < d.out_w; ++x) {
    // The columns v of the window that lie in the image.
    const int64_t first = x * d.stride_w - d.pad_left;
    const int64_t begin = first < 0 ? (-first + d.dilation_w - 1) / d.dilation_w : 0;
    int64_t end = first < d.in_w ? (d.in_w - first + d.dilation_w - 1) / d.dilation_w : 0;
    if (end > d.kernel_w) end = d.kernel_w;
    const uint16_t *w = d.packed;
    for (int64_t c = 0; c < d.channels; c += kHalfLanes, w += block) {
      if (c + kHalfLanes > d.channels) c = d.channels - kHalfLanes;
      float16x8_t sum = LoadHalves(w);
      for (int64_t u = d.row_begin; u < d.row_end; ++u) {
        const uint16_t *in = d.in + u * d.in_row + first * d.channels + c;
        const uint16_t *k = w + (1 + u * d.kernel_w) * kHalfLanes;
        for (int64_t v = begin; v < end; ++v) {
          sum = vfmaq_f16(sum, LoadHalves(in + v * step), LoadHalves(k + v * kHalfLanes));
        }
      }
      StoreHalves(d.out + x * d.channels + c, vminq_f16(high, vmaxq_f16(low, sum)));
    }
  }
}

}  // namespace
}  // namespace kernels
}  // namespace mace

#endif  // MACE_KERNELS_HALF_DWCONV_NEONFP16_H_
