// SPDX-License-Identifier: Apache-2.0
// Maximum of 3x3 windows with stride 2 on Arm: neighbours share a column, whose maximum is kept.
#ifndef MACE_KERNELS_POOL_POOL_MAX3_NEON_H_
#define MACE_KERNELS_POOL_POOL_MAX3_NEON_H_

#include "mace/kernels/pool/pool_row.h"

namespace mace {
namespace kernels {
namespace {

// The maximum of each of kVectors vectors in three rows at column distance `at`.
template <int kVectors>
MACE_INLINE void ColumnMax(const float *const *rows, intptr_t at, float32x4_t *max) {
  MACE_UNROLL
  for (int i = 0; i < kVectors; ++i) {
    max[i] = vmaxq_f32(vmaxq_f32(vld1q_f32(rows[0] + at + 4 * i), vld1q_f32(rows[1] + at + 4 * i)),
                       vld1q_f32(rows[2] + at + 4 * i));
  }
}

// Pixels [begin, end), whose windows lie in the image, for kVectors vectors of channels from c on.
template <int kVectors>
MACE_INLINE void Max3(const PoolRow &p, int64_t begin, int64_t end, int64_t c) {
  const intptr_t pixel = static_cast<intptr_t>(p.pixel);
  const float *rows[3];
  MACE_UNROLL
  for (int u = 0; u < 3; ++u) {
    rows[u] = p.in + u * p.in_row + (begin * 2 - p.pad_left) * p.pixel + c;
  }
  float *out = p.out + begin * p.pixel + c;
  float32x4_t left[kVectors], middle[kVectors], right[kVectors];
  ColumnMax<kVectors>(rows, 0, left);
  for (int64_t x = begin; x < end; ++x, out += pixel) {
    ColumnMax<kVectors>(rows, pixel, middle);
    ColumnMax<kVectors>(rows, 2 * pixel, right);
    MACE_UNROLL
    for (int u = 0; u < 3; ++u) rows[u] += 2 * pixel;
    MACE_UNROLL
    for (int i = 0; i < kVectors; ++i) {
      vst1q_f32(out + 4 * i, vmaxq_f32(vmaxq_f32(left[i], middle[i]), right[i]));
      left[i] = right[i];
    }
  }
}

// A row of 3x3 windows with stride 2, if this is one; returns whether it was.
MACE_INLINE bool Max3Row(const PoolRow &p) {
  if (p.rows != 3 || p.kernel_w != 3 || p.stride_w != 2 || p.dilation_w != 1) return false;
  const int64_t begin = p.pad_left > 0 ? (p.pad_left + 1) / 2 : 0;
  int64_t end = p.in_w + p.pad_left >= 3 ? (p.in_w + p.pad_left - 3) / 2 + 1 : 0;
  if (end > p.out_w) end = p.out_w;
  if (begin >= end) return false;
  constexpr int kWide = 4;
  int64_t c = 0;
  for (; c + kWide * 4 <= p.channels; c += kWide * 4) Max3<kWide>(p, begin, end, c);
  for (; c < p.channels; c += 4) Max3<1>(p, begin, end, c + 4 <= p.channels ? c : p.channels - 4);
  Pixels<Vector, true>(p, 0, begin);
  Pixels<Vector, true>(p, end, p.out_w);
  return true;
}

}  // namespace
}  // namespace kernels
}  // namespace mace

#endif  // MACE_KERNELS_POOL_POOL_MAX3_NEON_H_
