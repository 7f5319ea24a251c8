// SPDX-License-Identifier: Apache-2.0
// out[b][M][N] = A[b][M][K] * B[b][K][N] of computed matrices in buffers, either transposed. A
// work-group of 8 x 8 threads computes 32 x 32 results, each thread four rows and four columns that
// lie eight apart, from tiles of 16 along K in local memory; what a tile adds is summed in real.
// p: M, N, K, strides of A along M and K, of B along K and N, from matrix to matrix of A and of B.
// Global: (N / 32 * 8, M / 32 * 8, batches).
#include "tensor.h"

__kernel __attribute__((reqd_work_group_size(8, 8, 1)))
void matmul(IN_TENSOR a, IN_TENSOR b, OUT_TENSOR out, int16 p) {
  __local real a_tile[16][33], b_tile[16][33];
  const int tx = get_local_id(0), ty = get_local_id(1), t = ty * 8 + tx;
  const int m0 = GROUP_NUMBER(1) * 32, n0 = GROUP_NUMBER(0) * 32, batch = GROUP_NUMBER(2);
  const int first_a = batch * p.s7, first_b = batch * p.s8;
  float acc[4][4];
  UNROLL for (int i = 0; i < 4; ++i) UNROLL for (int j = 0; j < 4; ++j) acc[i][j] = 0.0f;
  for (int k0 = 0; k0 < p.s2; k0 += 16) {
    for (int i = t; i < 16 * 32; i += 64) {
      // Threads next to each other read what is next to each other in memory.
      const int ka = p.s4 == 1 ? i % 16 : i / 32, m = p.s4 == 1 ? i / 16 : i % 32;
      const int kb = p.s6 == 1 ? i / 32 : i % 16, n = p.s6 == 1 ? i % 32 : i / 16;
      const bool a_ok = k0 + ka < p.s2 && m0 + m < p.s0, b_ok = k0 + kb < p.s2 && n0 + n < p.s1;
      a_tile[ka][m] = a_ok ? LOAD1(a, first_a + (m0 + m) * p.s3 + (k0 + ka) * p.s4) : 0.0f;
      b_tile[kb][n] = b_ok ? LOAD1(b, first_b + (k0 + kb) * p.s5 + (n0 + n) * p.s6) : 0.0f;
    }
    barrier(CLK_LOCAL_MEM_FENCE);
#ifdef HALF_ARITHMETIC
    real few[4][4];
    UNROLL for (int i = 0; i < 4; ++i) UNROLL for (int j = 0; j < 4; ++j) few[i][j] = 0;
#else
#define few acc
#endif
    UNROLL for (int k = 0; k < 16; ++k) {
      UNROLL for (int i = 0; i < 4; ++i) {
        const real x = a_tile[k][ty + i * 8];
        UNROLL for (int j = 0; j < 4; ++j) few[i][j] = mad(x, b_tile[k][tx + j * 8], few[i][j]);
      }
    }
#ifdef HALF_ARITHMETIC
    UNROLL for (int i = 0; i < 4; ++i) UNROLL for (int j = 0; j < 4; ++j) acc[i][j] += few[i][j];
#endif
    barrier(CLK_LOCAL_MEM_FENCE);
  }
  UNROLL for (int i = 0; i < 4; ++i) {
    UNROLL for (int j = 0; j < 4; ++j) {
      const int m = m0 + ty + i * 8, n = n0 + tx + j * 8;
      if (m < p.s0 && n < p.s1) STORE1(acc[i][j], out, (batch * p.s0 + m) * p.s1 + n);
    }
  }
}
