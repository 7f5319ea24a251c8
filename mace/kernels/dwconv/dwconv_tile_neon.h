// SPDX-License-Identifier: Apache-2.0
// 3x3 depthwise convolution on Arm: kX x 2 output pixels of one vector of channels at a time, with
// all that can be known when compiling known: whether the window leaves the image on the left or on
// the right is a template parameter, so that the loop over channels has no branch for columns.
#ifndef MACE_KERNELS_DWCONV_DWCONV_TILE_NEON_H_
#define MACE_KERNELS_DWCONV_DWCONV_TILE_NEON_H_

#if defined(__aarch64__)
#include "mace/kernels/dwconv/dwconv_tile.h"
#else
#include "mace/kernels/dwconv/dwconv_asm_armv7.h"
#endif

namespace mace {
namespace kernels {
namespace {

#if defined(__aarch64__)

// The outputs [x, x + kX) of two rows. Column 0 of the input is outside if kLeft, the last one if
// kRight; the first row may be missing, and the last one.
template <int kStride, int kX, bool kLeft, bool kRight>
void Pixels3x3(const DwconvRows &d, int64_t x) {
  using V = Vector;
  using T = V::T;
  constexpr int kRowsIn = kStride + 3;
  constexpr int kColumnsIn = (kX - 1) * kStride + 3;
  constexpr int kLanes = V::kLanes;
  const bool top = d.row_begin == 0, bottom = d.row_end == kRowsIn;
  const T low = V::Set(d.low), high = V::Set(d.high);
  const intptr_t pixel = static_cast<intptr_t>(d.channels) * 4;
  const intptr_t out_row = static_cast<intptr_t>(d.out_row) * 4;
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
  const float *w = d.packed;
  intptr_t left = static_cast<intptr_t>(d.channels);
  for (;;) {
    T k[9];
    const T bias = V::Load(w);
    MACE_UNROLL
    for (int i = 0; i < 9; ++i) k[i] = V::Load(w + (1 + i) * kLanes);
    T acc[2][kX];
    MACE_UNROLL
    for (int j = 0; j < kX; ++j) acc[0][j] = acc[1][j] = bias;
    MACE_UNROLL
    for (int t = 0; t < kRowsIn; ++t) {
      if (t == 0 && !top) continue;
      if (t == kRowsIn - 1 && !bottom) continue;
      MACE_UNROLL
      for (int i = kLeft ? 1 : 0; i < kColumnsIn - (kRight ? 1 : 0); ++i) {
        const T p = V::Load(reinterpret_cast<const float *>(rows[t] + at[i]));
        MACE_UNROLL
        for (int y = 0; y < 2; ++y) {
          const int u = t - y * kStride;
          if (u < 0 || u >= 3) continue;
          MACE_UNROLL
          for (int j = 0; j < kX; ++j) {
            const int v = i - j * kStride;
            if (v >= 0 && v < 3) acc[y][j] = V::MulAdd(p, k[u * 3 + v], acc[y][j]);
          }
        }
      }
    }
    MACE_UNROLL
    for (int y = 0; y < 2; ++y) {
      MACE_UNROLL
      for (int j = 0; j < kX; ++j) {
        V::Store(reinterpret_cast<float *>(out + y * out_row + at[j]),
                 V::Min(high, V::Max(low, acc[y][j])));
      }
    }
    left -= kLanes;
    if (left <= 0) return;
    // The last vector holds the last channels, part of them again.
    const intptr_t step = left >= kLanes ? kLanes * 4 : left * 4;
    w += 10 * kLanes;
    out += step;
    MACE_UNROLL
    for (int t = 0; t < kRowsIn; ++t) rows[t] += step;
    MACE_UNROLL
    for (int i = 0; i < kColumnsIn; ++i) asm("" : "+r"(at[i]));  // one offset for all rows
  }
}

#endif

template <int kStride, int kX>
MACE_INLINE void Group3x3(const DwconvRows &d, int64_t x) {
  const int64_t first = x * kStride - d.pad_left;
  const bool left = first<0, right = first + (kX - 1) * kStride + 3> d.in_w;
  if (left)
    return right ? Pixels3x3<kStride, kX, true, true>(d, x)
                 : Pixels3x3<kStride, kX, true, false>(d, x);
  right ? Pixels3x3<kStride, kX, false, true>(d, x) : Pixels3x3<kStride, kX, false, false>(d, x);
}

// Both rows. The last group of a row moves left to be whole, where the row is long enough.
template <int kStride, int kX>
MACE_INLINE void Rows3x3(const DwconvRows &d) {
  constexpr int kRowsIn = kStride + 3;
  if (d.out_w < kX || d.row_begin > 1 || d.row_end < kRowsIn - 1) {
    return Window<Vector, 3, kStride, 2>(d);
  }
  for (int64_t x = 0; x < d.out_w; x += kX) {
    Group3x3<kStride, kX>(d, x + kX <= d.out_w ? x : d.out_w - kX);
  }
}

}  // namespace
}  // namespace kernels
}  // namespace mace

#endif  // MACE_KERNELS_DWCONV_DWCONV_TILE_NEON_H_
