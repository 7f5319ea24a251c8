// SPDX-License-Identifier: Apache-2.0
// Convolution as a matrix product with tiles in local memory:
//   out[M = N*OH*OW][OC] = A[M][K] * w[K][OC], K = (kh, kw, ic), A read from the image where it is used.
// A work-group computes BM x BN results with KS slices of (BM/TM) * (BN/TN) threads; the slices
// share K, and their sums meet in local memory. Steps of BK along K are double-buffered.
// Global: (OC/BN) * threads, M/BM, batches. ONE: 1x1, stride 1, no padding: A is the input itself.
// BATCH: GROUP_NUMBER(2) is the number of a matrix product, w and A have one matrix each.
// SPLIT: the work-groups along dimension 2 share K as well; they leave their sums in `partial`, and the
// last one of a tile adds them up. `count`: zeros, one for each tile, which it sets back.
// Input channels are a multiple of four, or the image has up to four channels. p, q: see conv_direct.
#include "tensor.h"

// What one work-group wrote, others read: mem_fence alone orders a work-item's own accesses.
#if defined(__NV_CL_C_VERSION) || defined(cl_nv_pragma_unroll)  // NVIDIA
#define FENCE() asm volatile("membar.gl;" ::: "memory")
#else
#define FENCE() mem_fence(CLK_GLOBAL_MEM_FENCE)
#endif

#define TX (BN / TN)
#define TY (BM / TM)
#define TS (TX * TY)
#define Q (TN / 4)
#define KQ (BK / 4)
#define A_LOADS ((BM * KQ + TS - 1) / TS)
#define B_LOADS ((BK * BN / 4 + TS - 1) / TS)

