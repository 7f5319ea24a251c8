// SPDX-License-Identifier: Apache-2.0
// Depthwise convolution in registers: kX x 2 output pixels of one vector of channels at a time, so
// that each input pixel is loaded once for all of them (two rows of a 3x3 window share most input).
// Included by one source per instruction set.
#ifndef MACE_KERNELS_DWCONV_DWCONV_TILE_H_
#define MACE_KERNELS_DWCONV_DWCONV_TILE_H_

#include "mace/kernels/dwconv/dwconv_kernel.h"
#include "mace/kernels/simd.h"

namespace mace {
namespace kernels {
namespace {

constexpr int kRowsOut = 2;

#if defined(__x86_64__)
// Whether to take the channels from the last to the first. A load waits for a store shortly before
// it whose address is the same but for a multiple of 4096 bytes; where pixels lie so that these
// meet, what is stored for some channels must not be where the next are loaded.
MACE_INLINE bool FromLastChannel(const DwconvRows &d) {
  constexpr uintptr_t kLeastPeriod = 1024;  // below it too few pixels meet
  constexpr uintptr_t kStored = 128;        // of a pixel, not yet written to the cache
  const uintptr_t pixel = static_cast<uintptr_t>(d.channels) * sizeof(float);
  const uintptr_t period = (pixel | 4096) & -(pixel | 4096);  // the largest power of 2 in both
  if (period < kLeastPeriod) return false;
  const uintptr_t ahead =
      (reinterpret_cast<uintptr_t>(d.out) - reinterpret_cast<uintptr_t>(d.in)) & (period - 1);
  return ahead > 0 && ahead <= kStored;
}
#endif

// Output pixels [x, x + kX) of both rows. A window may leave the image by at most kWindow / 2
// columns on each side, so only that many columns of the input ask whether they exist.
template <typename V, int kWindow, int kStride, int kX, bool kFromLast>
void Pixels(const DwconvRows &d, int64_t x) {
  using T = typename V::T;
  constexpr int kRowsIn = (kRowsOut - 1) * kStride + kWindow;
  constexpr int kColumnsIn = (kX - 1) * kStride + kWindow;
  constexpr int kOutside = kWindow / 2;
  const int64_t first = x * kStride - d.pad_left;  // input column of column 0
  const int64_t end = d.in_w - first;              // columns from here on do not exist
  const T low = V::Set(d.low);
  const T high = V::Set(d.high);
  constexpr int64_t kBlock = (1 + kWindow * kWindow) * V::kLanes;
  constexpr int64_t kStep = kFromLast ? -V::kLanes : V::kLanes;
  const float *w = d.packed;
  int64_t c = 0;
  if (kFromLast) c = d.channels - V::kLanes;  // whole blocks then
  if (kFromLast) w += c / V::kLanes * kBlock;
  for (; kFromLast ? c >= 0 : c < d.channels; c += kStep, w += kFromLast ? -kBlock : kBlock) {
    if (c + V::kLanes > d.channels) c = d.channels - V::kLanes;
    const float *in = d.in + first * d.channels + c;
    T acc[kRowsOut][kX];
    MACE_UNROLL
    for (int y = 0; y < kRowsOut; ++y) {
      MACE_UNROLL
      for (int j = 0; j < kX; ++j) acc[y][j] = V::Load(w);
    }
    MACE_UNROLL
    for (int t = 0; t < kRowsIn; ++t) {
      if (t < d.row_begin || t >= d.row_end) continue;
      const float *row = in + t * d.in_row;
      // Row t is row u = t - y * kStride of the window of output row y.
      T k[kRowsOut][kWindow];
      MACE_UNROLL
      for (int y = 0; y < kRowsOut; ++y) {
        const int u = t - y * kStride;
        if (u < 0 || u >= kWindow) continue;
        MACE_UNROLL
        for (int v = 0; v < kWindow; ++v) k[y][v] = V::Load(w + (1 + u * kWindow + v) * V::kLanes);
      }
      MACE_UNROLL
      for (int i = 0; i < kColumnsIn; ++i) {
        if (i < kOutside && first + i < 0) continue;
        if (i >= kColumnsIn - kOutside && i >= end) continue;
        const T pixel = V::Load(row + i * d.channels);
        MACE_UNROLL
        for (int y = 0; y < kRowsOut; ++y) {
          const int u = t - y * kStride;
          if (u < 0 || u >= kWindow) continue;
          MACE_UNROLL
          for (int j = 0; j < kX; ++j) {
            const int v = i - j * kStride;
            if (v >= 0 && v < kWindow) acc[y][j] = V::MulAdd(pixel, k[y][v], acc[y][j]);
          }
        }
      }
    }
    float *out = d.out + x * d.channels + c;
    MACE_UNROLL
    for (int y = 0; y < kRowsOut; ++y) {
      MACE_UNROLL
      for (int j = 0; j < kX; ++j) {
        V::Store(out + y * d.out_row + j * d.channels, V::Min(high, V::Max(low, acc[y][j])));
      }
    }
  }
}

// The same, whichever way is faster. Where it is little or seldom, there is one way.
template <typename V, int kWindow, int kStride, int kX>
MACE_INLINE void PixelsAt(const DwconvRows &d, int64_t x) {
#if defined(__x86_64__)
  constexpr bool kBothWays = kWindow == 3 && kX > 1 && V::kLanes > 4;
  if (kBothWays && FromLastChannel(d)) return Pixels<V, kWindow, kStride, kX, kBothWays>(d, x);
#endif
  Pixels<V, kWindow, kStride, kX, false>(d, x);
}

// Both rows. Groups of kX pixels and a few narrow ones, where they make up the row; else the last
// group moves left to be whole.
template <typename V, int kWindow, int kStride, int kX>
MACE_INLINE void Window(const DwconvRows &d) {
  constexpr int kNarrow = kX > 3 ? 3 : 1;
  if (d.out_w >= kX) {
    int64_t narrow = 0, x = 0;  // pixels in narrow groups
    while (narrow < kX && (d.out_w - narrow) % kX != 0) narrow += kNarrow;
    if (narrow > d.out_w || (d.out_w - narrow) % kX != 0) narrow = 0;
    for (; x < narrow; x += kNarrow) PixelsAt<V, kWindow, kStride, kNarrow>(d, x);
    for (; x < d.out_w; x += kX) {
      PixelsAt<V, kWindow, kStride, kX>(d, x + kX <= d.out_w ? x : d.out_w - kX);
    }
  } else if (d.out_w >= kNarrow) {
    for (int64_t x = 0; x < d.out_w; x += kNarrow) {
      PixelsAt<V, kWindow, kStride, kNarrow>(d, x + kNarrow <= d.out_w ? x : d.out_w - kNarrow);
    }
  } else {
    for (int64_t x = 0; x < d.out_w; ++x) PixelsAt<V, kWindow, kStride, 1>(d, x);
  }
}

// One row of any window.
template <typename V>
MACE_INLINE void AnyWindow(const DwconvRows &d) {
  using T = typename V::T;
  const T low = V::Set(d.low);
  const T high = V::Set(d.high);
  const int64_t block = (1 + d.kernel_h * d.kernel_w) * V::kLanes;
  const int64_t step = d.dilation_w * d.channels;
  for (int64_t x = 0; x < d.out_w; ++x) {
    // The columns v of the window that lie in the image.
    const int64_t first = x * d.stride_w - d.pad_left;
    int64_t begin = first < 0 ? (-first + d.dilation_w - 1) / d.dilation_w : 0;
    int64_t end = first < d.in_w ? (d.in_w - first + d.dilation_w - 1) / d.dilation_w : 0;
    if (end > d.kernel_w) end = d.kernel_w;
    const float *w = d.packed;
    for (int64_t c = 0; c < d.channels; c += V::kLanes, w += block) {
      if (c + V::kLanes > d.channels) c = d.channels - V::kLanes;
      T sum = V::Load(w);
      for (int64_t u = d.row_begin; u < d.row_end; ++u) {
        const float *in = d.in + u * d.in_row + first * d.channels + c;
        const float *k = w + (1 + u * d.kernel_w) * V::kLanes;
        for (int64_t v = begin; v < end; ++v) {
          sum = V::MulAdd(V::Load(in + v * step), V::Load(k + v * V::kLanes), sum);
        }
      }
      V::Store(d.out + x * d.channels + c, V::Min(high, V::Max(low, sum)));
    }
  }
}

}  // namespace
}  // namespace kernels
}  // namespace mace

#endif  // MACE_KERNELS_DWCONV_DWCONV_TILE_H_
