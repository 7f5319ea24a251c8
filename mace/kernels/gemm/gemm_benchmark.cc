// SPDX-License-Identifier: Apache-2.0
// Speed of every GEMM kernel on products of the usual networks.
#include "mace/kernels/gemm/gemm_benchmark_util.h"

namespace mace {
namespace kernels {
namespace {

const bool kRegistered = [] {
  for (const GemmKernel &kernel : GemmKernels()) {
    if ((kernel.isa & SupportedIsas()) != 0) RegisterGemmBenchmarks(kernel, false);
  }
  return true;
}();

}  // namespace
}  // namespace kernels
}  // namespace mace