__kernel __attribute__((reqd_work_group_size(TS * KS, 1, 1)))
void conv_gemm(IN_TENSOR in, WEIGHTS w,
               __global const float4 *restrict bias,
#ifdef RESIDUAL
               IN_TENSOR residual,
#endif
               OUT_TENSOR out, int16 p, int8 q SECOND_OUTPUT
#ifdef SPLIT
               , volatile __global float4 *partial, volatile __global int *count
#endif
               ) {
  // Rows of A are padded so that storing a column does not meet one bank.
  __local real a_tile[KS][2][BK][BM + 4];
  __local real4 b_tile[KS][2][BK][BN / 4];
  const int tid = get_local_id(0), slice = tid / TS, t = tid % TS, tx = t % TX, ty = t / TX;
  const int OC = p.s3, IC = p.s6, ICS = q.s6, icb = q.s0, n_blocks = (OC + 3) / 4, M = p.s0 * p.s2;
  const int n0 = GROUP_NUMBER(0) * (BN / 4), m0 = GROUP_NUMBER(1) * BM;
#ifdef BATCH
  in += GROUP_NUMBER(2) * M * IC;
  w += GROUP_NUMBER(2) * icb * 4 * n_blocks * 4;
  out += GROUP_NUMBER(2) * M * OC;
#endif
#ifdef ONE
  const int k_blocks = icb;
#else
  const int k_blocks = p.s7 * p.s8 * icb, IH = p.s4, IW = p.s5;
#endif
#ifdef SPLIT
  const int parts = get_num_groups(2), part = get_group_id(2);
#else
  const int parts = 1, part = 0;
#endif
  const int slices = parts * KS, my_slice = part * KS + slice;
  const int steps = ((k_blocks + KQ - 1) / KQ + slices - 1) / slices;

  // What this thread fetches: block column k_mine of the rows m.
  const int kq = t % KQ;
  int k_mine = my_slice * KQ + kq;
  int a_row[A_LOADS];
#if !defined(ONE) || defined(IMG)
  int y0[A_LOADS], x0[A_LOADS];
#endif
  UNROLL for (int j = 0; j < A_LOADS; ++j) {
    const int m = min(m0 + (t + j * TS) / KQ, M - 1);
#if defined(ONE) && defined(IMG)
    y0[j] = m / p.s2;
    x0[j] = m - y0[j] * p.s2;
#elif defined(ONE)
    a_row[j] = m * ICS + q.s7 * 4;
#else
    const int row = m / p.s2, image = row / p.s1;
    y0[j] = (row - image * p.s1) * p.s9 - p.sb;
    x0[j] = (m - row * p.s2) * p.sa - p.sc;
#ifdef IMG
    a_row[j] = image * IH;
#else
    a_row[j] = ((image * IH + y0[j]) * IW + x0[j]) * ICS + q.s7 * 4;
#endif
#endif
  }
#ifndef ONE
  int cb = k_mine % icb, kw = k_mine / icb % p.s8, kh = k_mine / icb / p.s8;
#endif

  real4 a_next[A_LOADS], b_next[B_LOADS];
  DEFINE_SUMS(acc, TM * Q)

#if defined(ONE) && defined(IMG)
#define FETCH_A(j) a_next[j] = READ_REAL4(in, IN_TAIL, y0[j], x0[j], k_mine + q.s7, p.s2, IC)
#define ADVANCE()
#elif defined(ONE)
#define FETCH_A(j) a_next[j] = IN_TAIL ? REAL4(LoadTail(in + a_row[j] + k_mine * 4, IC - k_mine * 4)) \
                                       : LOAD_REAL4(in, a_row[j] + k_mine * 4)
#define ADVANCE()
#else
#ifdef IMG
#define FETCH_A(j)                                                                              \
  {                                                                                             \
    const int y = y0[j] + kh * p.sd, x = x0[j] + kw * p.se;                                     \
    a_next[j] = READ_REAL4_IF((uint)y < (uint)IH && (uint)x < (uint)IW, in, IN_TAIL,            \
                              a_row[j] + y, x, cb + q.s7, IW, IC);                              \
  }
#else
#define FETCH_A(j)                                                                              \
  if ((uint)(y0[j] + kh * p.sd) < (uint)IH && (uint)(x0[j] + kw * p.se) < (uint)IW) {           \
    const int at = a_row[j] + (kh * p.sd * IW + kw * p.se) * ICS + cb * 4;                      \
    a_next[j] = IN_TAIL ? REAL4(LoadTail(in + at, IC - cb * 4)) : LOAD_REAL4(in, at);           \
  }
#endif
#define ADVANCE()                               \
  for (cb += slices * KQ; cb >= icb; cb -= icb) {\
    if (++kw == p.s8) kw = 0, ++kh;             \
  }
#endif
#define FETCH(step)                                                                             \
  {                                                                                             \
    UNROLL for (int j = 0; j < A_LOADS; ++j) {                                                  \
      a_next[j] = (real4)(0);                                                                   \
      if ((BM * KQ % TS == 0 || t + j * TS < BM * KQ) && k_mine < k_blocks) {                   \
        FETCH_A(j);                                                                             \
      }                                                                                         \
    }                                                                                           \
    const int kb = ((step) * slices + my_slice) * BK;                                           \
    UNROLL for (int j = 0; j < B_LOADS; ++j) {                                                  \
      const int i = t + j * TS;                                                                 \
      if (BK * BN / 4 % TS == 0 || i < BK * BN / 4)                                             \
        b_next[j] = WEIGHT4(w, min(kb + i / (BN / 4), k_blocks * 4 - 1),                        \
                            min(n0 + i % (BN / 4), n_blocks - 1), n_blocks);                    \
    }                                                                                           \
    k_mine += slices * KQ;                                                                      \
    ADVANCE();                                                                                  \
  }

  FETCH(0);
  for (int step = 0; step < steps; ++step) {
    const int half_tile = step & 1;
    UNROLL for (int j = 0; j < A_LOADS; ++j) {
      const int i = t + j * TS, m = i / KQ;
      if (BM * KQ % TS == 0 || i < BM * KQ) {
        a_tile[slice][half_tile][kq * 4 + 0][m] = a_next[j].x;
        a_tile[slice][half_tile][kq * 4 + 1][m] = a_next[j].y;
        a_tile[slice][half_tile][kq * 4 + 2][m] = a_next[j].z;
        a_tile[slice][half_tile][kq * 4 + 3][m] = a_next[j].w;
      }
    }
    UNROLL for (int j = 0; j < B_LOADS; ++j) {
      const int i = t + j * TS;
      if (BK * BN / 4 % TS == 0 || i < BK * BN / 4)
        b_tile[slice][half_tile][i / (BN / 4)][i % (BN / 4)] = b_next[j];
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    if (step + 1 < steps) FETCH(step + 1);
    UNROLL for (int k = 0; k < BK; ++k) {
      real a[TM];
      real4 b[Q];
      UNROLL for (int i = 0; i < TM; ++i) a[i] = a_tile[slice][half_tile][k][ty * TM + i];
      UNROLL for (int j = 0; j < Q; ++j) b[j] = b_tile[slice][half_tile][k][j * TX + tx];
      UNROLL for (int i = 0; i < TM; ++i)
        UNROLL for (int j = 0; j < Q; ++j) acc[i * Q + j] = mad((real4)(a[i]), b[j], acc[i * Q + j]);
    }
    CARRY(acc, TM * Q)
  }

#define OWN(i, j) (slice == ((i) * Q + (j)) % KS)
#define STORE_RESULT(v, i, j)                                       \
  {                                                                 \
    const int m = m0 + ty * TM + (i), n = n0 + (j) * TX + tx;       \
    if (m < M && n < n_blocks) {                                    \
      float4 f = (v) + bias[n];                                     \
      ADD_RESIDUAL(f);                                              \
      f = ACTIVATE(f, n, as_float(p.sf), as_float(q.s2));           \
      if (IN_FIRST(n)) WRITE4P(f, out, OUT_TAIL, m, n + q.s5, p.s2, q.s4); \
      ELSE_SECONDP(f, m, n, p.s2)                                   \
    }                                                               \
  }
#ifdef RESIDUAL
#define ADD_RESIDUAL(f) f += READ4P(residual, OUT_TAIL, m, n, p.s2, OC)
#else
#define ADD_RESIDUAL(f)
#endif
#if KS > 1
  __local float4 sum[KS][TS];
#endif
#ifdef SPLIT
  // Of all parts of the launch.
  const int columns = (n_blocks + BN / 4 - 1) / (BN / 4), tiles = (M + BM - 1) / BM * columns;
  const int tile = GROUP_NUMBER(1) * columns + GROUP_NUMBER(0);
#define PARTIAL(part, i, j) partial[(((part) * tiles + tile) * TM * Q + (i) * Q + (j)) * TS + t]
#endif
  UNROLL for (int i = 0; i < TM; ++i) {
    UNROLL for (int j = 0; j < Q; ++j) {
      float4 v = TOTAL(acc, i * Q + j);
#if KS > 1
      sum[slice][t] = v;
      barrier(CLK_LOCAL_MEM_FENCE);
      if (OWN(i, j)) {
        v = sum[0][t];
        for (int s = 1; s < KS; ++s) v += sum[s][t];
      }
      barrier(CLK_LOCAL_MEM_FENCE);
#endif
#ifdef SPLIT
      if (OWN(i, j)) PARTIAL(part, i, j) = v;
#else
      if (OWN(i, j)) STORE_RESULT(v, i, j);
#endif
    }
  }
#ifdef SPLIT
  __local int last;
  FENCE();
  barrier(CLK_LOCAL_MEM_FENCE | CLK_GLOBAL_MEM_FENCE);
  if (tid == 0) {
    last = atomic_inc(&count[tile]) == parts - 1;
    if (last) count[tile] = 0;
  }
  barrier(CLK_LOCAL_MEM_FENCE | CLK_GLOBAL_MEM_FENCE);
  if (last) {
    FENCE();
    UNROLL for (int i = 0; i < TM; ++i) {
      UNROLL for (int j = 0; j < Q; ++j) {
        if (OWN(i, j)) {
          float4 v = 0.0f;
          for (int s = 0; s < parts; ++s) v += PARTIAL(s, i, j);
          STORE_RESULT(v, i, j);
        }
      }
    }
  }
#endif
}
