// SPDX-License-Identifier: Apache-2.0
// Depthwise convolution: one thread computes TW neighbouring pixels of a block of four channels, and
// keeps the row of inputs they share in registers when KW is known (K3: 3x3 and no dilation, with
// the stride SX along x). Weights: [KH * KW][channels]. p, q: see conv_direct; multiplier 1.
// Global: buffers (blocks, pixels of a row / TW, rows), images (pixels of a row / TW, blocks, rows):
// the first index is the one that lies together in memory.
#include "tensor.h"

__kernel void depthwise(IN_TENSOR in, WEIGHTS w, __global const float4 *restrict bias,
                        OUT_TENSOR out, int16 p, int4 q) {
#ifdef IMG
  const int ox = get_global_id(0) * TW, cb = get_global_id(1);
#else
  const int ox = get_global_id(1) * TW, cb = get_global_id(0);
#endif
  const int row = get_global_id(2), OW = p.s2, OC = p.s3, IH = p.s4, IW = p.s5;
  const int blocks = (OC + 3) / 4;
  if (cb >= blocks || ox >= OW || row >= p.s0) return;
  const int image = row / p.s1, oy = row - image * p.s1;
  real4 acc[TW];
  UNROLL for (int t = 0; t < TW; ++t) acc[t] = REAL4(bias[cb]);
#ifdef K3
#define SPAN ((TW - 1) * SX + 3)
  UNROLL for (int kh = 0; kh < 3; ++kh) {
    const int y = oy * p.s9 - p.sb + kh;
    const bool y_ok = y >= 0 && y < IH;
    real4 a[SPAN];
    UNROLL for (int i = 0; i < SPAN; ++i) {
      const int x = ox * SX - p.sc + i;
      a[i] = READ_REAL4_IF(y_ok && x >= 0 && x < IW, in, OUT_TAIL, image * IH + y, x, cb, IW, OC);
    }
    UNROLL for (int kw = 0; kw < 3; ++kw) {
      const real4 k = WEIGHT4(w, kh * 3 + kw, cb, blocks);
      UNROLL for (int t = 0; t < TW; ++t) acc[t] = mad(a[t * SX + kw], k, acc[t]);
    }
  }
#else
  for (int kh = 0; kh < p.s7; ++kh) {
    const int y = oy * p.s9 - p.sb + kh * p.sd;
    if (y < 0 || y >= IH) continue;
    for (int kw = 0; kw < p.s8; ++kw) {
      const real4 k = WEIGHT4(w, kh * p.s8 + kw, cb, blocks);
      UNROLL for (int t = 0; t < TW; ++t) {
        const int x = (ox + t) * p.sa - p.sc + kw * p.se;
        acc[t] = mad(READ_REAL4_IF(x >= 0 && x < IW, in, OUT_TAIL, image * IH + y, x, cb, IW, OC), k,
                     acc[t]);
      }
    }
  }
#endif
  UNROLL for (int t = 0; t < TW; ++t) {
    if (ox + t < OW) {
      const float4 v = Activate(FLOAT4(acc[t]), as_float(p.sf), as_float(q.s2));
      WRITE4(v, out, OUT_TAIL, row, ox + t, cb, OW, OC);
    }
  }
}

#ifdef MULTIPLIER
// Any number of filters for each channel: four results, each with an input channel of its own.
// q: channels of the input, filters of each.
__kernel void depthwise_multiplied(IN_TENSOR in, WEIGHTS w, __global const float4 *restrict bias,
                                   OUT_TENSOR out, int16 p, int4 q) {
  const int cb = get_global_id(0), ox = get_global_id(1), row = get_global_id(2);
  const int OW = p.s2, OC = p.s3, IH = p.s4, IW = p.s5, IC = p.s6, blocks = (OC + 3) / 4;
  if (cb >= blocks || ox >= OW || row >= p.s0) return;
  const int image = row / p.s1, oy = row - image * p.s1;
  int c[4];
  UNROLL for (int i = 0; i < 4; ++i) c[i] = min(cb * 4 + i, OC - 1) / q.s1;
  real4 acc = REAL4(bias[cb]);
  for (int kh = 0; kh < p.s7; ++kh) {
    const int y = oy * p.s9 - p.sb + kh * p.sd;
    if (y < 0 || y >= IH) continue;
    for (int kw = 0; kw < p.s8; ++kw) {
      const int x = ox * p.sa - p.sc + kw * p.se;
      if (x < 0 || x >= IW) continue;
      const int at = ((image * IH + y) * IW + x) * IC;
      const float4 a = (float4)(READ1(in, at + c[0], IW, IC), READ1(in, at + c[1], IW, IC),
                                READ1(in, at + c[2], IW, IC), READ1(in, at + c[3], IW, IC));
      acc = mad(REAL4(a), WEIGHT4(w, kh * p.s8 + kw, cb, blocks), acc);
    }
  }
  WRITE4(Activate(FLOAT4(acc), as_float(p.sf), as_float(q.s2)), out, OUT_TAIL, row, ox, cb, OW, OC);
}
#endif
