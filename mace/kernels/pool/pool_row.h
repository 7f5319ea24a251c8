// SPDX-License-Identifier: Apache-2.0
// Pooling with the channels as lanes of vectors. Included by one source per instruction set.
#ifndef MACE_KERNELS_POOL_POOL_ROW_H_
#define MACE_KERNELS_POOL_POOL_ROW_H_

#include "mace/kernels/pool/pool_kernel.h"
#include "mace/kernels/simd.h"

namespace mace {
namespace kernels {
namespace {

// The columns of a window, and the factor of a mean.
struct WindowColumns {
  int64_t first;       // input column of v = 0
  int64_t begin, end;  // v inside the image
  float scale;
};

MACE_INLINE int64_t CeilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }

// `inner` is what windows have that lie in the image as a whole.
MACE_INLINE WindowColumns Columns(const PoolRow &p, const WindowColumns &inner, int64_t x) {
  WindowColumns w = inner;
  w.first = x * p.stride_w - p.pad_left;
  if (w.first >= 0 && w.first + (p.kernel_w - 1) * p.dilation_w < p.in_w) return w;
  w.begin = w.first < 0 ? CeilDiv(-w.first, p.dilation_w) : 0;
  w.end = w.first < p.in_w ? CeilDiv(p.in_w - w.first, p.dilation_w) : 0;
  if (w.end > p.kernel_w) w.end = p.kernel_w;
  int64_t counted = w.first < p.count_w ? CeilDiv(p.count_w - w.first, p.dilation_w) : 0;
  if (counted > p.kernel_w) counted = p.kernel_w;
  if (!p.count_padding) counted -= w.begin;
  const int64_t count = p.row_count * counted;
  w.scale = count > 0 ? 1.0f / static_cast<float>(count) : 0.0f;
  return w;
}

MACE_INLINE WindowColumns InnerColumns(const PoolRow &p) {
  const int64_t count = p.row_count * p.kernel_w;
  return {0, 0, p.kernel_w, count > 0 ? 1.0f / static_cast<float>(count) : 0.0f};
}

template <typename V, bool kMax>
MACE_INLINE typename V::T Joined(typename V::T a, typename V::T b) {
  return kMax ? V::Max(a, b) : V::Add(a, b);
}

// kVectors vectors of channels from c on of the pixel at `out`, whose window is 2x2 columns and
// rows of the image: those of most networks that halve an image.
template <typename V, bool kMax, int kVectors>
MACE_INLINE void Pixel2x2(const PoolRow &p, const WindowColumns &w, int64_t c, float *out) {
  const float *top = p.in + w.first * p.pixel + c, *bottom = top + p.in_row;
  const intptr_t next = static_cast<intptr_t>(p.dilation_w * p.pixel);
  const typename V::T scale = V::Set(w.scale);
  MACE_UNROLL
  for (int i = 0; i < kVectors; ++i, top += V::kLanes, bottom += V::kLanes) {
    typename V::T x = Joined<V, kMax>(V::Load(top), V::Load(top + next));
    x = Joined<V, kMax>(x, V::Load(bottom));
    x = Joined<V, kMax>(x, V::Load(bottom + next));
    V::Store(out + c + i * V::kLanes, kMax ? x : V::Mul(x, scale));
  }
}

// kVectors vectors of channels from c on of the pixel at `out`.
template <typename V, bool kMax, int kVectors>
MACE_INLINE void Pixel(const PoolRow &p, const WindowColumns &w, int64_t c, float *out) {
  typename V::T acc[kVectors];
  MACE_UNROLL
  for (int i = 0; i < kVectors; ++i) acc[i] = V::Set(kMax ? -__builtin_inff() : 0.0f);
  for (int64_t u = 0; u < p.rows; ++u) {
    const float *row = p.in + u * p.in_row + w.first * p.pixel + c;
    for (int64_t v = w.begin; v < w.end; ++v) {
      const float *pixel = row + v * p.dilation_w * p.pixel;
      MACE_UNROLL
      for (int i = 0; i < kVectors; ++i) {
        const typename V::T x = V::Load(pixel + i * V::kLanes);
        acc[i] = Joined<V, kMax>(acc[i], x);
      }
    }
  }
  const typename V::T scale = V::Set(w.scale);
  MACE_UNROLL
  for (int i = 0; i < kVectors; ++i) {
    V::Store(out + c + i * V::kLanes, kMax ? acc[i] : V::Mul(acc[i], scale));
  }
}

// Pixels [begin, end).
template <typename V, bool kMax>
MACE_INLINE void Pixels(const PoolRow &p, int64_t begin, int64_t end) {
  constexpr int kWide = 4;
#if defined(__x86_64__)
  constexpr int kLong = V::kLanes == 8 ? 16 : 8;  // 512 bytes, or what there are registers for
  constexpr int64_t kManyPixels = 16;
#endif
  const WindowColumns inner = InnerColumns(p);
  for (int64_t x = begin; x < end; ++x) {
    const WindowColumns w = Columns(p, inner, x);
    float *out = p.out + x * p.pixel;
    int64_t c = 0;
    if (p.rows == 2 && w.begin == 0 && w.end == 2) {
      for (; c + kWide * V::kLanes <= p.channels; c += kWide * V::kLanes) {
        Pixel2x2<V, kMax, kWide>(p, w, c, out);
      }
    }
#if defined(__x86_64__)
    // Long runs of channels where there are many pixels, as in means of whole images: pixels at a
    // multiple of 4096 bytes push each other out of the L1 cache before their next channels.
    if (p.rows * p.kernel_w >= kManyPixels) {
      for (; c + kLong * V::kLanes <= p.channels; c += kLong * V::kLanes) {
        Pixel<V, kMax, kLong>(p, w, c, out);
      }
    }
#endif
    for (; c + kWide * V::kLanes <= p.channels; c += kWide * V::kLanes) {
      Pixel<V, kMax, kWide>(p, w, c, out);
    }
    for (; c < p.channels; c += V::kLanes) {
      // The last vector moves back to be whole.
      if (c + V::kLanes > p.channels) c = p.channels - V::kLanes;
      Pixel<V, kMax, 1>(p, w, c, out);
    }
  }
}

// The sums of kVectors vectors of channels, from c on, of one column of all windows. kRows is how
// many rows these have, 0: any number.
template <typename V, int kVectors, int kRows>
MACE_INLINE void ColumnSum(const PoolRow &p, int64_t column, int64_t c, typename V::T *sum) {
  const int64_t rows = kRows == 0 ? p.rows : kRows;
  if (column < 0 || column >= p.in_w || rows == 0) {
    MACE_UNROLL
    for (int i = 0; i < kVectors; ++i) sum[i] = V::Set(0.0f);
    return;
  }
  const float *pixel = p.in + column * p.pixel + c;
  MACE_UNROLL
  for (int i = 0; i < kVectors; ++i) sum[i] = V::Load(pixel + i * V::kLanes);
#pragma GCC unroll 2
  for (int64_t u = 1; u < rows; ++u) {
    pixel += p.in_row;
    MACE_UNROLL
    for (int i = 0; i < kVectors; ++i) sum[i] = V::Add(sum[i], V::Load(pixel + i * V::kLanes));
  }
}

// The means of kVectors vectors of channels from c on, of all windows of three columns, which move
// by one: each column is summed once, for three pixels.
template <typename V, int kVectors, int kRows>
MACE_INLINE void Slide3(const PoolRow &p, const WindowColumns &inner, int64_t c) {
  typename V::T left[kVectors], middle[kVectors], right[kVectors];
  ColumnSum<V, kVectors, kRows>(p, -p.pad_left, c, left);
  ColumnSum<V, kVectors, kRows>(p, 1 - p.pad_left, c, middle);
  float *out = p.out + c;
  for (int64_t x = 0; x < p.out_w; ++x, out += p.pixel) {
    ColumnSum<V, kVectors, kRows>(p, x + 2 - p.pad_left, c, right);
    const typename V::T scale = V::Set(Columns(p, inner, x).scale);
    MACE_UNROLL
    for (int i = 0; i < kVectors; ++i) {
      const typename V::T sum = V::Add(V::Add(left[i], middle[i]), right[i]);
      V::Store(out + i * V::kLanes, V::Mul(sum, scale));
      left[i] = middle[i];
      middle[i] = right[i];
    }
  }
}

template <typename V>
MACE_INLINE void SlideRow(const PoolRow &row) {
  const PoolRow p = row;  // stores of vectors could be to `row`, as far as compilers know
#if defined(__arm__)
  constexpr int kWide = 2;  // there are 16 registers, and loads need one
#else
  constexpr int kWide = 4;
#endif
  const WindowColumns inner = InnerColumns(p);
  int64_t c = 0;
  for (; c + kWide * V::kLanes <= p.channels; c += kWide * V::kLanes) {
    if (p.rows == 3) {
      Slide3<V, kWide, 3>(p, inner, c);
    } else {
      Slide3<V, kWide, 0>(p, inner, c);
    }
  }
  for (; c < p.channels; c += V::kLanes) {
    if (c + V::kLanes > p.channels) c = p.channels - V::kLanes;
    Slide3<V, 1, 0>(p, inner, c);
  }
}

template <typename V, bool kMax>
MACE_INLINE void Row(const PoolRow &p) {
  if (!kMax && p.kernel_w == 3 && p.stride_w == 1 && p.dilation_w == 1) return SlideRow<V>(p);
  Pixels<V, kMax>(p, 0, p.out_w);
}

}  // namespace
}  // namespace kernels
}  // namespace mace

#endif  // MACE_KERNELS_POOL_POOL_ROW_H_
