// SPDX-License-Identifier: Apache-2.0
// Winograd convolution on layers of ResNet50 and SqueezeNet; FLOPS are those of the definition.
#include <algorithm>
#include <string>
#include <vector>

#include "benchmark/benchmark.h"
#include "mace/base/allocator.h"
#include "mace/kernels/winograd/winograd.h"

namespace mace {
namespace kernels {
namespace {

void BenchmarkWinograd(benchmark::State &state, WinogradPlan plan) {
  FinishWinogradPlan(1, &plan);
  // As the engine's: in huge pages if it is large.
  const int64_t floats = plan.packed_floats + plan.scratch_floats;
  float *packed = static_cast<float *>(AllocateAligned(floats * sizeof(float)));
  if (packed == nullptr) return state.SkipWithError("no memory");
  std::fill(packed, packed + floats, 0.25f);
  const std::vector<float> input(plan.in_h * plan.in_w * plan.in_c, 0.5f);
  std::vector<float> output(plan.out_h * plan.out_w * plan.out_c);
  WinogradCall call;
  call.input = input.data();
  call.packed = packed;
  call.output = output.data();
  call.high = 6;
  call.scratch = packed + plan.packed_floats;
  for (auto _ : state) {
    for (int64_t tile = 0; tile < plan.tiles; ++tile) RunWinogradTile(plan, call, tile);
  }
  FreeAligned(packed);
  const double macs = 9.0 * static_cast<double>(output.size()) * static_cast<double>(plan.in_c);
  state.counters["FLOPS"] =
      benchmark::Counter(2 * macs, benchmark::Counter::kIsIterationInvariantRate);
}

const bool kRegistered = [] {
  constexpr int64_t kLayers[][3] = {{56, 64, 64}, {28, 128, 128}, {14, 256, 256}, {7, 512, 512},
                                    {56, 16, 64}, {28, 32, 128},  {14, 48, 192}};
  for (const WinogradKernel &kernel : WinogradKernels()) {
    if ((kernel.isa & SupportedIsas()) == 0) continue;
    const GemmKernel &gemm = GemmKernels().Best(kernel.isa);
    for (const auto &layer : kLayers) {
      WinogradPlan plan;
      plan.kernel = &kernel;
      plan.gemm = &gemm;
      plan.in_h = plan.in_w = plan.out_h = plan.out_w = layer[0];
      plan.in_c = layer[1];
      plan.out_c = layer[2];
      plan.pad_top = plan.pad_left = 1;
      const std::string name = std::string(kernel.name) + "/" + std::to_string(layer[0]) + "x" +
                               std::to_string(layer[1]) + "to" + std::to_string(layer[2]);
      benchmark::RegisterBenchmark(
          name.c_str(), [plan](benchmark::State &state) { BenchmarkWinograd(state, plan); });
    }
  }
  return true;
}();

}  // namespace
}  // namespace kernels
}  // namespace mace
