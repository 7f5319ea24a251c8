// SPDX-License-Identifier: Apache-2.0
// What every kernel begins with: tensors in either memory, four channels at a time, and activations.
// A tensor of any rank is seen as rows x W x C: C the last dimension, W the last but one (1 below rank
// 3), rows all others. Elements are T (float, or half with HALF), arithmetic is float, but for `real`.
//   buffer (no IMG): element (row, x, c) is number (row * W + x) * C + c
//   image  (IMG):      it is component c % 4 of pixel (c / 4 * W + x, row); channels from C on are 0
// `tail` in the macros is a constant: not 0 when C is no multiple of four.

#include "common.h"

#ifdef HALF
#define T half
#define LOAD1(p, i) vload_half(0, RANGE(const half, (p) + (i), 2))
#define STORE1(v, p, i) vstore_half((v), 0, RANGE(half, (p) + (i), 2))
#define LOAD4(p, i) vloada_half4(0, RANGE(const half, (p) + (i), 8))
#define STORE4(v, p, i) vstorea_half4((v), 0, RANGE(half, (p) + (i), 8))
#define LOAD4U(p, i) vload_half4(0, RANGE(const half, (p) + (i), 8))
#define STORE4U(v, p, i) vstore_half4((v), 0, RANGE(half, (p) + (i), 8))
#else
#define T float
#define LOAD1(p, i) RANGE_AT(p, i)
#define STORE1(v, p, i) RANGE_AT(p, i) = (v)
// Not vload4: some drivers do not turn that into one access.
#define LOAD4(p, i) (*RANGE(const float4, (p) + (i), 16))
#define STORE4(v, p, i) (*RANGE(float4, (p) + (i), 16) = (v))
#define LOAD4U(p, i) vload4(0, RANGE(const float, (p) + (i), 16))
#define STORE4U(v, p, i) vstore4((v), 0, RANGE(float, (p) + (i), 16))
#endif

#define UNROLL _Pragma("unroll")

// What kernels multiply in: half with HALF_ARITHMETIC (of HALF alone, on a device with cl_khr_fp16).
// In half are sums of few products, which CARRY adds to sums in float: half has 11 bits, of which a
// long sum would leave three. TOTAL(acc, i) is the sum once all is carried.
#ifdef HALF_ARITHMETIC
#pragma OPENCL EXTENSION cl_khr_fp16 : enable
typedef half real;
typedef half4 real4;
#define REAL4(v) convert_half4(v)
#define FLOAT4(v) convert_float4(v)
#define LOAD_REAL4(p, i) (*RANGE(const half4, (p) + (i), 8))
#define READ_REAL_TEXEL(image, at) read_imageh((image), kSampler, TEXEL(image, at))
#define READ_ANY_REAL_TEXEL(image, at) read_imageh((image), kSampler, (at))
#define DEFINE_SUMS(acc, n)                                  \
  real4 acc[n];                                              \
  float4 acc##_total[n];                                     \
  UNROLL for (int sum_i = 0; sum_i < (n); ++sum_i) {         \
    acc[sum_i] = (half4)(0);                                 \
    acc##_total[sum_i] = 0.0f;                               \
  }
#define CARRY(acc, n)                                        \
  UNROLL for (int sum_i = 0; sum_i < (n); ++sum_i) {         \
    acc##_total[sum_i] += convert_float4(acc[sum_i]);        \
    acc[sum_i] = (half4)(0);                                 \
  }
#define TOTAL(acc, i) acc##_total[i]
#else
typedef float real;
typedef float4 real4;
#define REAL4(v) (v)
#define FLOAT4(v) (v)
#define LOAD_REAL4(p, i) LOAD4(p, i)
#define READ_REAL_TEXEL(image, at) READ_TEXEL(image, at)
#define READ_ANY_REAL_TEXEL(image, at) read_imagef((image), kSampler, (at))
#define DEFINE_SUMS(acc, n) \
  float4 acc[n];            \
  UNROLL for (int sum_i = 0; sum_i < (n); ++sum_i) acc[sum_i] = 0.0f;
#define CARRY(acc, n)
#define TOTAL(acc, i) acc[i]
#endif

// The number of the work-group along a dimension. A launch in parts gives each of them a global offset,
// which get_group_id does not count.
#ifdef PARTS
#define GROUP_NUMBER(d) ((int)(get_global_id(d) / get_local_size(d)))
#else
#define GROUP_NUMBER(d) ((int)get_group_id(d))
#endif

