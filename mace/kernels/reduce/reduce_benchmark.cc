// SPDX-License-Identifier: Apache-2.0
// Speed of sums over rows and columns of the sizes that networks have.
#include <cstdint>
#include <string>
#include <vector>

#include "benchmark/benchmark.h"
#include "mace/kernels/reduce/reduce.h"

namespace mace {
namespace kernels {
namespace {

struct Size {
  int64_t rows;
  int64_t width;  // 0: one row of `rows` elements
};

// Global means of MobileNet and ResNet, of an image, a long row.
constexpr Size kSizes[] = {{49, 1024}, {49, 2048}, {50176, 3}, {4096, 0}, {1000000, 0}};

void RegisterKernel(const ReduceKernel &kernel) {
  for (const Size &size : kSizes) {
    const std::string name = std::string(kernel.name) + "/sum/" + std::to_string(size.rows) + "x" +
                             std::to_string(size.width);
    benchmark::RegisterBenchmark(name.c_str(), [=](benchmark::State &state) {
      const int64_t width = size.width == 0 ? 1 : size.width;
      std::vector<float> in(static_cast<size_t>(size.rows * width), 0.5f);
      std::vector<float> out(static_cast<size_t>(width));
      for (auto _ : state) {
        if (size.width == 0) {
          out[0] = kernel.functions->row(kReduceSum, in.data(), size.rows);
        } else {
          kernel.functions->columns(kReduceSum, in.data(), size.rows, width, width, out.data());
        }
        benchmark::ClobberMemory();
      }
      state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * in.size() * sizeof(float)));
    });
  }
}

const bool kRegistered = [] {
  for (const ReduceKernel &kernel : ReduceKernels()) {
    if ((kernel.isa & DetectedIsas()) != 0) RegisterKernel(kernel);
  }
  return true;
}();

}  // namespace
}  // namespace kernels
}  // namespace mace
