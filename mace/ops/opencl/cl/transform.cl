// SPDX-License-Identifier: Apache-2.0
// Border of the GPU: moves a tensor between a dense NHWC buffer and an image (see launch.h for its
// layout), and between float and half. One work-item a texel: x = channel block * W + w,
// y = n * H + h; or one element of a buffer.
#include "common.h"

// shape: W, C, W * ceil(C / 4), N * H.
__kernel void buffer_to_image(__global const BUFFER_TYPE *in, __write_only image2d_t out,
                              __constant int *shape) {
  const int x = get_global_id(0), y = get_global_id(1);
  if (x >= shape[2] || y >= shape[3]) return;
  const int c = x / shape[0] * 4, w = x % shape[0];
  const int at = (y * shape[0] + w) * shape[1] + c;
  float4 v = (float4)(0);
  v.x = LOAD_ELEMENT(in, at);
  if (c + 1 < shape[1]) v.y = LOAD_ELEMENT(in, at + 1);
  if (c + 2 < shape[1]) v.z = LOAD_ELEMENT(in, at + 2);
  if (c + 3 < shape[1]) v.w = LOAD_ELEMENT(in, at + 3);
  WRITE_TEXEL(out, (int2)(x, y), v);
}

__kernel void image_to_buffer(__read_only image2d_t in, __global BUFFER_TYPE *out,
                              __constant int *shape) {
  const int x = get_global_id(0), y = get_global_id(1);
  if (x >= shape[2] || y >= shape[3]) return;
  const int c = x / shape[0] * 4, w = x % shape[0];
  const int at = (y * shape[0] + w) * shape[1] + c;
  const float4 v = READ_TEXEL(in, (int2)(x, y));
  STORE_ELEMENT(v.x, out, at);
  if (c + 1 < shape[1]) STORE_ELEMENT(v.y, out, at + 1);
  if (c + 2 < shape[1]) STORE_ELEMENT(v.z, out, at + 2);
  if (c + 3 < shape[1]) STORE_ELEMENT(v.w, out, at + 3);
}

__kernel void float_to_half(__global const float *in, __global half *out, int n) {
  const int i = get_global_id(0);
  if (i < n) vstore_half(in[i], i, out);
}

__kernel void half_to_float(__global const half *in, __global float *out, int n) {
  const int i = get_global_id(0);
  if (i < n) out[i] = vload_half(i, in);
}
