// SPDX-License-Identifier: Apache-2.0
// Speed of the normalizations of one row.
#include <cstdint>
#include <string>
#include <vector>

#include "benchmark/benchmark.h"
#include "mace/kernels/norm/norm.h"

namespace mace {
namespace kernels {
namespace {

constexpr int64_t kElements = 512;

template <typename Function>
void Add(const std::string &name, const Function &function) {
  benchmark::RegisterBenchmark(name.c_str(), [=](benchmark::State &state) {
    std::vector<float> in(kElements), out(kElements);
    for (int64_t i = 0; i < kElements; ++i) {
      in[static_cast<size_t>(i)] = 0.1f * static_cast<float>(i % 37);
    }
    for (auto _ : state) {
      function(in.data(), out.data());
      benchmark::ClobberMemory();
    }
    state.SetItemsProcessed(static_cast<int64_t>(state.iterations()) * kElements);
  });
}

void RegisterKernel(const NormKernel &kernel) {
  const NormFunctions *functions = kernel.functions;
  const std::string prefix = std::string(kernel.name) + "/";
  Add(prefix + "layer_norm", [functions](const float *in, float *out) {
    functions->layer_norm(in, in, in, 1e-5f, kElements, out);
  });
  for (float beta : {0.5f, 0.75f, 0.6f}) {
    Add(prefix + "local_response/beta:" + std::to_string(beta),
        [functions, beta](const float *in, float *out) {
          float squares[kElements + 10];
          functions->local_response({5, 1, 1e-4f, beta}, in, kElements, squares, out);
        });
  }
  Add(prefix + "scale", [functions](const float *in, float *out) {
    functions->scale(in, 0.5f, in, false, kElements, out);
  });
}

const bool kRegistered = [] {
  for (const NormKernel &kernel : NormKernels()) {
    if ((kernel.isa & DetectedIsas()) != 0) RegisterKernel(kernel);
  }
  return true;
}();

}  // namespace
}  // namespace kernels
}  // namespace mace