// v with the components from n on set to 0.
float4 KeepFirst(float4 v, int n) {
  return (float4)(n > 0 ? v.x : 0.0f, n > 1 ? v.y : 0.0f, n > 2 ? v.z : 0.0f, n > 3 ? v.w : 0.0f);
}

// Four elements of which the first n exist; p need not be aligned.
float4 LoadTail(__global const T *p, int n) {
  if (n >= 4) return LOAD4U(p, 0);
  float4 v = 0.0f;
  if (n > 0) v.x = LOAD1(p, 0);
  if (n > 1) v.y = LOAD1(p, 1);
  if (n > 2) v.z = LOAD1(p, 2);
  return v;
}

void StoreTail(float4 v, __global T *p, int n) {
  if (n >= 4) {
    STORE4U(v, p, 0);
    return;
  }
  if (n > 0) STORE1(v.x, p, 0);
  if (n > 1) STORE1(v.y, p, 1);
  if (n > 2) STORE1(v.z, p, 2);
}

#ifdef IMG
#ifdef TRUNCATES  // half an ulp of a half more, so that cutting off rounds
#define IMAGE_VALUE(v) select(v, as_float4(as_int4(v) + 0x1000), isfinite(v))
#else
#define IMAGE_VALUE(v) (v)
#endif

#define IN_TENSOR __read_only image2d_t
#define OUT_TENSOR __write_only image2d_t
#define READ4(t, tail, row, x, cb, W, C) READ_TEXEL(t, (int2)((cb) * (W) + (x), (row)))
// The same where `ok` may be false: then 0.
#define READ4_IF(ok, t, tail, row, x, cb, W, C) \
  read_imagef((t), kSampler, (int2)((ok) ? (cb) * (W) + (x) : -1, (row)))
#define READ_REAL4_IF(ok, t, tail, row, x, cb, W, C) \
  READ_ANY_REAL_TEXEL(t, (int2)((ok) ? (cb) * (W) + (x) : -1, (row)))
#define READ_REAL4(t, tail, row, x, cb, W, C) READ_REAL_TEXEL(t, (int2)((cb) * (W) + (x), (row)))
#define WRITE4(v, t, tail, row, x, cb, W, C)                \
  write_imagef((t), TEXEL(t, (int2)((cb) * (W) + (x), (row))), \
               IMAGE_VALUE((tail) ? KeepFirst((v), (C) - 4 * (cb)) : (v)))
// By the number of the pixel, row * W + x.
#define READ4P(t, tail, p, cb, W, C) READ4(t, tail, (p) / (W), (p) % (W), cb, W, C)
#define WRITE4P(v, t, tail, p, cb, W, C) WRITE4(v, t, tail, (p) / (W), (p) % (W), cb, W, C)
// Element i of a tensor in row-major order.
#define READ1(t, i, W, C) ReadOne((t), (i), (W), (C))
float ReadOne(__read_only image2d_t t, int i, int W, int C) {
  const int p = i / C, c = i - p * C, row = p / W;
  const float4 v = READ_TEXEL(t, (int2)((c >> 2) * W + p - row * W, row));
  const float2 pair = c & 2 ? v.zw : v.xy;
  return c & 1 ? pair.y : pair.x;
}
#else
#define IN_TENSOR __global const T *restrict
#define OUT_TENSOR __global T *restrict
#define AT(row, x, cb, W, C) (((row) * (W) + (x)) * (C) + 4 * (cb))
#define READ4(t, tail, row, x, cb, W, C)                                     \
  ((tail) ? LoadTail((t) + AT(row, x, cb, W, C), (C) - 4 * (cb))             \
          : LOAD4((t), AT(row, x, cb, W, C)))
#define READ4_IF(ok, t, tail, row, x, cb, W, C) \
  ((ok) ? READ4(t, tail, row, x, cb, W, C) : (float4)(0.0f))
#define READ_REAL4(t, tail, row, x, cb, W, C)                                \
  ((tail) ? REAL4(LoadTail((t) + AT(row, x, cb, W, C), (C) - 4 * (cb)))      \
          : LOAD_REAL4((t), AT(row, x, cb, W, C)))
#define READ_REAL4_IF(ok, t, tail, row, x, cb, W, C) \
  ((ok) ? READ_REAL4(t, tail, row, x, cb, W, C) : (real4)(0))
