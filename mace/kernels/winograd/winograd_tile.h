// SPDX-License-Identifier: Apache-2.0
// The transforms of F(4x4, 3x3) with vectors of 4 channels; the matrices are those of Lavin and
// Gray (arXiv 1509.09308) for the points 0, 1, -1, 2, -2.
#ifndef MACE_KERNELS_WINOGRAD_WINOGRAD_TILE_H_
#define MACE_KERNELS_WINOGRAD_WINOGRAD_TILE_H_

#include "mace/kernels/simd.h"
#include "mace/kernels/winograd/winograd_kernel.h"

namespace mace {
namespace kernels {
namespace {

using T = Vector::T;
constexpr int kWinogradOut = 4;
constexpr int kWinogradIn = WinogradIn(kWinogradOut);

// The factors of both transforms, by lane: c + a * 4 and so on.
#if defined(__aarch64__)
#define MACE_WINOGRAD_ADD(c, a, lane) vfmaq_laneq_f32(c, a, factors, lane)
#define MACE_WINOGRAD_SUB(c, a, lane) vfmsq_laneq_f32(c, a, factors, lane)
#else
#define MACE_WINOGRAD_ADD(c, a, lane) \
  vmlaq_lane_f32(c, a, lane < 2 ? vget_low_f32(factors) : vget_high_f32(factors), lane & 1)
#define MACE_WINOGRAD_SUB(c, a, lane) \
  vmlsq_lane_f32(c, a, lane < 2 ? vget_low_f32(factors) : vget_high_f32(factors), lane & 1)
#endif
constexpr float kFactors[4] = {4, 2, 8, 0};
enum { kBy4, kBy2, kBy8 };

MACE_INLINE T Add(T a, T b) { return vaddq_f32(a, b); }
MACE_INLINE T Sub(T a, T b) { return vsubq_f32(a, b); }

// Loads or stores at *p, and advances it by `bytes`: compilers add apart.
MACE_INLINE T LoadNext(const float **p, intptr_t bytes) {
  T v;
#if defined(__aarch64__)
  asm volatile("ld1 {%0.4s}, [%1], %2" : "=w"(v), "+r"(*p) : "r"(bytes) : "memory");
#else
  asm volatile("vld1.32 {%e0, %f0}, [%1], %2" : "=w"(v), "+r"(*p) : "r"(bytes) : "memory");
#endif
  return v;
}
MACE_INLINE void StoreNext(float **p, T v, intptr_t bytes) {
#if defined(__aarch64__)
  asm volatile("st1 {%1.4s}, [%0], %2" : "+r"(*p) : "w"(v), "r"(bytes) : "memory");
#else
  asm volatile("vst1.32 {%e1, %f1}, [%0], %2" : "+r"(*p) : "w"(v), "r"(bytes) : "memory");
#endif
}

// B^T d. Multiply-adds overwrite their sum, so each is the last use of it: nothing is copied.
MACE_INLINE void TransformInput(const T *d, T factors, T *t) {
  const T c = Sub(d[4], d[2]), e = Sub(d[3], d[1]);
  const T f = Sub(d[5], d[3]);
  const T a = MACE_WINOGRAD_SUB(d[4], d[2], kBy4), b = MACE_WINOGRAD_SUB(d[3], d[1], kBy4);
  t[0] = MACE_WINOGRAD_ADD(Sub(a, d[2]), d[0], kBy4);
  t[1] = Add(a, b);
  t[2] = Sub(a, b);
  t[5] = MACE_WINOGRAD_SUB(f, e, kBy4);
  const T g = Add(e, e);
  t[3] = Add(c, g);
  t[4] = Sub(c, g);
}

// A^T m
MACE_INLINE void TransformOutput(const T *m, T factors, T *y) {
  const T s = Add(m[1], m[2]), d = Sub(m[1], m[2]);
  const T s2 = Add(m[3], m[4]), d2 = Sub(m[3], m[4]);
  y[0] = Add(Add(m[0], s), s2);
  y[3] = MACE_WINOGRAD_ADD(Add(d, m[5]), d2, kBy8);
  y[1] = MACE_WINOGRAD_ADD(d, d2, kBy2);
  y[2] = MACE_WINOGRAD_ADD(s, s2, kBy4);
}

MACE_INLINE void InputTile(const WinogradInput &tile) {
  const T factors = vld1q_f32(kFactors);
  const float *in = tile.in;
  float *out = tile.out;
  const intptr_t row = tile.in_row * 4, position = tile.position * 4;
  for (intptr_t left = tile.channels; left > 0; left -= 4, in += 4, out += tile.quad) {
    T columns[kWinogradIn][kWinogradIn];  // [x][y]
    const float *pixel = in;
    MACE_UNROLL
    for (int x = 0; x < kWinogradIn; ++x, pixel += tile.in_pixel) {
      T d[kWinogradIn];
      const float *p = pixel;
      MACE_UNROLL
      for (int y = 0; y < kWinogradIn; ++y) d[y] = LoadNext(&p, row);
      TransformInput(d, factors, columns[x]);
    }
    float *to = out;
    MACE_UNROLL
    for (int y = 0; y < kWinogradIn; ++y) {
      T d[kWinogradIn], t[kWinogradIn];
      MACE_UNROLL
      for (int x = 0; x < kWinogradIn; ++x) d[x] = columns[x][y];
      TransformInput(d, factors, t);
      MACE_UNROLL
      for (int x = 0; x < kWinogradIn; ++x) StoreNext(&to, t[x], position);
    }
  }
}

// kHigh: there may be an upper bound.
template <bool kWhole, bool kHigh>
MACE_INLINE void OutputTile(const WinogradOutput &tile) {
  const T factors = vld1q_f32(kFactors);
  const float *in = tile.in;
  float *out = tile.out;
  const T low = Vector::Set(tile.low), high = Vector::Set(tile.high);
  const intptr_t row_of_positions = kWinogradIn * tile.position * 4, out_pixel = tile.out_pixel * 4;
  for (intptr_t left = tile.channels; left > 0; left -= 4, in += 4, out += 4) {
    T columns[kWinogradIn][kWinogradOut];  // [x][y]
    const float *m = in;
    MACE_UNROLL
    for (int x = 0; x < kWinogradIn; ++x, m += tile.position) {
      T d[kWinogradIn];
      const float *p = m;
      MACE_UNROLL
      for (int y = 0; y < kWinogradIn; ++y) d[y] = LoadNext(&p, row_of_positions);
      TransformOutput(d, factors, columns[x]);
    }
    float *row = out;
    MACE_UNROLL
    for (int y = 0; y < kWinogradOut; ++y, row += tile.out_row) {
      if (!kWhole && y >= tile.rows) break;
      T d[kWinogradIn], t[kWinogradOut];
      MACE_UNROLL
      for (int x = 0; x < kWinogradIn; ++x) d[x] = columns[x][y];
      TransformOutput(d, factors, t);
      float *to = row;
      MACE_UNROLL
      for (int x = 0; x < kWinogradOut; ++x) {
        if (!kWhole && x >= tile.columns) break;
        const T y_low = vmaxq_f32(low, t[x]);
        StoreNext(&to, kHigh ? vminq_f32(high, y_low) : y_low, out_pixel);
      }
    }
  }
}

#undef MACE_WINOGRAD_ADD
#undef MACE_WINOGRAD_SUB

}  // namespace
}  // namespace kernels
}  // namespace mace

#endif  // MACE_KERNELS_WINOGRAD_WINOGRAD_TILE_H_
