// SPDX-License-Identifier: Apache-2.0
// What programs that time a GPU share: the clock, and ends at the first call that fails.
#ifndef MACE_OPS_OPENCL_GPU_BENCHMARK_UTIL_H_
#define MACE_OPS_OPENCL_GPU_BENCHMARK_UTIL_H_

#ifndef CL_TARGET_OPENCL_VERSION
#define CL_TARGET_OPENCL_VERSION 120
#endif
#include <CL/cl.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>

namespace mace {
namespace opencl {

// Microseconds on a clock that only moves forward.
inline double Now() {
  return std::chrono::duration<double, std::micro>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

inline void Check(cl_int error, const char *what) {
  if (error == CL_SUCCESS) return;
  fprintf(stderr, "%s: error %d\n", what, error);
  exit(1);
}

}  // namespace opencl
}  // namespace mace

#endif  // MACE_OPS_OPENCL_GPU_BENCHMARK_UTIL_H_
