// SPDX-License-Identifier: Apache-2.0
// exp(x - max) / sum, or with LOG x - max - log(sum). p: rows of the tensor's pixels n_outer, count,
// inner (pixels), W, C: elements along the axis are `count` pixels, `inner` apart.
#include "group.h"
#include "tensor.h"

#ifdef CHANNELS
DEFINE_GROUP_REDUCTION(GroupMax, float, fmax)
DEFINE_GROUP_REDUCTION(GroupSum, float, GROUP_ADD)

// Over all channels of `count` pixels that follow each other: GROUP threads for each result.
// Global: (GROUP, outer).
__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1)))
void softmax(IN_TENSOR in, OUT_TENSOR out, int8 p) {
  __local float part[GROUP];
  const int me = get_local_id(0), outer = get_global_id(1), W = p.s3, C = p.s4;
  const int blocks = (C + 3) / 4, all = p.s1 * blocks, first = outer * p.s1;
  float top = -INFINITY;
  for (int i = me; i < all; i += GROUP) {
    const int cb = i % blocks, left = C - cb * 4;
    const float4 v = READ4P(in, TAIL, first + i / blocks, cb, W, C);
    top = fmax(top, v.x);
    if (left > 1) top = fmax(top, v.y);
    if (left > 2) top = fmax(top, v.z);
    if (left > 3) top = fmax(top, v.w);
  }
  top = GroupMax(top, part, me);
  float sum = 0.0f;
  for (int i = me; i < all; i += GROUP) {
    const int cb = i % blocks;
    const float4 v = KeepFirst(exp(READ4P(in, TAIL, first + i / blocks, cb, W, C) - top), C - cb * 4);
    sum += v.x + v.y + v.z + v.w;
  }
  sum = GroupSum(sum, part, me);
#ifdef LOG
  const float shift = top + log(sum);
#else
  const float scale = 1.0f / sum;
#endif
  for (int i = me; i < all; i += GROUP) {
    const int cb = i % blocks, pixel = first + i / blocks;
    const float4 v = READ4P(in, TAIL, pixel, cb, W, C);
#ifdef LOG
    WRITE4P(v - shift, out, TAIL, pixel, cb, W, C);
#else
    WRITE4P(exp(v - top) * scale, out, TAIL, pixel, cb, W, C);
#endif
  }
}
#else
// Over pixels: each channel by itself, one thread a block. Global: (blocks, inner, outer).
__kernel void softmax_pixels(IN_TENSOR in, OUT_TENSOR out, int8 p) {
  const int cb = get_global_id(0), i = get_global_id(1), outer = get_global_id(2);
  const int count = p.s1, inner = p.s2, W = p.s3, C = p.s4;
  if (cb * 4 >= C || i >= inner || outer >= p.s0) return;
  const int first = outer * count * inner + i;
  float4 top = -INFINITY, sum = 0.0f;
  for (int k = 0; k < count; ++k) top = fmax(top, READ4P(in, TAIL, first + k * inner, cb, W, C));
  for (int k = 0; k < count; ++k) sum += exp(READ4P(in, TAIL, first + k * inner, cb, W, C) - top);
#ifdef LOG
  const float4 shift = top + log(sum);
#else
  const float4 scale = 1.0f / sum;
#endif
  for (int k = 0; k < count; ++k) {
    const float4 v = READ4P(in, TAIL, first + k * inner, cb, W, C);
#ifdef LOG
    WRITE4P(v - shift, out, TAIL, first + k * inner, cb, W, C);
#else
    WRITE4P(exp(v - top) * scale, out, TAIL, first + k * inner, cb, W, C);
#endif
  }
}
#endif
