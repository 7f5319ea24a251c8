// SPDX-License-Identifier: Apache-2.0
// Speed of softmax over rows and columns of the sizes that networks have.
#include <cstdint>
#include <string>
#include <vector>

#include "benchmark/benchmark.h"
#include "mace/kernels/softmax/softmax.h"

namespace mace {
namespace kernels {
namespace {

struct Size {
  int64_t count;
  int64_t n;
};

// A classifier, a recognizer of characters, a detector's two and its 21 classes.
constexpr Size kRows[] = {{1, 1000}, {40, 6625}, {8732, 2}, {8732, 21}};

void RegisterKernel(const SoftmaxKernel &kernel) {
  for (const Size &size : kRows) {
    const std::string name = std::string(kernel.name) + "/rows/" + std::to_string(size.count) +
                             "x" + std::to_string(size.n);
    benchmark::RegisterBenchmark(name.c_str(), [=](benchmark::State &state) {
      std::vector<float> in(static_cast<size_t>(size.count * size.n)), out(in.size());
      for (size_t i = 0; i < in.size(); ++i) in[i] = 0.1f * static_cast<float>(i % 37);
      for (auto _ : state) {
        kernel.functions->rows(false, in.data(), out.data(), size.count, size.n);
        benchmark::ClobberMemory();
      }
      state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * in.size()));
    });
  }
  const std::string name = std::string(kernel.name) + "/columns/21x400";
  benchmark::RegisterBenchmark(name.c_str(), [=](benchmark::State &state) {
    std::vector<float> in(21 * 400), out(in.size());
    for (size_t i = 0; i < in.size(); ++i) in[i] = 0.1f * static_cast<float>(i % 37);
    for (auto _ : state) {
      kernel.functions->columns(false, in.data(), out.data(), 21, 400, 400);
      benchmark::ClobberMemory();
    }
    state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * in.size()));
  });
}

const bool kRegistered = [] {
  for (const SoftmaxKernel &kernel : SoftmaxKernels()) {
    if ((kernel.isa & DetectedIsas()) != 0) RegisterKernel(kernel);
  }
  return true;
}();

}  // namespace
}  // namespace kernels
}  // namespace mace
