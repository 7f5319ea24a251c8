// SPDX-License-Identifier: Apache-2.0
// Convolution of halves by NVIDIA's matrix units, through PTX: products of halves are exact, sums are
// float. A warp (dimension 0) computes 16 * MT pixels x 32 channels; NW warps of a work-group lie along
// the channels, KS warps share K and meet in local memory. Global: 32, NW * groups along the channels,
// KS * groups along the pixels.
// A lane (g = lane / 4, t = lane % 4) reads KV neighbouring channels of the pixels g, g + 8, ..: of a
// step's 4 * KV channels those from KV * t on. Which channels meet in one instruction is free, as long
// as weights lie alike, so no lane needs what another has read.
// Weights: halves in the order of the lanes' registers, see MmaFilter in convolution_mma.cc.
// ONE: 1x1, stride 1, no padding. p, q: see conv_direct, but q.s0 counts vectors of KV channels.
#include "tensor.h"

#define ROWS (2 * MT)
#define REGISTERS (KV / 2)  // of 128 bits, for the weights of a step
#if KV == 8
#define VECTOR uint4
#define FIRST(v) (v).lo
#else
#define VECTOR uint2
#define FIRST(v) (v)
#endif

// c: 16 x 8 floats of the warp; a: two rows of four halves each; b: four halves of a column.
#define MMA(c, a, a8, b0, b1)                                                                  \
  __asm__(                                                                                     \
      "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, "       \
      "{%8,%9}, {%0,%1,%2,%3};"                                                                \
      : "+f"(c.x), "+f"(c.y), "+f"(c.z), "+f"(c.w)                                             \
      : "r"((a).x), "r"((a8).x), "r"((a).y), "r"((a8).y), "r"(b0), "r"(b1))

