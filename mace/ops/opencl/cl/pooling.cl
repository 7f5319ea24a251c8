// SPDX-License-Identifier: Apache-2.0
// Largest element (MAX) or mean of each window; one thread a pixel of a block of four channels.
// COUNT: what a mean divides by: 0 elements inside the input, 1 those inside the padded input,
// 2 all of the window. p: output rows, OH, OW, C, IH, IW, padding bottom, KH, KW, strides, padding
// top and left, dilations, padding right. q: channels of the tensor that the output is a part of, and
// its first block. Global as in depthwise.
#include "tensor.h"

__kernel void pooling(IN_TENSOR in, OUT_TENSOR out, int16 p, int2 q) {
#ifdef IMG
  const int ox = get_global_id(0), cb = get_global_id(1);
#else
  const int ox = get_global_id(1), cb = get_global_id(0);
#endif
  const int row = get_global_id(2), OW = p.s2, C = p.s3, IH = p.s4, IW = p.s5;
  if (cb >= (C + 3) / 4 || ox >= OW || row >= p.s0) return;
  const int image = row / p.s1, oy = row - image * p.s1;
  const int y0 = oy * p.s9 - p.sb, x0 = ox * p.sa - p.sc;
#ifdef MAX
  float4 v = -INFINITY;
#else
  float4 v = 0.0f;
#endif
  int inside = 0, padded = 0;
  for (int kh = 0; kh < p.s7; ++kh) {
    const int y = y0 + kh * p.sd;
    const bool y_padded = y < IH + p.s6;
    for (int kw = 0; kw < p.s8; ++kw) {
      const int x = x0 + kw * p.se;
      padded += y_padded && x < IW + p.sf;
      if (y < 0 || y >= IH || x < 0 || x >= IW) continue;
      const float4 a = READ4(in, TAIL, image * IH + y, x, cb, IW, C);
#ifdef MAX
      v = select(v, a, isgreater(a, v) | isnan(a));
#else
      v += a;
#endif
      ++inside;
    }
  }
#ifndef MAX
  const int n = COUNT == 0 ? inside : COUNT == 1 ? padded : p.s7 * p.s8;
  v = n > 0 ? v / (float)n : (float4)(0.0f);
#endif
  WRITE4(v, out, TAIL, row, ox, cb + q.s1, OW, q.s0);
}
