// SPDX-License-Identifier: Apache-2.0
// Combining what the GROUP threads of a work-group have: every thread gets JOIN of all values.
// `part` has room for GROUP of them, `me` is the thread's number.
#define DEFINE_GROUP_REDUCTION(NAME, TYPE, JOIN)           \
  TYPE NAME(TYPE value, __local TYPE *part, int me) {      \
    barrier(CLK_LOCAL_MEM_FENCE);                          \
    part[me] = value;                                      \
    for (int n = GROUP / 2; n > 0; n >>= 1) {              \
      barrier(CLK_LOCAL_MEM_FENCE);                        \
      if (me < n) part[me] = JOIN(part[me], part[me + n]); \
    }                                                      \
    barrier(CLK_LOCAL_MEM_FENCE);                          \
    return part[0];                                        \
  }
#define GROUP_ADD(a, b) ((a) + (b))
