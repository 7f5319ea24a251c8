// SPDX-License-Identifier: Apache-2.0
// Maximum of windows of three columns and up to three rows: neighbours share columns, whose maxima
// are kept. Included by one source per instruction set.
#ifndef MACE_KERNELS_POOL_POOL_MAX3_H_
#define MACE_KERNELS_POOL_POOL_MAX3_H_

#include "mace/kernels/pool/pool_row.h"

namespace mace {
namespace kernels {
namespace {

// The maxima of kVectors vectors in three rows at distance `at`.
template <typename V, int kVectors>
MACE_INLINE void ColumnMax(const float *const *rows, intptr_t at, typename V::T *max) {
  MACE_UNROLL
  for (int i = 0; i < kVectors; ++i) {
    const intptr_t place = at + V::kLanes * i;
    const typename V::T first = V::Max(V::Load(rows[0] + place), V::Load(rows[1] + place));
    max[i] = V::Max(first, V::Load(rows[2] + place));
  }
}

// All pixels of the row, for kVectors vectors of channels at rows[0 to 2]. A column outside of the
// image is that at its edge once more, which is in the window too.
template <typename V, int kVectors, int kStride>
MACE_INLINE void SlideMax3(const PoolRow &p, const float *const *rows, float *out) {
  using T = typename V::T;
  const intptr_t pixel = static_cast<intptr_t>(p.pixel);
  const intptr_t last = static_cast<intptr_t>(p.in_w - 1);
  const auto column = [&](intptr_t x, T *max) {
    x = x < 0 ? 0 : x;
    ColumnMax<V, kVectors>(rows, (x < last ? x : last) * pixel, max);
  };
  T left[kVectors], middle[kVectors], right[kVectors];
  intptr_t next = -static_cast<intptr_t>(p.pad_left);
  column(next++, left);
  if (kStride == 1) column(next++, middle);
  for (int64_t x = 0; x < p.out_w; ++x, out += pixel) {
    if (kStride == 2) column(next++, middle);
    column(next++, right);
    MACE_UNROLL
    for (int i = 0; i < kVectors; ++i) {
      V::Store(out + V::kLanes * i, V::Max(V::Max(left[i], middle[i]), right[i]));
      left[i] = kStride == 1 ? middle[i] : right[i];
      middle[i] = right[i];
    }
  }
}

template <typename V, int kStride>
MACE_INLINE void SlideMaxRow(const PoolRow &p) {
#if defined(__arm__)
  constexpr int kWide = 2;  // there are 16 registers, and loads need one
#else
  constexpr int kWide = 4;
#endif
  // Where the image has fewer rows, one of them counts more than once.
  const float *rows[3] = {p.in, p.rows > 1 ? p.in + p.in_row : p.in,
                          p.in + (p.rows - 1) * p.in_row};
  int64_t c = 0;
  for (; c + kWide * V::kLanes <= p.channels; c += kWide * V::kLanes) {
    const float *at[3] = {rows[0] + c, rows[1] + c, rows[2] + c};
    SlideMax3<V, kWide, kStride>(p, at, p.out + c);
  }
  for (; c < p.channels; c += V::kLanes) {
    if (c + V::kLanes > p.channels) c = p.channels - V::kLanes;
    const float *at[3] = {rows[0] + c, rows[1] + c, rows[2] + c};
    SlideMax3<V, 1, kStride>(p, at, p.out + c);
  }
}

// A row of the output; the means, and maxima of other windows, are those of pool_row.h.
template <typename V>
MACE_INLINE void MaxRow(const PoolRow &p) {
  // Each window has a column of the image.
  const bool inside = p.pad_left < 3 && (p.out_w - 1) * p.stride_w - p.pad_left < p.in_w;
  if (p.kernel_w == 3 && p.dilation_w == 1 && p.rows >= 1 && p.rows <= 3 && inside) {
    if (p.stride_w == 1) return SlideMaxRow<V, 1>(p);
    if (p.stride_w == 2) return SlideMaxRow<V, 2>(p);
  }
  Row<V, true>(p);
}

}  // namespace
}  // namespace kernels
}  // namespace mace

#endif  // MACE_KERNELS_POOL_POOL_MAX3_H_
