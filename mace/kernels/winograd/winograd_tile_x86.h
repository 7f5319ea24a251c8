// SPDX-License-Identifier: Apache-2.0
// The transforms of F(4x4, 3x3) and F(2x2, 3x3) with vectors of channels; the matrices are those of
// Lavin and Gray (arXiv 1509.09308) for the points 0, 1, -1, 2, -2 and 0, 1, -1. Included by one
// source per instruction set of x86.
#ifndef MACE_KERNELS_WINOGRAD_WINOGRAD_TILE_X86_H_
#define MACE_KERNELS_WINOGRAD_WINOGRAD_TILE_X86_H_

#include "mace/kernels/simd.h"
#include "mace/kernels/winograd/winograd_kernel.h"

namespace mace {
namespace kernels {
namespace {

using T = Vector::T;

MACE_INLINE T Add(T a, T b) { return Vector::Add(a, b); }
MACE_INLINE T Sub(T a, T b) { return Vector::Sub(a, b); }
MACE_INLINE T MulAdd(float a, T b, T c) { return Vector::MulAdd(Vector::Set(a), b, c); }

// B^T d
template <int kSide>
MACE_INLINE void TransformInput(const T *d, T *t) {
  if constexpr (kSide == 4) {
    const T a = MulAdd(-4, d[2], d[4]), b = MulAdd(-4, d[1], d[3]);
    const T c = Sub(d[4], d[2]), e = Sub(d[3], d[1]);
    t[0] = MulAdd(4, d[0], MulAdd(-5, d[2], d[4]));
    t[1] = Add(a, b);
    t[2] = Sub(a, b);
    t[3] = MulAdd(2, e, c);
    t[4] = MulAdd(-2, e, c);
    t[5] = MulAdd(4, d[1], MulAdd(-5, d[3], d[5]));
  } else {
    t[0] = Sub(d[0], d[2]);
    t[1] = Add(d[1], d[2]);
    t[2] = Sub(d[2], d[1]);
    t[3] = Sub(d[1], d[3]);
  }
}

// A^T m
template <int kSide>
MACE_INLINE void TransformOutput(const T *m, T *y) {
  const T s = Add(m[1], m[2]), d = Sub(m[1], m[2]);
  if constexpr (kSide == 4) {
    const T s2 = Add(m[3], m[4]), d2 = Sub(m[3], m[4]);
    y[0] = Add(Add(m[0], s), s2);
    y[1] = MulAdd(2, d2, d);
    y[2] = MulAdd(4, s2, s);
    y[3] = MulAdd(8, d2, Add(d, m[5]));
  } else {
    y[0] = Add(m[0], s);
    y[1] = Sub(d, m[3]);
  }
}

// Calls f with the first channel of vectors that hold all channels; the last vector repeats some of
// the one before it unless they come out even.
template <typename F>
MACE_INLINE void ForEachVector(intptr_t channels, F f) {
#pragma GCC unroll 1
  for (intptr_t c = 0; c < channels; c += Vector::kLanes) {
    c = c < channels - Vector::kLanes ? c : channels - Vector::kLanes;
    f(c);
  }
}

template <int kSide>
MACE_INLINE void InputChannels(const WinogradInput &tile, const float *in, float *out) {
  constexpr int kIn = WinogradIn(kSide);
  T columns[kIn][kIn];  // [x][y]
  MACE_UNROLL
  for (int x = 0; x < kIn; ++x) {
    T d[kIn];
    const float *p = in + x * tile.in_pixel;
    MACE_UNROLL
    for (int y = 0; y < kIn; ++y, p += tile.in_row) d[y] = Vector::Load(p);
    TransformInput<kSide>(d, columns[x]);
  }
  MACE_UNROLL
  for (int y = 0; y < kIn; ++y) {
    T d[kIn], t[kIn];
    MACE_UNROLL
    for (int x = 0; x < kIn; ++x) d[x] = columns[x][y];
    TransformInput<kSide>(d, t);
    MACE_UNROLL
    for (int x = 0; x < kIn; ++x, out += tile.position) Vector::Store(out, t[x]);
  }
}

template <int kSide>
MACE_INLINE void InputTile(const WinogradInput &tile) {
  ForEachVector(tile.channels,
                [&](intptr_t c) { InputChannels<kSide>(tile, tile.in + c, tile.out + c); });
}

template <int kSide>
MACE_INLINE void OutputChannels(const WinogradOutput &tile, const float *in, float *out) {
  constexpr int kIn = WinogradIn(kSide);
  T columns[kIn][kSide];  // [x][y]
  const intptr_t row_of_positions = kIn * tile.position;
  MACE_UNROLL
  for (int x = 0; x < kIn; ++x) {
    T d[kIn];
    const float *p = in + x * tile.position;
    MACE_UNROLL
    for (int y = 0; y < kIn; ++y, p += row_of_positions) d[y] = Vector::Load(p);
    TransformOutput<kSide>(d, columns[x]);
  }
  const T low = Vector::Set(tile.low), high = Vector::Set(tile.high);
  MACE_UNROLL
  for (int y = 0; y < kSide; ++y, out += tile.out_row) {
    if (y >= tile.rows) break;
    T d[kIn], t[kSide];
    MACE_UNROLL
    for (int x = 0; x < kIn; ++x) d[x] = columns[x][y];
    TransformOutput<kSide>(d, t);
    float *p = out;
    MACE_UNROLL
    for (int x = 0; x < kSide; ++x, p += tile.out_pixel) {
      if (x >= tile.columns) break;
      Vector::Store(p, Vector::Min(high, Vector::Max(low, t[x])));
    }
  }
}

template <int kSide>
MACE_INLINE void OutputTile(const WinogradOutput &tile) {
  ForEachVector(tile.channels,
                [&](intptr_t c) { OutputChannels<kSide>(tile, tile.in + c, tile.out + c); });
}

}  // namespace
}  // namespace kernels
}  // namespace mace

#endif  // MACE_KERNELS_WINOGRAD_WINOGRAD_TILE_X86_H_
