// SPDX-License-Identifier: Apache-2.0
// All kernels that can compute a case of ops_benchmark, with the one that the engine chooses.
#ifndef MACE_OPS_OPS_BENCHMARK_KERNELS_H_
#define MACE_OPS_OPS_BENCHMARK_KERNELS_H_

#include <string>
#include <vector>

#include "mace/kernels/conv/conv_ways.h"
#include "mace/ops/ops_benchmark_cases.h"

namespace mace {
namespace ops {
namespace test {

// What one kernel takes on one thread, the least of several runs.
struct KernelTime {
  std::string name;
  bool chosen = false;
  double nanoseconds = 0;
};

// Kernels of this machine's instruction sets, or those that MACE_ISA leaves, but for the
// references; none for operators other than Conv2D, Deconv2D, DepthwiseConv2d and FullyConnected.
std::vector<kernels::Way> KernelsOf(const BenchmarkCase &one);
// Each is measured for `seconds`.
std::vector<KernelTime> TimeKernels(const std::vector<kernels::Way> &ways, double seconds);

// A line for each kernel, '*' before the chosen one, and behind another how much faster it was if
// that is more than 5 %.
std::string KernelLines(const std::vector<KernelTime> &times);
// The same as a member "kernels" of a JSON object.
std::string KernelJson(const std::vector<KernelTime> &times);

}  // namespace test
}  // namespace ops
}  // namespace mace

#endif  // MACE_OPS_OPS_BENCHMARK_KERNELS_H_
