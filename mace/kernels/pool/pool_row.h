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

MACE_INLINE WindowColumns Columns(const PoolRow &p, int64_t x) {
  WindowColumns w;
  w.first = x * p.stride_w - p.pad_left;
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

// kVectors vectors of channels from c on of the pixel at `out`.
template <typename V, bool kMax, int kVectors>
MACE_INLINE void Pixel(const PoolRow &p, const WindowColumns &w, int64_t c, float *out) {
  typename V::T acc[kVectors];
  MACE_UNROLL
  for (int i = 0; i < kVectors; ++i) acc[i] = V::Set(kMax ? -__builtin_inff() : 0.0f);
  for (int64_t u = 0; u < p.rows; ++u) {
    const float *row = p.in + u * p.in_row + w.first * p.channels + c;
    for (int64_t v = w.begin; v < w.end; ++v) {
      const float *pixel = row + v * p.dilation_w * p.channels;
      MACE_UNROLL
      for (int i = 0; i < kVectors; ++i) {
        const typename V::T x = V::Load(pixel + i * V::kLanes);
        acc[i] = kMax ? V::Max(acc[i], x) : V::Add(acc[i], x);
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
  for (int64_t x = begin; x < end; ++x) {
    const WindowColumns w = Columns(p, x);
    float *out = p.out + x * p.channels;
    int64_t c = 0;
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

template <typename V, bool kMax>
MACE_INLINE void Row(const PoolRow &p) {
  Pixels<V, kMax>(p, 0, p.out_w);
}

}  // namespace
}  // namespace kernels
}  // namespace mace

#endif  // MACE_KERNELS_POOL_POOL_ROW_H_
