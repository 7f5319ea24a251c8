// SPDX-License-Identifier: Apache-2.0
// Transposed convolution; one thread gathers a pixel of a block of four output channels: input pixel
// i meets tap k at output i * stride - padding + k * dilation. Weights as for conv_direct.cl, or
// [KH * KW][channels] with DEPTHWISE. p, q: see conv_direct.cl. Global as in depthwise.cl.
#include "tensor.h"

__kernel void deconv(IN_TENSOR in, WEIGHTS w, __global const float4 *restrict bias, OUT_TENSOR out,
                     int16 p, int4 q) {
#ifdef IMG
  const int ox = get_global_id(0), ocb = get_global_id(1);
#else
  const int ox = get_global_id(1), ocb = get_global_id(0);
#endif
  const int row = get_global_id(2), OW = p.s2, OC = p.s3, IH = p.s4, IW = p.s5, IC = p.s6;
  const int blocks = (OC + 3) / 4;
  if (ocb >= blocks || ox >= OW || row >= p.s0) return;
  const int image = row / p.s1, oy = row - image * p.s1;
  const int first_cb = min(ocb * 4 / q.s1 * q.s3 / 4, (IC + 3) / 4 - q.s0);
  DEFINE_SUMS(acc, 1)
  for (int kh = 0; kh < p.s7; ++kh) {
    const int y = oy + p.sb - kh * p.sd, iy = y / p.s9;
    if (y < 0 || iy * p.s9 != y || iy >= IH) continue;
    for (int kw = 0; kw < p.s8; ++kw) {
      const int x = ox + p.sc - kw * p.se, ix = x / p.sa;
      if (x < 0 || ix * p.sa != x || ix >= IW) continue;
      const int tap = kh * p.s8 + kw, iy_all = image * IH + iy;
#ifdef DEPTHWISE
      const real4 a = READ_REAL4(in, IN_TAIL, iy_all, ix, ocb, IW, IC);
      acc[0] = mad(a, WEIGHT4(w, tap, ocb, blocks), acc[0]);
#else
      for (int cb = 0; cb < q.s0; ++cb) {
        const real4 a = READ_REAL4(in, IN_TAIL, iy_all, ix, first_cb + cb, IW, IC);
        const int k = (tap * q.s0 + cb) * 4;
        acc[0] = mad((real4)(a.x), WEIGHT4(w, k, ocb, blocks), acc[0]);
        acc[0] = mad((real4)(a.y), WEIGHT4(w, k + 1, ocb, blocks), acc[0]);
        acc[0] = mad((real4)(a.z), WEIGHT4(w, k + 2, ocb, blocks), acc[0]);
        acc[0] = mad((real4)(a.w), WEIGHT4(w, k + 3, ocb, blocks), acc[0]);
        if ((cb & 3) == 3) {
          CARRY(acc, 1)
        }
      }
#endif
      CARRY(acc, 1)
    }
  }
  const float4 v = TOTAL(acc, 0) + bias[ocb];
  WRITE4(Activate(v, as_float(p.sf), as_float(q.s2)), out, OUT_TAIL, row, ox, ocb, OW, OC);
}
