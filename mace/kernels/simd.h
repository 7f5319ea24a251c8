// SPDX-License-Identifier: Apache-2.0
// The vector of the instruction set that a source file is compiled for, as a struct of inline
// functions: kernels are templates over it. Everything here has internal linkage, since a function
// compiled for a wide instruction set must never serve a machine without it.
#ifndef MACE_KERNELS_SIMD_H_
#define MACE_KERNELS_SIMD_H_

#include <stddef.h>
#include <stdint.h>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__ARM_NEON)
#include <arm_neon.h>
#endif

#define MACE_INLINE inline __attribute__((always_inline))

// Loops over registers must be unrolled in full, before registers are given to array elements.
#if defined(__clang__)
#define MACE_UNROLL _Pragma("unroll")
#else
#define MACE_UNROLL _Pragma("GCC unroll 64")
#endif

namespace mace {
namespace kernels {
namespace {

// Members: T, kLanes; Load, Store (unaligned), LoadPart, StorePart (n of 1 to kLanes - 1 lanes and
// no byte more), Set (all lanes), Broadcast (one float in memory to all lanes), MulAdd(a, b, c) =
// a * b + c, Add, Sub, Mul, Max, Min. Max and Min give NaN if the second operand is NaN.

#if defined(__AVX512F__)

struct Vector {
  using T = __m512;
  static constexpr int kLanes = 16;
  static MACE_INLINE T Load(const float *p) { return _mm512_loadu_ps(p); }
  static MACE_INLINE void Store(float *p, T v) { _mm512_storeu_ps(p, v); }
  static MACE_INLINE __mmask16 Mask(int n) { return static_cast<__mmask16>((1u << n) - 1); }
  static MACE_INLINE T LoadPart(const float *p, int n) { return _mm512_maskz_loadu_ps(Mask(n), p); }
  static MACE_INLINE void StorePart(float *p, T v, int n) { _mm512_mask_storeu_ps(p, Mask(n), v); }
  static MACE_INLINE T Set(float x) { return _mm512_set1_ps(x); }
  static MACE_INLINE T Broadcast(const float *p) { return _mm512_set1_ps(*p); }
  static MACE_INLINE T MulAdd(T a, T b, T c) { return _mm512_fmadd_ps(a, b, c); }
  static MACE_INLINE T Add(T a, T b) { return _mm512_add_ps(a, b); }
  static MACE_INLINE T Sub(T a, T b) { return _mm512_sub_ps(a, b); }
  static MACE_INLINE T Mul(T a, T b) { return _mm512_mul_ps(a, b); }
  // With a mask of all lanes: g++ 12 takes _mm512_max_ps for one that reads uninitialized memory.
  static MACE_INLINE T Max(T a, T b) { return _mm512_maskz_max_ps(0xffff, a, b); }
  static MACE_INLINE T Min(T a, T b) { return _mm512_maskz_min_ps(0xffff, a, b); }
};

#elif defined(__AVX2__)

struct Vector {
  using T = __m256;
  static constexpr int kLanes = 8;
  static MACE_INLINE T Load(const float *p) { return _mm256_loadu_ps(p); }
  static MACE_INLINE void Store(float *p, T v) { _mm256_storeu_ps(p, v); }
  static MACE_INLINE __m256i Mask(int n) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
  }
  static MACE_INLINE T LoadPart(const float *p, int n) { return _mm256_maskload_ps(p, Mask(n)); }
  static MACE_INLINE void StorePart(float *p, T v, int n) { _mm256_maskstore_ps(p, Mask(n), v); }
  static MACE_INLINE T Set(float x) { return _mm256_set1_ps(x); }
  static MACE_INLINE T Broadcast(const float *p) { return _mm256_broadcast_ss(p); }
  static MACE_INLINE T MulAdd(T a, T b, T c) { return _mm256_fmadd_ps(a, b, c); }
  static MACE_INLINE T Add(T a, T b) { return _mm256_add_ps(a, b); }
  static MACE_INLINE T Sub(T a, T b) { return _mm256_sub_ps(a, b); }
  static MACE_INLINE T Mul(T a, T b) { return _mm256_mul_ps(a, b); }
  static MACE_INLINE T Max(T a, T b) { return _mm256_max_ps(a, b); }
  static MACE_INLINE T Min(T a, T b) { return _mm256_min_ps(a, b); }
};

#elif defined(__SSE4_1__)

struct Vector {
  using T = __m128;
  static constexpr int kLanes = 4;
  static MACE_INLINE T Load(const float *p) { return _mm_loadu_ps(p); }
  static MACE_INLINE void Store(float *p, T v) { _mm_storeu_ps(p, v); }
  static MACE_INLINE T LoadPart(const float *p, int n) {
    if (n == 1) return _mm_load_ss(p);
    const T low = _mm_setr_ps(p[0], p[1], 0, 0);
    return n == 2 ? low : _mm_movelh_ps(low, _mm_load_ss(p + 2));
  }
  static MACE_INLINE void StorePart(float *p, T v, int n) {
    _mm_store_ss(p, v);
    if (n > 1) _mm_store_ss(p + 1, _mm_shuffle_ps(v, v, 1));
    if (n > 2) _mm_store_ss(p + 2, _mm_movehl_ps(v, v));
  }
  static MACE_INLINE T Set(float x) { return _mm_set1_ps(x); }
  static MACE_INLINE T Broadcast(const float *p) { return _mm_set1_ps(*p); }
  static MACE_INLINE T MulAdd(T a, T b, T c) { return _mm_add_ps(_mm_mul_ps(a, b), c); }
  static MACE_INLINE T Add(T a, T b) { return _mm_add_ps(a, b); }
  static MACE_INLINE T Sub(T a, T b) { return _mm_sub_ps(a, b); }
  static MACE_INLINE T Mul(T a, T b) { return _mm_mul_ps(a, b); }
  static MACE_INLINE T Max(T a, T b) { return _mm_max_ps(a, b); }
  static MACE_INLINE T Min(T a, T b) { return _mm_min_ps(a, b); }
};

#elif defined(__ARM_NEON)

struct Vector {
  using T = float32x4_t;
  static constexpr int kLanes = 4;
  static MACE_INLINE T Load(const float *p) { return vld1q_f32(p); }
  static MACE_INLINE void Store(float *p, T v) { vst1q_f32(p, v); }
  static MACE_INLINE T LoadPart(const float *p, int n) {
    T v = vld1q_lane_f32(p, vdupq_n_f32(0), 0);
    if (n > 1) v = vld1q_lane_f32(p + 1, v, 1);
    if (n > 2) v = vld1q_lane_f32(p + 2, v, 2);
    return v;
  }
  static MACE_INLINE void StorePart(float *p, T v, int n) {
    vst1q_lane_f32(p, v, 0);
    if (n > 1) vst1q_lane_f32(p + 1, v, 1);
    if (n > 2) vst1q_lane_f32(p + 2, v, 2);
  }
  static MACE_INLINE T Set(float x) { return vdupq_n_f32(x); }
  static MACE_INLINE T Broadcast(const float *p) { return vld1q_dup_f32(p); }
#if defined(__aarch64__)
  static MACE_INLINE T MulAdd(T a, T b, T c) { return vfmaq_f32(c, a, b); }
#else
  static MACE_INLINE T MulAdd(T a, T b, T c) { return vmlaq_f32(c, a, b); }
#endif
  static MACE_INLINE T Add(T a, T b) { return vaddq_f32(a, b); }
  static MACE_INLINE T Sub(T a, T b) { return vsubq_f32(a, b); }
  static MACE_INLINE T Mul(T a, T b) { return vmulq_f32(a, b); }
  static MACE_INLINE T Max(T a, T b) { return vmaxq_f32(a, b); }
  static MACE_INLINE T Min(T a, T b) { return vminq_f32(a, b); }
};

#endif

}  // namespace
}  // namespace kernels
}  // namespace mace

#endif  // MACE_KERNELS_SIMD_H_