#define WRITE4(v, t, tail, row, x, cb, W, C)                                   \
  do {                                                                         \
    if (tail)                                                                  \
      StoreTail((v), (t) + AT(row, x, cb, W, C), (C) - 4 * (cb));              \
    else                                                                       \
      STORE4((v), (t), AT(row, x, cb, W, C));                                  \
  } while (0)
#define READ4P(t, tail, p, cb, W, C) READ4(t, tail, 0, p, cb, 0, C)
#define WRITE4P(v, t, tail, p, cb, W, C) WRITE4(v, t, tail, 0, p, cb, 0, C)
#define READ1(t, i, W, C) LOAD1((t), (i))
#endif

// Weights are matrices of rows of four. BUFFER_WEIGHTS: in buffers of float whatever tensors are in.
#ifdef BUFFER_WEIGHTS
#define WEIGHTS __global const float *restrict
#define WEIGHT_AT(w, i) REAL4(*RANGE(const float4, (w) + (i), 16))
#elif !defined(IMG)
#define WEIGHTS __global const T *restrict
#define WEIGHT_AT(w, i) LOAD_REAL4((w), (i))
#endif
#ifdef WEIGHT_AT
#define WEIGHT4(w, row, column, columns) WEIGHT_AT((w), ((row) * (columns) + (column)) * 4)
#else  // pixel (column, row)
#define WEIGHTS __read_only image2d_t
#define WEIGHT4(w, row, column, columns) READ_REAL_TEXEL(w, (int2)((column), (row)))
#endif

// SECOND: blocks of four channels from r.s0 on go to a second tensor of r.s1 channels, there from
// block r.s2 on; PLAIN_FIRST: the others are not activated. They stand after `if (IN_FIRST(n)) ..;`.
#ifdef SECOND
#define SECOND_OUTPUT , OUT_TENSOR out2, int4 r
#define IN_FIRST(n) ((n) < r.s0)
#define ELSE_SECOND(v, row, x, n, W) else WRITE4(v, out2, OUT_TAIL, row, x, (n) - r.s0 + r.s2, W, r.s1);
#define ELSE_SECONDP(v, p, n, W) else WRITE4P(v, out2, OUT_TAIL, p, (n) - r.s0 + r.s2, W, r.s1);
#else
#define SECOND_OUTPUT
#define IN_FIRST(n) true
#define ELSE_SECOND(v, row, x, n, W)
#define ELSE_SECONDP(v, p, n, W)
#endif
#ifdef PLAIN_FIRST
#define ACTIVATE(v, n, a, b) (IN_FIRST(n) ? (v) : Activate((v), (a), (b)))
#else
#define ACTIVATE(v, n, a, b) Activate((v), (a), (b))
#endif

// ACT is a number of kernels::ActivationFunction; a, b are its parameters: max_limit for 2, else
// coefficient and offset. Comparisons are written so that NaN stays NaN. What takes no more than a
// comparison or a product is in real.
#ifndef ACT
#define ACT 0
#endif
float4 Activate(float4 v, float a, float b) {
#if ACT == 1 || ACT == 2 || ACT == 5
  real4 r = REAL4(v);
#if ACT == 5
  r = select(r, r * (real)(a), isless(r, (real4)(0.0f)));
#else
  r = select(r, (real4)(0.0f), isless(r, (real4)(0.0f)));
#endif
#if ACT == 2
  r = select(r, (real4)((real)(a)), isgreater(r, (real4)((real)(a))));
#endif
  return FLOAT4(r);
#elif ACT == 3
  return tanh(v);
#elif ACT == 4
  return 1.0f / (1.0f + exp(-v));
#elif ACT == 6
  return clamp(v * a + b, 0.0f, 1.0f);
#elif ACT == 7
  return v * clamp(v * (1.0f / 6.0f) + 0.5f, 0.0f, 1.0f);
#elif ACT == 8
  return select(v, a * expm1(v), isless(v, (float4)(0.0f)));
#elif ACT == 9
  return v / (1.0f + exp(-v));
#elif ACT == 11
  return fmax(v, 0.0f) + log1p(exp(-fabs(v)));
#elif ACT == 12
  return 0.5f * v * (1.0f + erf(v * 0.70710678f));
#elif ACT == 13
  return v * tanh(fmax(v, 0.0f) + log1p(exp(-fabs(v))));
#elif ACT == 14
  return 1.05070098f * select(v, 1.67326324f * expm1(v), isless(v, (float4)(0.0f)));
#elif ACT == 15
  return v / (1.0f + exp(v * (-1.5957691f - 0.071354816f * v * v)));
#else
  return v;
#endif
}
