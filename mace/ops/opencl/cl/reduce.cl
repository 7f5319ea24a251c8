// SPDX-License-Identifier: Apache-2.0
// Reductions over axes that follow each other. REDUCTION: 0 mean, 1 sum, 2 least, 3 largest,
// 4 product, 5 sum of squares, 6 of magnitudes, 7 root of the sum of squares, 8 mean of the squared
// differences to `centre`, which has the results' pixels. Tensors: see tensor.h.
// p: outer, count, inner (pixels), W, C of the input, W, C of the output, W of the centre.
#include "group.h"
#include "tensor.h"

#if REDUCTION == 2
#define INIT INFINITY
#define JOIN(a, b) fmin((a), (b))
#elif REDUCTION == 3
#define INIT -INFINITY
#define JOIN(a, b) fmax((a), (b))
#elif REDUCTION == 4
#define INIT 1.0f
#define JOIN(a, b) ((a) * (b))
#else
#define INIT 0.0f
#define JOIN(a, b) ((a) + (b))
#endif
#if REDUCTION == 5 || REDUCTION == 7 || REDUCTION == 8
#define STEP(r, v) ((r) + (v) * (v))
#elif REDUCTION == 6
#define STEP(r, v) ((r) + fabs(v))
#else
#define STEP(r, v) JOIN(r, v)
#endif
#if REDUCTION == 8
#define CENTRE , IN_TENSOR centre
#define LESS(v, c) ((v) - (c))
#else
#define CENTRE
#define LESS(v, c) (v)
#endif
#if REDUCTION == 0 || REDUCTION == 8
#define FINISH(r, n) ((r) / (n))
#elif REDUCTION == 7
#define FINISH(r, n) sqrt(r)
#else
#define FINISH(r, n) (r)
#endif

#ifdef CHANNELS
DEFINE_GROUP_REDUCTION(GroupJoin, float, JOIN)

// Over all channels of `count` pixels that follow each other: one number, by GROUP threads.
// Global: (GROUP, outer). With KEEP the output has one channel, else it lies in a buffer.
__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1)))
void reduce_channels(IN_TENSOR in, OUT_TENSOR out, int8 p CENTRE) {
  __local float part[GROUP];
  const int me = get_local_id(0), outer = get_global_id(1), W = p.s3, C = p.s4;
  const int blocks = (C + 3) / 4, all = p.s1 * blocks, first = outer * p.s1;
#if REDUCTION == 8
  const float middle = READ4P(centre, 1, outer, 0, p.s7, 1).x;
#endif
  float r = INIT;
  for (int i = me; i < all; i += GROUP) {
    const int cb = i % blocks, left = C - cb * 4;
    const float4 v = LESS(READ4P(in, TAIL, first + i / blocks, cb, W, C), middle);
    r = STEP(r, v.x);
    if (left > 1) r = STEP(r, v.y);
    if (left > 2) r = STEP(r, v.z);
    if (left > 3) r = STEP(r, v.w);
  }
  r = GroupJoin(r, part, me);
  if (me == 0) {
    const float4 v = (float4)(FINISH(r, (float)(p.s1 * C)), 0.0f, 0.0f, 0.0f);
    WRITE4P(v, out, 1, outer, 0, p.s5, 1);
  }
}
#else
// Over pixels: each channel by itself. LX blocks x KS threads a work-group; KS threads share the
// pixels of a result. Global: (blocks, KS, outer * inner).
__kernel __attribute__((reqd_work_group_size(LX, KS, 1)))
void reduce_pixels(IN_TENSOR in, OUT_TENSOR out, int8 p CENTRE) {
  __local float4 part[KS][LX];
  const int lx = get_local_id(0), ks = get_local_id(1), result = get_global_id(2);
  const int cb = get_global_id(0), count = p.s1, inner = p.s2, C = p.s4;
  const int outer = result / inner, first = outer * count * inner + result - outer * inner;
  const int block = min(cb, (C + 3) / 4 - 1);
#if REDUCTION == 8
  const float4 middle = READ4P(centre, TAIL, result, block, p.s7, C);
#endif
  float4 r = INIT;
  for (int k = ks; k < count; k += KS) {
    const float4 v = LESS(READ4P(in, TAIL, first + k * inner, block, p.s3, C), middle);
    r = STEP(r, v);
  }
  part[ks][lx] = r;
  for (int n = KS / 2; n > 0; n >>= 1) {
    barrier(CLK_LOCAL_MEM_FENCE);
    if (ks < n) part[ks][lx] = JOIN(part[ks][lx], part[ks + n][lx]);
  }
  if (ks == 0 && cb * 4 < C) {
    const float4 v = FINISH(part[0][lx], (float)count);
    WRITE4P(v, out, TAIL, result, cb, p.s5, C);
  }
}
#endif
