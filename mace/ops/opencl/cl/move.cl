// SPDX-License-Identifier: Apache-2.0
// Moves elements between dense tensors: out[i0..i5] = in[base + sum of i_d * stride_d]. Transpose,
// slices, space and depth, shuffled channels and repetition are all this. Buffers only.
// Gather takes a table of indices, see there.
// p: sizes of the output's dimensions 0..5, strides 0..5, base, number of elements of the output.
#include "tensor.h"

// Number of the input element for number i of the output.
int Source(int i, int16 p) {
  const int i4 = i / p.s5, i3 = i4 / p.s4, i2 = i3 / p.s3, i1 = i2 / p.s2, i0 = i1 / p.s1;
  return p.sc + i0 * p.s6 + (i1 - i0 * p.s1) * p.s7 + (i2 - i1 * p.s2) * p.s8 +
         (i3 - i2 * p.s3) * p.s9 + (i4 - i3 * p.s4) * p.sa + (i - i4 * p.s5) * p.sb;
}

#ifdef PAD
// Pads: q are the input's dimensions, then r what is in front of each (may be negative).
// MODE: 0 constant, 1 reflected without the border, 2 with it, 3 the border's value, 4 from the
// other end.
int Inside(int i, int n) {
#if MODE == 1
  const int period = max(2 * n - 2, 1);
  i %= period;
  if (i < 0) i += period;
  return i < n ? i : period - i;
#elif MODE == 2
  i %= 2 * n;
  if (i < 0) i += 2 * n;
  return i < n ? i : 2 * n - 1 - i;
#elif MODE == 3
  return clamp(i, 0, n - 1);
#elif MODE == 4
  i %= n;
  return i < 0 ? i + n : i;
#else
  return i < 0 || i >= n ? -1 : i;
#endif
}

__kernel void pad(IN_TENSOR in, OUT_TENSOR out, int8 p, int8 q, int8 r, float value) {
  const int i = get_global_id(0);
  if (i >= p.s6) return;
  const int i4 = i / p.s5, i3 = i4 / p.s4, i2 = i3 / p.s3, i1 = i2 / p.s2, i0 = i1 / p.s1;
  const int a = Inside(i0 - r.s0, q.s0), b = Inside(i1 - i0 * p.s1 - r.s1, q.s1);
  const int c = Inside(i2 - i1 * p.s2 - r.s2, q.s2), d = Inside(i3 - i2 * p.s3 - r.s3, q.s3);
  const int e = Inside(i4 - i3 * p.s4 - r.s4, q.s4), f = Inside(i - i4 * p.s5 - r.s5, q.s5);
  float v = value;
  if ((a | b | c | d | e | f) >= 0)
    v = LOAD1(in, ((((a * q.s1 + b) * q.s2 + c) * q.s3 + d) * q.s4 + e) * q.s5 + f);
  STORE1(v, out, i);
}
#elif defined(GATHER)
// out[outer][k][inner] = in[outer][index[k]][inner]; GATHER: elements a thread, 4 or 1.
// Global: elements of out / GATHER. p: elements of out, indices, inner, elements along the axis.
__kernel void gather(IN_TENSOR in, __global const float *restrict index, OUT_TENSOR out, int4 p) {
  const int i = get_global_id(0) * GATHER;
  if (i >= p.s0) return;
  const int slice = i / p.s2, outer = slice / p.s1, k = slice - outer * p.s1;
  const int from = (outer * p.s3 + (int)RANGE_AT(index, k)) * p.s2 + i - slice * p.s2;
#if GATHER == 4
  STORE4(LOAD4(in, from), out, i);
#else
  STORE1(LOAD1(in, from), out, i);
#endif
}
#else
// Four elements a thread; VEC: four that follow each other in both, all numbers multiples of four.
__kernel void move(IN_TENSOR in, OUT_TENSOR out, int16 p) {
  const int i = get_global_id(0) * 4;
  if (i >= p.sd) return;
#ifdef VEC
  STORE4(LOAD4(in, Source(i, p)), out, i);
#else
  const int last = p.sd - 1;
  const float4 v =
      (float4)(LOAD1(in, Source(i, p)), LOAD1(in, Source(min(i + 1, last), p)),
               LOAD1(in, Source(min(i + 2, last), p)), LOAD1(in, Source(min(i + 3, last), p)));
  StoreTail(v, out + i, p.sd - i);
#endif
}
#endif
