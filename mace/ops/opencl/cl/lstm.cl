// SPDX-License-Identifier: Apache-2.0
// One step of an LSTM: one thread a hidden unit of a sequence, which keeps the sums of its four gates
// (i, o, f, c) side by side, as the weights lie: rows are inputs (of w) or hidden units (of r), a row
// has four numbers a unit; directions follow each other. State is float: h of two steps in turn, each
// [D][B][H], and c. Buffers only. Global: (H, B, directions). p: I, H, B, D, T, step, first direction
// (1: only backwards).
#include "tensor.h"

float Sigmoid(float x) { return 1.0f / (1.0f + exp(-x)); }

// The state before the first step: what is given, or zeros.
__kernel void lstm_begin(
#ifdef HIDDEN
    IN_TENSOR given_h,
#endif
#ifdef CELL
    IN_TENSOR given_c,
#endif
    __global float *restrict h, __global float *restrict c, int n) {
  const int i = get_global_id(0);
  if (i >= n) return;
#ifdef HIDDEN
  h[i] = LOAD1(given_h, i);
#else
  h[i] = 0.0f;
#endif
#ifdef CELL
  c[i] = LOAD1(given_c, i);
#else
  c[i] = 0.0f;
#endif
}

__kernel void lstm_step(IN_TENSOR in, WEIGHTS w, WEIGHTS r, __global const float4 *restrict bias,
                        __global const float4 *restrict peepholes, __global float *restrict h,
                        __global float *restrict c, OUT_TENSOR out,
                        OUT_TENSOR last_h,
                        OUT_TENSOR last_c,
                        int8 p) {
  const int j = get_global_id(0), b = get_global_id(1), d = get_global_id(2);
  const int I = p.s0, H = p.s1, B = p.s2, D = p.s3, steps = p.s4, step = p.s5;
  if (j >= H || b >= B || d >= D) return;
  const int t = d + p.s6 == 1 ? steps - 1 - step : step;
  const int all = D * B * H, row = (d * B + b) * H;
  const int before = step % 2 * all + row, after = (1 - step % 2) * all + row;
  float4 g = bias[d * H + j];
  for (int k = 0; k < I; ++k) g += LOAD1(in, (t * B + b) * I + k) * FLOAT4(WEIGHT4(w, d * I + k, j, H));
  for (int k = 0; k < H; ++k) g += h[before + k] * FLOAT4(WEIGHT4(r, d * H + k, j, H));
  const float4 peep = peepholes[d * H + j];
  const float old = c[row + j];
  const float in_gate = Sigmoid(g.x + peep.x * old);
#ifdef INPUT_FORGET
  const float forget = 1.0f - in_gate;
#else
  const float forget = Sigmoid(g.z + peep.z * old);
#endif
  const float cell = forget * old + in_gate * tanh(g.w);
  const float hidden = Sigmoid(g.y + peep.y * cell) * tanh(cell);
  c[row + j] = cell;
  h[after + j] = hidden;
  STORE1(hidden, out, ((t * D + d) * B + b) * H + j);
  if (step != steps - 1) return;
  STORE1(hidden, last_h, row + j);
  STORE1(cell, last_c, row + j);
}
