// SPDX-License-Identifier: Apache-2.0
// Speed of every kernel of bfloat16 products on those of the usual networks, and of the best one of
// float32 beside them.
#include "mace/kernels/bf16/bf16_gemm.h"
#include "mace/kernels/gemm/gemm_benchmark_util.h"

namespace mace {
namespace kernels {
namespace {

const bool kRegistered = [] {
  RegisterGemmBenchmarks(BestGemm(), true);
  for (const Bf16GemmKernel &kernel : Bf16GemmKernels()) {
    if ((kernel.isa & SupportedIsas()) == 0 || !PermitBf16(kernel)) continue;
    RegisterGemmBenchmarks(kernel, true);
  }
  return true;
}();

}  // namespace
}  // namespace kernels
}  // namespace mace
