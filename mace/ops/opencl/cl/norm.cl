// SPDX-License-Identifier: Apache-2.0
// Normalizations. layer_norm and l2_normalize: over all channels of `count` pixels that follow each
// other, GROUP threads for each; global: (GROUP, outer). p: outer, count, W of scale and offset, W, C,
// epsilon. local_response_norm (LRN): one thread a block of four channels of a pixel; global: (blocks,
// pixels); p: pixels, W, C, radius, bias, alpha, beta.
#include "group.h"
#include "tensor.h"

#ifdef LRN
__kernel void local_response_norm(IN_TENSOR in, OUT_TENSOR out, int8 p) {
  const int cb = get_global_id(0), pixel = get_global_id(1), W = p.s1, C = p.s2, radius = p.s3;
  if (cb * 4 >= C || pixel >= p.s0) return;
  const int c = cb * 4, last = min(C - 1, c + 3 + radius) / 4;
  float4 sum = 0.0f;
  for (int b = max(0, c - radius) / 4; b <= last; ++b) {
    const float4 v = READ4P(in, TAIL, pixel, b, W, C);
    const float4 square = v * v;
    // Distances of the block's channels to the first of this one.
    const int far = b * 4 - c;
    const int4 d = (int4)(far, far + 1, far + 2, far + 3);
    const int4 low = (int4)(-radius), high = (int4)(radius);
#define IN_WINDOW(k) dot(square, select((float4)(0.0f), (float4)(1.0f), (d - k >= low) & (d - k <= high)))
    sum += (float4)(IN_WINDOW(0), IN_WINDOW(1), IN_WINDOW(2), IN_WINDOW(3));
  }
  const float4 v = READ4P(in, TAIL, pixel, cb, W, C);
  const float4 base = as_float(p.s4) + as_float(p.s5) * sum;
  WRITE4P(v * pow(base, (float4)(-as_float(p.s6))), out, TAIL, pixel, cb, W, C);
}
#else
DEFINE_GROUP_REDUCTION(GroupSum, float, GROUP_ADD)

float Sum4(float4 v) { return v.x + v.y + v.z + v.w; }

__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1)))
void layer_norm(IN_TENSOR in,
#ifdef SCALE
                IN_TENSOR scale,
#endif
#ifdef OFFSET
                IN_TENSOR offset,
#endif
                OUT_TENSOR out, int8 p) {
  __local float part[GROUP];
  const int me = get_local_id(0), outer = get_global_id(1), W = p.s3, C = p.s4;
  const int blocks = (C + 3) / 4, all = p.s1 * blocks, first = outer * p.s1;
  const float n = (float)(p.s1 * C);
  float sum = 0.0f;
  for (int i = me; i < all; i += GROUP) {
    const int cb = i % blocks;
    sum += Sum4(KeepFirst(READ4P(in, TAIL, first + i / blocks, cb, W, C), C - cb * 4));
  }
  const float mean = GroupSum(sum, part, me) / n;
  sum = 0.0f;
  for (int i = me; i < all; i += GROUP) {
    const int cb = i % blocks;
    const float4 d = KeepFirst(READ4P(in, TAIL, first + i / blocks, cb, W, C) - mean, C - cb * 4);
    sum += Sum4(d * d);
  }
  const float factor = 1.0f / sqrt(GroupSum(sum, part, me) / n + as_float(p.s5));
  for (int i = me; i < all; i += GROUP) {
    const int cb = i % blocks, pixel = i / blocks;
    float4 v = (READ4P(in, TAIL, first + pixel, cb, W, C) - mean) * factor;
#ifdef SCALE
    v *= READ4P(scale, TAIL, pixel, cb, p.s2, C);
#endif
#ifdef OFFSET
    v += READ4P(offset, TAIL, pixel, cb, p.s2, C);
#endif
    WRITE4P(v, out, TAIL, first + pixel, cb, W, C);
  }
}

#ifdef ONE_SCALE
__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1)))
void l2_normalize(IN_TENSOR in, IN_TENSOR scale, OUT_TENSOR out, int8 p) {
  __local float part[GROUP];
  const int me = get_local_id(0), outer = get_global_id(1), W = p.s3, C = p.s4;
  const int blocks = (C + 3) / 4, all = p.s1 * blocks, first = outer * p.s1;
  float sum = 0.0f;
  for (int i = me; i < all; i += GROUP) {
    const int cb = i % blocks;
    const float4 v = KeepFirst(READ4P(in, TAIL, first + i / blocks, cb, W, C), C - cb * 4);
    sum += Sum4(v * v);
  }
  const float factor = 1.0f / sqrt(GroupSum(sum, part, me) + as_float(p.s5));
  for (int i = me; i < all; i += GROUP) {
    const int cb = i % blocks, pixel = first + i / blocks;
#if ONE_SCALE
    const float4 s = (float4)(READ1(scale, 0, 1, 1));
#else
    const float4 s = READ4P(scale, TAIL, 0, cb, 1, C);
#endif
    WRITE4P(READ4P(in, TAIL, pixel, cb, W, C) * factor * s, out, TAIL, pixel, cb, W, C);
  }
}
#endif
#endif
