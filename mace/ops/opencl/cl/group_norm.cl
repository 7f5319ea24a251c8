// SPDX-License-Identifier: Apache-2.0
// GroupNorm in three kernels: mean and variance of each channel, by GROUP threads a block of four
// channels, global (GROUP, blocks, images); of them what each channel is normalized by, one thread a
// block, global (blocks, images); and that done, one thread a block of a pixel, global (blocks,
// pixels). p: images, pixels of each, W, C, channels of a group, epsilon, W and C of the scale, and of
// the offset. moments: mean and variance of each block; factors: mean, scale, offset of each.
#include "group.h"
#include "tensor.h"

#ifdef MOMENTS
DEFINE_GROUP_REDUCTION(GroupSum, float4, GROUP_ADD)

__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1)))
void channel_moments(IN_TENSOR in, __global float4 *restrict moments, int16 p) {
  __local float4 part[GROUP];
  const int me = get_local_id(0), cb = get_global_id(1), image = get_global_id(2);
  const int pixels = p.s1, C = p.s3, blocks = (C + 3) / 4, first = image * pixels;
  float4 sum = 0.0f;
  for (int i = me; i < pixels; i += GROUP) sum += READ4P(in, TAIL, first + i, cb, p.s2, C);
  const float4 mean = GroupSum(sum, part, me) / (float)pixels;
  sum = 0.0f;
  for (int i = me; i < pixels; i += GROUP) {
    const float4 d = READ4P(in, TAIL, first + i, cb, p.s2, C) - mean;
    sum += d * d;
  }
  const float4 variance = GroupSum(sum, part, me) / (float)pixels;
  if (me == 0) {
    moments[(image * blocks + cb) * 2] = mean;
    moments[(image * blocks + cb) * 2 + 1] = variance;
  }
}
#elif defined(FACTORS)
__kernel void channel_factors(__global const float *restrict moments,
#ifdef SCALE
                              IN_TENSOR scale,
#endif
#ifdef OFFSET
                              IN_TENSOR offset,
#endif
                              __global float4 *restrict factors, int16 p) {
  const int cb = get_global_id(0), image = get_global_id(1), C = p.s3, blocks = (C + 3) / 4;
  if (cb >= blocks || image >= p.s0) return;
  float mean[4], factor[4], addend[4];
  for (int k = 0; k < 4; ++k) {
    const int c = min(cb * 4 + k, C - 1), begin = c / p.s4 * p.s4;
    float sum = 0.0f, squares = 0.0f;
    for (int i = begin; i < begin + p.s4; ++i) {
      sum += moments[(image * blocks + i / 4) * 8 + i % 4];
    }
    sum /= (float)p.s4;
    for (int i = begin; i < begin + p.s4; ++i) {
      const int at = (image * blocks + i / 4) * 8 + i % 4;
      const float d = moments[at] - sum;
      squares += moments[at + 4] + d * d;
    }
    mean[k] = sum;
    factor[k] = 1.0f / sqrt(squares / (float)p.s4 + as_float(p.s5));
    addend[k] = 0.0f;
#ifdef SCALE
    factor[k] *= READ1(scale, c, p.s6, p.s7);
#endif
#ifdef OFFSET
    addend[k] = READ1(offset, c, p.s8, p.s9);
#endif
  }
  const int at = (image * blocks + cb) * 3;
  factors[at] = (float4)(mean[0], mean[1], mean[2], mean[3]);
  factors[at + 1] = (float4)(factor[0], factor[1], factor[2], factor[3]);
  factors[at + 2] = (float4)(addend[0], addend[1], addend[2], addend[3]);
}
#else
__kernel void group_norm(IN_TENSOR in, __global const float4 *restrict factors, OUT_TENSOR out,
                         int16 p) {
  const int cb = get_global_id(0), pixel = get_global_id(1), C = p.s3, blocks = (C + 3) / 4;
  if (cb >= blocks || pixel >= p.s0 * p.s1) return;
  const int at = (pixel / p.s1 * blocks + cb) * 3;
  const float4 v = READ4P(in, TAIL, pixel, cb, p.s2, C);
  WRITE4P((v - factors[at]) * factors[at + 1] + factors[at + 2], out, TAIL, pixel, cb, p.s2, C);
}
#endif
