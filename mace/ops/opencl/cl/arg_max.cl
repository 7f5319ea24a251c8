// SPDX-License-Identifier: Apache-2.0
// The index of the largest (ARGMIN: smallest) element along an axis, the first of equals; NaN counts as
// both. GROUP threads share the elements of a result. Global: (GROUP, results). p: results, elements
// along the axis, distance between them, W, C of the input. WIDE: results have 64 bits.
#include "tensor.h"

// Whether v at i comes before `best` at j.
int Before(float v, int i, float best, int j) {
  if (isnan(v) || isnan(best)) return isnan(v) && (!isnan(best) || i < j);
#ifdef ARGMIN
  return v < best || (v == best && i < j);
#else
  return v > best || (v == best && i < j);
#endif
}

__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1)))
void arg_max(IN_TENSOR in, __global int *restrict out, int8 p) {
  __local float values[GROUP];
  __local int places[GROUP];
  const int me = get_local_id(0), result = get_global_id(1), count = p.s1, inner = p.s2;
  const int outer = result / inner, first = outer * count * inner + result - outer * inner;
  // There are at least GROUP elements.
  float best = READ1(in, first + me * inner, p.s3, p.s4);
  int place = me;
  for (int i = me + GROUP; i < count; i += GROUP) {
    const float v = READ1(in, first + i * inner, p.s3, p.s4);
    if (Before(v, i, best, place)) {
      best = v;
      place = i;
    }
  }
  values[me] = best;
  places[me] = place;
  for (int n = GROUP / 2; n > 0; n >>= 1) {
    barrier(CLK_LOCAL_MEM_FENCE);
    if (me < n && Before(values[me + n], places[me + n], values[me], places[me])) {
      values[me] = values[me + n];
      places[me] = places[me + n];
    }
  }
  if (me != 0) return;
#ifdef WIDE
  out[2 * result] = places[0];
  out[2 * result + 1] = 0;
#else
  out[result] = places[0];
#endif
}
