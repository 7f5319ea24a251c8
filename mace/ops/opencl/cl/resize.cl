// SPDX-License-Identifier: Apache-2.0
// Resizes images; one thread a pixel of a block of four channels. For each output row and column a
// table has as many pairs (input row or column, weight) as there are taps. p: output rows (N*OH),
// OH, OW, C, IH, IW, taps of a row and of a column. Global as in depthwise.cl.
#include "tensor.h"

__kernel void resize(IN_TENSOR in, OUT_TENSOR out, __global const float2 *restrict row_table,
                     __global const float2 *restrict column_table, int8 p) {
#ifdef IMG
  const int ox = get_global_id(0), cb = get_global_id(1);
#else
  const int ox = get_global_id(1), cb = get_global_id(0);
#endif
  const int row = get_global_id(2), OW = p.s2, C = p.s3;
  if (cb * 4 >= C || ox >= OW || row >= p.s0) return;
  const int image = row / p.s1, oy = row - image * p.s1;
  float4 v = 0.0f;
  for (int i = 0; i < p.s6; ++i) {
    const float2 y = row_table[oy * p.s6 + i];
    const int iy = image * p.s4 + (int)y.x;
    float4 sum = 0.0f;
    for (int j = 0; j < p.s7; ++j) {
      const float2 x = column_table[ox * p.s7 + j];
      sum = mad(READ4(in, TAIL, iy, (int)x.x, cb, p.s5, C), (float4)(x.y), sum);
    }
    v = mad(sum, (float4)(y.y), v);
  }
  WRITE4(v, out, TAIL, row, ox, cb, OW, C);
}
