// SPDX-License-Identifier: Apache-2.0
// What the kernels of x86 share: rows are rounded 32 numbers at a time, rows of C are finished.
#ifndef MACE_KERNELS_BF16_BF16_X86_H_
#define MACE_KERNELS_BF16_BF16_X86_H_

#include "mace/kernels/bf16/bf16_kernel.h"
#include "mace/kernels/simd.h"

namespace mace {
namespace kernels {
namespace {

constexpr int64_t kChunk = 32;  // numbers of a cache line

MACE_INLINE __mmask16 LanesOf(int64_t n) {
  return static_cast<__mmask16>(n >= 16 ? 0xffffu : n <= 0 ? 0u : (1u << n) - 1);
}

// 32 numbers, of which the first n are in memory; the rest are zeros.
MACE_INLINE __m512i Round(const float *from, int64_t n) {
  if (n >= kChunk) {
    return reinterpret_cast<__m512i>(
        _mm512_cvtne2ps_pbh(_mm512_loadu_ps(from + 16), _mm512_loadu_ps(from)));
  }
  return reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(
      _mm512_maskz_loadu_ps(LanesOf(n - 16), from + 16), _mm512_maskz_loadu_ps(LanesOf(n), from)));
}

// 32 numbers from step `step` on, in tap `tap` of a row, where that tap ends and others begin. Taps
// are put together in memory first.
inline __m512i RoundTaps(const Bf16Pack &pack, const float *row, int64_t tap, int64_t step) {
  float room[kChunk + 16];
  float *to = room, *const end = room + kChunk;
  int64_t l = step - tap * pack.k;
  for (; tap < pack.taps && to < end; ++tap, l = 0) {
    const float *from = row + pack.tap_offsets[tap];
    for (; l < pack.k && to < end; l += 16, to += 16) {
      _mm512_storeu_ps(to, _mm512_maskz_loadu_ps(LanesOf(pack.k - l), from + l));
    }
    if (l > pack.k) to -= l - pack.k;
  }
  for (; to < end; to += 16) _mm512_storeu_ps(to, _mm512_setzero_ps());
  return Round(room, kChunk);
}

// Calls store(step, 32 numbers) for each chunk of a row.
template <typename Store>
MACE_INLINE void RoundRow(const Bf16Pack &pack, const float *row, Store store) {
  const int64_t steps = pack.taps * pack.k;
  int64_t step = 0;
  for (int64_t t = 0; t < pack.taps; ++t) {
    const int64_t end = (t + 1) * pack.k;
    const float *from = row + pack.tap_offsets[t] - t * pack.k;
    for (; step + kChunk <= end; step += kChunk) store(step, Round(from + step, kChunk));
    if (step >= end) continue;
    if (end == steps) {
      store(step, Round(from + step, end - step));
    } else {
      store(step, RoundTaps(pack, row, t, step));
    }
    step += kChunk;
  }
}

// Adds the residual of a row, clamps and stores: n columns, of which each vector has 16.
MACE_INLINE void FinishVector(__m512 sum, const float *residual, __mmask16 mask, __m512 low,
                              __m512 high, float *c) {
  if (residual != nullptr) sum = _mm512_add_ps(sum, _mm512_maskz_loadu_ps(mask, residual));
  _mm512_mask_storeu_ps(c, mask, Vector::Min(high, Vector::Max(low, sum)));
}

}  // namespace
}  // namespace kernels
}  // namespace mace

#endif  // MACE_KERNELS_BF16_BF16_X86_H_
