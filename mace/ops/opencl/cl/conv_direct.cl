// SPDX-License-Identifier: Apache-2.0
// Convolution straight from the tensor: one thread computes TW neighbouring pixels of TC blocks of
// four output channels. LX x LY x KS threads a work-group: KS > 1 shares the input channels of a
// result among KS threads, whose sums meet in local memory; without that, small images leave large
// GPUs idle. Global: output blocks / TC, pixels / TW, KS.
// Weights: a matrix [KH * KW * input blocks of a group * 4][output channels], zeros where it was
// padded, and between channels of groups that share a block. ONE: 1x1 with stride 1 and no padding.
// IN_TAIL, OUT_TAIL: see tensor.h.
// p: output rows (N*OH), OH, OW, OC, IH, IW, IC, KH, KW, strides, padding top and left, dilations,
//    first activation parameter. q: input blocks to read, output channels of a group, second
//    parameter, input channels of a group; output and input may be parts of the channels of larger
//    tensors: channels of such, first block of the own (output, then input).
#include "tensor.h"

#define NACC (TC * TW)

__kernel __attribute__((reqd_work_group_size(LX, LY, KS)))
void conv_direct(IN_TENSOR in, WEIGHTS w, __global const float4 *restrict bias,
#ifdef RESIDUAL
                 IN_TENSOR residual,
#endif
                 OUT_TENSOR out, int16 p, int8 q SECOND_OUTPUT) {
  const int OW = p.s2, OC = p.s3, IH = p.s4, IW = p.s5, IC = q.s6;
  const int icb = q.s0, ocb_all = (OC + 3) / 4;
  const int oc_threads = (ocb_all + TC - 1) / TC, x_threads = (OW + TW - 1) / TW;
  // Threads beyond the end work on the last block, and write nothing: all meet at the barriers.
  const int oc_thread = min((int)get_global_id(0), oc_threads - 1);
  const int pixel_thread = min((int)get_global_id(1), x_threads * p.s0 - 1);
  const bool valid = get_global_id(0) < oc_threads && get_global_id(1) < x_threads * p.s0;
  const int row = pixel_thread / x_threads, ox = (pixel_thread - row * x_threads) * TW;
  const int ks = get_local_id(2);

  int ocb[TC];
  UNROLL for (int c = 0; c < TC; ++c) ocb[c] = min(oc_thread + c * oc_threads, ocb_all - 1);
#ifdef GROUPS  // TC is 1
  const int first_cb = min(ocb[0] * 4 / q.s1 * q.s3 / 4, (p.s6 + 3) / 4 - icb) + q.s7;
#else
  const int first_cb = q.s7;
#endif
  DEFINE_SUMS(acc, NACC)
  int few = 0;  // blocks of four products since the last CARRY

#ifdef ONE
  {
    const int iy = row, k0 = 0;
    int ix[TW];
    UNROLL for (int t = 0; t < TW; ++t) ix[t] = min(ox + t, OW - 1);
#define INPUT(t, cb) READ_REAL4(in, IN_TAIL, iy, ix[t], first_cb + (cb), IW, IC)
#else
  const int image = row / p.s1, oy = row - image * p.s1;
  for (int tap = 0; tap < p.s7 * p.s8; ++tap) {
    const int kh = tap / p.s8, kw = tap - kh * p.s8, k0 = tap * icb * 4;
    const int y = oy * p.s9 - p.sb + kh * p.sd, iy = image * IH + y;
    const bool y_ok = y >= 0 && y < IH;
    int ix[TW];
    UNROLL for (int t = 0; t < TW; ++t) {
      ix[t] = (ox + t) * p.sa - p.sc + kw * p.se;
      if (!y_ok || ix[t] >= IW) ix[t] = -1;
    }
#define INPUT(t, cb) READ_REAL4_IF(ix[t] >= 0, in, IN_TAIL, iy, ix[t], first_cb + (cb), IW, IC)
#endif
    for (int cb = ks; cb < icb; cb += KS) {
      real4 a[TW];
      UNROLL for (int t = 0; t < TW; ++t) a[t] = INPUT(t, cb);
      const int k = k0 + cb * 4;
      UNROLL for (int c = 0; c < TC; ++c) {
        const real4 w0 = WEIGHT4(w, k, ocb[c], ocb_all), w1 = WEIGHT4(w, k + 1, ocb[c], ocb_all);
        const real4 w2 = WEIGHT4(w, k + 2, ocb[c], ocb_all), w3 = WEIGHT4(w, k + 3, ocb[c], ocb_all);
        UNROLL for (int t = 0; t < TW; ++t) {
          real4 s = acc[c * TW + t];
          s = mad((real4)(a[t].x), w0, s);
          s = mad((real4)(a[t].y), w1, s);
          s = mad((real4)(a[t].z), w2, s);
          acc[c * TW + t] = mad((real4)(a[t].w), w3, s);
        }
      }
      if ((++few & 3) == 0) {
        CARRY(acc, NACC)
      }
    }
  }
  CARRY(acc, NACC)

#if KS > 1
  __local float4 part[KS][LX * LY];
  const int me = get_local_id(1) * LX + get_local_id(0);
  UNROLL for (int i = 0; i < NACC; ++i) {
    part[ks][me] = TOTAL(acc, i);
    barrier(CLK_LOCAL_MEM_FENCE);
    if (ks == i % KS) {
      float4 s = part[0][me];
      for (int j = 1; j < KS; ++j) s += part[j][me];
      TOTAL(acc, i) = s;
    }
    barrier(CLK_LOCAL_MEM_FENCE);
  }
#endif
  UNROLL for (int c = 0; c < TC; ++c) {
    const int block = oc_thread + c * oc_threads;
    UNROLL for (int t = 0; t < TW; ++t) {
      if (valid && block < ocb_all && ks == (c * TW + t) % KS && ox + t < OW) {
        float4 v = TOTAL(acc, c * TW + t) + bias[block];
#ifdef RESIDUAL
        v += READ4(residual, OUT_TAIL, row, ox + t, block, OW, OC);
#endif
        v = ACTIVATE(v, block, as_float(p.sf), as_float(q.s2));
        if (IN_FIRST(block)) WRITE4(v, out, OUT_TAIL, row, ox + t, block + q.s5, OW, q.s4);
        ELSE_SECOND(v, row, ox + t, block, OW)
      }
    }
  }
}
