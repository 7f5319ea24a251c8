// SPDX-License-Identifier: Apache-2.0
// Speed of every pooling kernel on layers of ResNet50, SqueezeNet and InceptionV3.
#include <string>
#include <vector>

#include "benchmark/benchmark.h"
#include "mace/kernels/pool/pool.h"

namespace mace {
namespace kernels {
namespace {

void BenchmarkPool(benchmark::State &state, const PoolKernel &kernel, const PoolShape &s) {
  const std::vector<float> input(s.in_h * s.in_w * s.channels, 0.5f);
  std::vector<float> output(s.out_h * s.out_w * s.channels);
  for (auto _ : state) RunPoolRows(kernel, s, input.data(), output.data(), 0, s.out_h);
  state.SetBytesProcessed(state.iterations() * (input.size() + output.size()) * sizeof(float));
}

const bool kRegistered = [] {
  constexpr int64_t kLayers[][4] = {
      {112, 64, 3, 2}, {55, 128, 3, 2}, {35, 288, 3, 1}, {7, 2048, 7, 7}};
  for (const PoolKernel &kernel : PoolKernels()) {
    if ((kernel.isa & SupportedIsas()) == 0) continue;
    for (const auto &layer : kLayers) {
      PoolShape s;
      s.in_h = s.in_w = layer[0];
      s.channels = layer[1];
      s.kernel_h = s.kernel_w = layer[2];
      s.stride_h = s.stride_w = layer[3];
      s.out_h = s.out_w = (layer[0] - layer[2]) / layer[3] + 1;
      const std::string name = std::string(kernel.name) + "/" + std::to_string(layer[0]) + "x" +
                               std::to_string(layer[1]) + "k" + std::to_string(layer[2]) + "s" +
                               std::to_string(layer[3]);
      benchmark::RegisterBenchmark(
          name.c_str(), [&kernel, s](benchmark::State &state) { BenchmarkPool(state, kernel, s); });
    }
  }
  return true;
}();

}  // namespace
}  // namespace kernels
}  // namespace mace
