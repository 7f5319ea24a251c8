// SPDX-License-Identifier: Apache-2.0
// Speed of resizing a row in width and of adding rows up.
#include <cstdint>
#include <string>
#include <vector>

#include "benchmark/benchmark.h"
#include "mace/kernels/resize/resize.h"

namespace mace {
namespace kernels {
namespace {

constexpr int64_t kWidth = 160;  // of the output, twice that of the input

void RegisterKernel(const ResizeKernel &kernel) {
  for (int taps : {2, 4}) {
    for (int64_t channels : {1, 3, 24, 96}) {
      const std::string name = std::string(kernel.name) + "/resample/taps:" + std::to_string(taps) +
                               "/channels:" + std::to_string(channels);
      benchmark::RegisterBenchmark(name.c_str(), [=](benchmark::State &state) {
        std::vector<float> in(static_cast<size_t>(kWidth / 2 * channels), 0.5f);
        std::vector<float> out(static_cast<size_t>(kWidth * channels));
        std::vector<int32_t> places;
        for (int64_t i = 0; i < kWidth * taps; ++i) {
          places.push_back(static_cast<int32_t>(i / taps / 2));
        }
        const std::vector<float> weights(places.size(), 0.25f);
        for (auto _ : state) {
          kernel.functions->resample(in.data(), places.data(), weights.data(), taps, kWidth,
                                     channels, out.data());
          benchmark::ClobberMemory();
        }
        state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * out.size()));
      });
    }
    const std::string name = std::string(kernel.name) + "/blend/taps:" + std::to_string(taps);
    benchmark::RegisterBenchmark(name.c_str(), [=](benchmark::State &state) {
      const std::vector<float> in(4096, 0.5f);
      std::vector<float> out(in.size());
      const float *rows[] = {in.data(), in.data(), in.data(), in.data()};
      const float weights[] = {0.1f, 0.2f, 0.3f, 0.4f};
      for (auto _ : state) {
        kernel.functions->blend(rows, weights, taps, static_cast<int64_t>(in.size()), out.data());
        benchmark::ClobberMemory();
      }
      state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * out.size()));
    });
  }
}

const bool kRegistered = [] {
  for (const ResizeKernel &kernel : ResizeKernels()) {
    if ((kernel.isa & DetectedIsas()) != 0) RegisterKernel(kernel);
  }
  return true;
}();

}  // namespace
}  // namespace kernels
}  // namespace mace