#define TWO_HALVES(to, low, high) \
  __asm__("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(to) : "f"(high), "f"(low))
#if defined(IMG) || IN_TAIL
uint2 Pack(float4 v) {
  uint2 r;
  TWO_HALVES(r.x, v.x, v.y);
  TWO_HALVES(r.y, v.z, v.w);
  return r;
}
#endif

__kernel __attribute__((reqd_work_group_size(32, NW, KS)))
void conv_mma(IN_TENSOR in, __global const uint4 *restrict w, __global const float4 *restrict bias,
#ifdef RESIDUAL
              IN_TENSOR residual,
#endif
              OUT_TENSOR out, int16 p, int8 q SECOND_OUTPUT) {
  const int lane = get_local_id(0), g = lane >> 2, t = lane & 3, ks = get_local_id(2);
  const int OW = p.s2, OC = p.s3, IH = p.s4, IW = p.s5, IC = p.s6, ICS = q.s6, icv = q.s0;
  const int M = p.s0 * OW, n_blocks = (OC + 3) / 4, n_warps = (n_blocks + 7) / 8;
  const int n32 = GROUP_NUMBER(1) * NW + get_local_id(1), m0 = GROUP_NUMBER(2) * 16 * MT;
#ifdef ONE
  const int vectors = icv;
#else
  const int vectors = p.s7 * p.s8 * icv;
#endif
  const int steps = (vectors + 3) / 4;

  // Rows of all images follow each other: ay is that of its own image, which begins at first_row.
  int ax[ROWS], ay[ROWS], first_row[ROWS];
  UNROLL for (int i = 0; i < ROWS; ++i) {
    const int m = min(m0 + g + 8 * i, M - 1);
#if defined(ONE) && !defined(IMG)
    ax[i] = m, ay[i] = 0;
#else
    const int row = m / OW;
#ifdef ONE
    ax[i] = m - row * OW, ay[i] = row;
#else
    const int image = row / p.s1;
    ax[i] = (m - row * OW) * p.sa - p.sc;
    ay[i] = (row - image * p.s1) * p.s9 - p.sb;
    first_row[i] = image * IH;
#endif
#endif
  }

  // The vector that this lane reads next: of channels, and of the window.
  int k = ks * 4 + t;
#ifdef ONE
#define CV k
#define ADVANCE() k += 4 * KS
#define PLACE(i)  \
  const int x = ax[i], y = ay[i]; \
  const bool ok = k < vectors;
#else
  int cv = k % icv, kw = k / icv % p.s8, kh = k / icv / p.s8;
#define CV cv
#define ADVANCE()                                  \
  k += 4 * KS;                                     \
  for (cv += 4 * KS; cv >= icv; cv -= icv) {       \
    if (++kw == p.s8) kw = 0, ++kh;                \
  }
#define PLACE(i)                                                                        \
  const int x = ax[i] + kw * p.se, own = ay[i] + kh * p.sd, y = first_row[i] + own;      \
  const bool ok = k < vectors && (uint)own < (uint)IH && (uint)x < (uint)IW;
#endif

#ifdef IMG
#define TEXELS(n) Pack(READ4_IF(ok, in, 0, y, x, CV * (KV / 4) + (n) + q.s7, IW, IC))
#if KV == 8
#define VALUE (uint4)(TEXELS(0), TEXELS(1))
#else
#define VALUE TEXELS(0)
#endif
#else
#define PLACE_IN_BUFFER (in + (y * IW + x) * ICS + q.s7 * 4 + CV * KV)
#if IN_TAIL
#define VALUE (ok ? Pack(LoadTail(PLACE_IN_BUFFER, IC - CV * 4)) : (uint2)(0))
#else
#define VALUE (ok ? *RANGE(const VECTOR, PLACE_IN_BUFFER, KV * 2) : (VECTOR)(0))
#endif
#endif
#define LOAD(a, b, step)                                                                \
  UNROLL for (int i = 0; i < ROWS; ++i) {                                               \
    PLACE(i)                                                                            \
    a[i] = VALUE;                                                                       \
  }                                                                                     \
  UNROLL for (int r = 0; r < REGISTERS; ++r) {                                          \
    b[r] = w[((min(n32, n_warps - 1) * steps + (step)) * REGISTERS + r) * 32 + lane];   \
  }

  float4 c[MT][4];
  UNROLL for (int i = 0; i < MT; ++i) UNROLL for (int j = 0; j < 4; ++j) c[i][j] = 0.0f;
  VECTOR a[ROWS], a_next[ROWS];
  uint4 b[REGISTERS], b_next[REGISTERS];
  if (ks < steps) {
    LOAD(a, b, ks)
  }
  for (int step = ks; step < steps; step += KS) {
    ADVANCE();
    if (step + KS < steps) {
      LOAD(a_next, b_next, step + KS)
    }
    UNROLL for (int i = 0; i < MT; ++i) {
      MMA(c[i][0], FIRST(a[2 * i]), FIRST(a[2 * i + 1]), b[0].x, b[0].y);
      MMA(c[i][1], FIRST(a[2 * i]), FIRST(a[2 * i + 1]), b[0].z, b[0].w);
      MMA(c[i][2], FIRST(a[2 * i]), FIRST(a[2 * i + 1]), b[1].x, b[1].y);
      MMA(c[i][3], FIRST(a[2 * i]), FIRST(a[2 * i + 1]), b[1].z, b[1].w);
#if KV == 8
      MMA(c[i][0], a[2 * i].hi, a[2 * i + 1].hi, b[2].x, b[2].y);
      MMA(c[i][1], a[2 * i].hi, a[2 * i + 1].hi, b[2].z, b[2].w);
      MMA(c[i][2], a[2 * i].hi, a[2 * i + 1].hi, b[3].x, b[3].y);
      MMA(c[i][3], a[2 * i].hi, a[2 * i + 1].hi, b[3].z, b[3].w);
#endif
    }
    UNROLL for (int i = 0; i < ROWS; ++i) a[i] = a_next[i];
    UNROLL for (int r = 0; r < REGISTERS; ++r) b[r] = b_next[r];
  }

  // c[i][j]: pixels 16 * i + g (x, y) and g + 8 more (z, w), channels 8 * t + j (x, z) and 4 more.
#if KS > 1
  __local float4 part[KS][NW * 32];
  const int me = get_local_id(1) * 32 + lane;
#endif
  UNROLL for (int i = 0; i < MT; ++i) {
    UNROLL for (int e = 0; e < 4; ++e) {
      float4 v = e == 0   ? (float4)(c[i][0].x, c[i][1].x, c[i][2].x, c[i][3].x)
                 : e == 1 ? (float4)(c[i][0].y, c[i][1].y, c[i][2].y, c[i][3].y)
                 : e == 2 ? (float4)(c[i][0].z, c[i][1].z, c[i][2].z, c[i][3].z)
                          : (float4)(c[i][0].w, c[i][1].w, c[i][2].w, c[i][3].w);
      const bool own = ks == (i * 4 + e) % KS;
#if KS > 1
      part[ks][me] = v;
      barrier(CLK_LOCAL_MEM_FENCE);
      if (own) {
        v = part[0][me];
        for (int j = 1; j < KS; ++j) v += part[j][me];
      }
      barrier(CLK_LOCAL_MEM_FENCE);
#endif
      const int m = m0 + 16 * i + 8 * (e / 2) + g, n = n32 * 8 + 2 * t + e % 2;
      if (own && m < M && n < n_blocks) {
        v += bias[n];
#ifdef RESIDUAL
        v += READ4P(residual, OUT_TAIL, m, n, OW, OC);
#endif
        v = ACTIVATE(v, n, as_float(p.sf), as_float(q.s2));
        if (IN_FIRST(n)) WRITE4P(v, out, OUT_TAIL, m, n + q.s5, OW, q.s4);
        ELSE_SECONDP(v, m, n, OW)
      }
    }
  }
}
