// SPDX-License-Identifier: Apache-2.0
// The transforms of Winograd's algorithm for 3x3 convolutions with stride 1: F(2x2, 3x3) with R = 2
// and F(4x4, 3x3) with R = 4 (Lavin and Gray, arXiv 1509.09308), in buffers. Between them lie the
// matrices V and M: [A * A][tiles][channels], A = R + 2. One thread a block of four channels of a
// tile. p: as for conv_direct, q: tiles of a row, tiles of an image, tiles, second parameter, parts.
#include "tensor.h"

#if R == 2
#define A 4
__constant float kInput[4][4] = {{1, 0, -1, 0}, {0, 1, 1, 0}, {0, -1, 1, 0}, {0, 1, 0, -1}};
__constant float kOutput[2][4] = {{1, 1, 1, 0}, {0, 1, -1, -1}};
#else
#define A 6
__constant float kInput[6][6] = {{4, 0, -5, 0, 1, 0},  {0, -4, -4, 1, 1, 0}, {0, 4, -4, -1, 1, 0},
                                 {0, -2, -1, 2, 1, 0}, {0, 2, -1, -2, 1, 0}, {0, 4, 0, -5, 0, 1}};
__constant float kOutput[4][6] = {
    {1, 1, 1, 1, 1, 0}, {0, 1, -1, 2, -2, 0}, {0, 1, 1, 4, 4, 0}, {0, 1, -1, 8, -8, 1}};
#endif

__kernel void winograd_input(__global const T *restrict in, __global T *restrict v, int16 p,
                             int8 q) {
  const int cb = get_global_id(0), tile = get_global_id(1), C = p.s6;
  if (cb * 4 >= C || tile >= q.s2) return;
  const int image = tile / q.s1, in_image = tile - image * q.s1, ty = in_image / q.s0;
  const int y0 = ty * R - p.sb, x0 = (in_image - ty * q.s0) * R - p.sc;
  float4 d[A][A];
  UNROLL for (int j = 0; j < A; ++j) {
    float4 column[A];
    UNROLL for (int i = 0; i < A; ++i) {
      const bool ok = (uint)(y0 + i) < (uint)p.s4 && (uint)(x0 + j) < (uint)p.s5;
      column[i] = READ4_IF(ok, in, 0, image * p.s4 + y0 + i, x0 + j, cb + q.s7, p.s5, q.s6);
    }
    UNROLL for (int i = 0; i < A; ++i) {
      float4 s = 0.0f;
      UNROLL for (int k = 0; k < A; ++k) {
        if (kInput[i][k] != 0) s = mad((float4)(kInput[i][k]), column[k], s);
      }
      d[i][j] = s;
    }
  }
  UNROLL for (int i = 0; i < A; ++i) {
    UNROLL for (int j = 0; j < A; ++j) {
      float4 s = 0.0f;
      UNROLL for (int k = 0; k < A; ++k) {
        if (kInput[j][k] != 0) s = mad((float4)(kInput[j][k]), d[i][k], s);
      }
      STORE4(s, v, ((i * A + j) * q.s2 + tile) * C + cb * 4);
    }
  }
}

__kernel void winograd_output(__global const T *restrict m, __global const float4 *restrict bias,
                              __global T *restrict out, int16 p, int8 q) {
  const int cb = get_global_id(0), tile = get_global_id(1), C = p.s3;
  if (cb * 4 >= C || tile >= q.s2) return;
  float4 d[R][A];
  UNROLL for (int j = 0; j < A; ++j) {
    float4 column[A];
    UNROLL for (int i = 0; i < A; ++i) column[i] = LOAD4(m, ((i * A + j) * q.s2 + tile) * C + cb * 4);
    UNROLL for (int i = 0; i < R; ++i) {
      float4 s = 0.0f;
      UNROLL for (int k = 0; k < A; ++k) {
        if (kOutput[i][k] != 0) s = mad((float4)(kOutput[i][k]), column[k], s);
      }
      d[i][j] = s;
    }
  }
  const int image = tile / q.s1, in_image = tile - image * q.s1, ty = in_image / q.s0;
  const int y0 = ty * R, x0 = (in_image - ty * q.s0) * R;
  UNROLL for (int i = 0; i < R; ++i) {
    UNROLL for (int j = 0; j < R; ++j) {
      if (y0 + i < p.s1 && x0 + j < p.s2) {
        float4 s = bias[cb];
        UNROLL for (int k = 0; k < A; ++k) {
          if (kOutput[j][k] != 0) s = mad((float4)(kOutput[j][k]), d[i][k], s);
        }
        s = Activate(s, as_float(p.sf), as_float(q.s3));
        WRITE4(s, out, 0, image * p.s1 + y0 + i, x0 + j, cb + q.s5, p.s2, q.s4);
      }
    }
  }
}
