// SPDX-License-Identifier: Apache-2.0
// Copies one input to its place in the output of a concatenation, or a part of an input to an output
// of a split.
#include "tensor.h"

#ifdef IMG
// One texel a thread. p: W, blocks and rows to copy; rows of an image of source and destination (N
// counts rows of several), W of source and destination, then x, block, row of both.
// Global: (W, blocks, rows).
__kernel void concat(IN_TENSOR in, OUT_TENSOR out, int16 p) {
  const int x = get_global_id(0), cb = get_global_id(1), row = get_global_id(2);
  if (x >= p.s0 || cb >= p.s1 || row >= p.s2) return;
  const int n = row / p.s3, h = row - n * p.s3;
  const float4 v =
      READ_TEXEL(in, (int2)((cb + p.s9) * p.s6 + x + p.s8, n * p.s4 + h + p.sa));
  const int2 to = (int2)((cb + p.sc) * p.s7 + x + p.sb, n * p.s5 + h + p.sd);
  write_imagef(out, TEXEL(out, to), IMAGE_VALUE(v));
}
#else
// `p.s1` elements that follow each other, for each of p.s0 outer indices; p.s2, p.s3: distance
// between these in source and destination; p.s4, p.s5: the first element in each. V elements a
// thread: 4 when all numbers are multiples of four. Global: (p.s1 / 4, p.s0).
__kernel void concat(IN_TENSOR in, OUT_TENSOR out, int8 p) {
  const int i = get_global_id(0) * 4, outer = get_global_id(1);
  if (i >= p.s1 || outer >= p.s0) return;
  const int from = p.s4 + outer * p.s2 + i, to = p.s5 + outer * p.s3 + i;
#ifdef ALIGNED
  STORE4(LOAD4(in, from), out, to);
#else
  StoreTail(LoadTail(in + from, p.s1 - i), out + to, p.s1 - i);
#endif
}
#endif
