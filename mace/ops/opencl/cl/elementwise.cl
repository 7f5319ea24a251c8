// SPDX-License-Identifier: Apache-2.0
// Functions of single elements, and of pairs with broadcasting: one thread a block of four channels
// of a pixel. Global: buffers (blocks, pixels), images (W, blocks, rows). TAIL: C is no multiple of
// four. p.s0..s3: rows, W, C, number of pixels; p.se, p.sf: parameters of the activation.
#include "tensor.h"

#ifdef IMG
#define POSITION()                                                       \
  const int x = get_global_id(0), cb = get_global_id(1), row = get_global_id(2); \
  if (x >= p.s1 || cb * 4 >= p.s2 || row >= p.s0) return;                 \
  const int pixel = row * p.s1 + x
#else
#define POSITION()                                              \
  const int cb = get_global_id(0), pixel = get_global_id(1);     \
  const int row = 0, x = pixel;                                  \
  if (cb * 4 >= p.s2 || pixel >= p.s3) return
#endif

// What is one rounding of numbers that are halves is in real, the rest in float.
#if defined(UNARY)
#if UNARY == 0 || UNARY == 1 || UNARY == 4
#define VALUE4 REAL4
typedef real4 value4;
#else
#define VALUE4
typedef float4 value4;
#endif
value4 Unary(value4 v) {
#if UNARY == 0
  return -v;
#elif UNARY == 1
  return fabs(v);
#elif UNARY == 2
  return sqrt(v);
#elif UNARY == 3
  return 1.0f / sqrt(v);
#elif UNARY == 4
  return v * v;
#elif UNARY == 5
  return 1.0f / v;
#elif UNARY == 6
  return exp(v);
#elif UNARY == 7
  return log(v);
#elif UNARY == 8
  return floor(v);
#elif UNARY == 9
  return ceil(v);
#elif UNARY == 10
  return rint(v);
#elif UNARY == 11
  return select(sign(v), v, isnan(v));
#elif UNARY == 12
  return erf(v);
#elif UNARY == 13
  return sin(v);
#elif UNARY == 14
  return cos(v);
#elif UNARY == 16
  return tan(v);
#elif UNARY == 17
  return asin(v);
#elif UNARY == 18
  return acos(v);
#elif UNARY == 19
  return atan(v);
#elif UNARY == 20
  return sinh(v);
#elif UNARY == 21
  return cosh(v);
#elif UNARY == 22
  return asinh(v);
#elif UNARY == 23
  return acosh(v);
#elif UNARY == 24
  return atanh(v);
#elif UNARY == 25
  return expm1(v);
#elif UNARY == 26
  return log1p(v);
#endif
}

// UNARY: the number of UnaryAttrs::Type.
__kernel void unary(IN_TENSOR in, OUT_TENSOR out, int16 p) {
  POSITION();
  const float4 v = FLOAT4(Unary(VALUE4(READ4(in, TAIL, row, x, cb, p.s1, p.s2))));
  WRITE4(v, out, TAIL, row, x, cb, p.s1, p.s2);
}
#elif defined(BINARY)
// How an operand lies: 0 as the output, 1 one value for each channel, 2 one value, 3 by strides: of
// the output's dimensions, joined to six, p.s4..s8 are the inner five, s.s0..s5 the operand's strides
// along all, and q its W and C. The outer two are 1 without SIX.
float4 Operand(IN_TENSOR t, int mode, int row, int x, int pixel, int cb, int16 p, int8 s, int2 q) {
  if (mode == 0) return READ4(t, TAIL, row, x, cb, p.s1, p.s2);
  if (mode == 1) return READ4(t, TAIL, 0, 0, cb, 1, p.s2);
  if (mode == 2) return (float4)(READ1(t, 0, 1, 1));
  float v[4];
  UNROLL for (int k = 0; k < 4; ++k) {
    const int i = pixel * p.s2 + min(cb * 4 + k, p.s2 - 1);
    const int i4 = i / p.s8, i3 = i4 / p.s7, i2 = i3 / p.s6;
    int at = (i - i4 * p.s8) * s.s5 + (i4 - i3 * p.s7) * s.s4 + (i3 - i2 * p.s6) * s.s3;
#ifdef SIX
    const int i1 = i2 / p.s5, i0 = i1 / p.s4;
    at += (i2 - i1 * p.s5) * s.s2 + (i1 - i0 * p.s4) * s.s1 + i0 * s.s0;
#else
    at += i2 * s.s2;
#endif
    v[k] = READ1(t, at, q.s0, q.s1);
  }
  return (float4)(v[0], v[1], v[2], v[3]);
}

#if !defined(COEFFICIENTS) && (BINARY < 3 || BINARY == 4 || BINARY == 5 || BINARY == 7)
#define VALUE4 REAL4
typedef real4 value4;
#else
#define VALUE4
typedef float4 value4;
#endif
value4 Binary(value4 a, value4 b, float coefficient_a, float coefficient_b) {
#if BINARY == 0
#ifdef COEFFICIENTS
  return a * coefficient_a + b * coefficient_b;
#else
  return a + b;
#endif
#elif BINARY == 1
  return a - b;
#elif BINARY == 2
  return a * b;
#elif BINARY == 3
  return a / b;
#elif BINARY == 4
  return select(select(b, a, isless(a, b)), a, isnan(a));
#elif BINARY == 5
  return select(select(b, a, isgreater(a, b)), a, isnan(a));
#elif BINARY == 6
  return pow(a, b);
#elif BINARY == 7
  return (a - b) * (a - b);
#elif BINARY == 8
  return floor(a / b);
#elif BINARY == 9
  return a - floor(a / b) * b;
#elif BINARY == 20
  return atan2(a, b);
#endif
}

// BINARY: the number of EltwiseAttrs::Type. p: from 9 on strides of the first operand. q: W and C of
// either operand, coefficients, strides of the second, then the parameters of the activation.
__kernel void binary(IN_TENSOR first, IN_TENSOR second, OUT_TENSOR out, int16 p, int16 q) {
  POSITION();
  const int8 s = (int8)(p.s9abc, p.sdeee), t = (int8)(q.s6789, q.sabbb);
  const float4 a = Operand(first, MODE_A, row, x, pixel, cb, p, s, q.s01);
  const float4 b = Operand(second, MODE_B, row, x, pixel, cb, p, t, q.s23);
  const value4 r = Binary(VALUE4(a), VALUE4(b), as_float(q.s4), as_float(q.s5));
  const float4 v = Activate(FLOAT4(r), as_float(q.sc), as_float(q.sd));
  WRITE4(v, out, TAIL, row, x, cb, p.s1, p.s2);
}
#else
// An activation; with SLOPE one slope for each channel below 0, with SCALE v * scale + offset first.
__kernel void activation(IN_TENSOR in,
#if defined(SCALE) || defined(SLOPE)
                         __global const float4 *restrict scale,
#endif
#ifdef SCALE
                         __global const float4 *restrict offset,
#endif
                         OUT_TENSOR out, int16 p) {
  POSITION();
  float4 v = READ4(in, TAIL, row, x, cb, p.s1, p.s2);
#ifdef SLOPE
  v = select(v, v * scale[cb], isless(v, (float4)(0.0f)));
#endif
#ifdef SCALE
  v = mad(v, scale[cb], offset[cb]);
#endif
  v = Activate(v, as_float(p.se), as_float(p.sf));
  WRITE4(v, out, TAIL, row, x, cb, p.s1, p.s2);
}
#endif
