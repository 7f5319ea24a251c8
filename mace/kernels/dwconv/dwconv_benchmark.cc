// SPDX-License-Identifier: Apache-2.0
// Speed of every depthwise kernel on layers of MobileNetV1 and of networks with 5x5 windows.
#include <limits>
#include <string>
#include <vector>

#include "benchmark/benchmark.h"
#include "mace/kernels/dwconv/dwconv.h"

namespace mace {
namespace kernels {
namespace {

void BenchmarkDwconv(benchmark::State &state, const DwconvKernel &kernel, const DwconvShape &s) {
  const DwconvPlan plan = PlanDwconv(s, kernel, 1);
  const std::vector<float> input(s.in_h * s.in_w * s.in_c, 0.5f);
  const std::vector<float> packed(
      PackedDwconvFloats(kernel.lanes, s.kernel_h * s.kernel_w, s.out_c()), 0.25f);
  std::vector<float> output(s.out_h * s.out_w * s.out_c()), scratch(plan.scratch_floats);
  DwconvEpilogue epilogue;
  epilogue.high = std::numeric_limits<float>::infinity();
  for (auto _ : state) {
    for (int64_t tile = 0; tile < plan.tiles; ++tile) {
      RunDwconvTile(plan, epilogue, input.data(), packed.data(), output.data(), tile,
                    scratch.data());
    }
  }
  const double macs = static_cast<double>(output.size()) * s.kernel_h * s.kernel_w;
  state.counters["FLOPS"] =
      benchmark::Counter(2 * macs, benchmark::Counter::kIsIterationInvariantRate);
}

const bool kRegistered = [] {
  constexpr int64_t kLayers[][4] = {{112, 32, 3, 1}, {112, 64, 3, 2}, {56, 128, 3, 1},
                                    {28, 256, 3, 2}, {14, 512, 3, 1}, {7, 1024, 3, 1},
                                    {28, 120, 5, 1}, {28, 240, 5, 2}};
  for (const DwconvKernel &kernel : DwconvKernels()) {
    if ((kernel.isa & SupportedIsas()) == 0) continue;
    for (const auto &layer : kLayers) {
      DwconvShape s;
      s.in_h = s.in_w = layer[0];
      s.in_c = layer[1];
      s.kernel_h = s.kernel_w = layer[2];
      s.stride_h = s.stride_w = layer[3];
      s.pad_top = s.pad_left = (layer[2] - layer[3] + 1) / 2;
      s.out_h = s.out_w = (layer[0] + layer[3] - 1) / layer[3];
      if (!DwconvFits(kernel, s)) continue;
      const std::string name = std::string(kernel.name) + "/" + std::to_string(layer[0]) + "x" +
                               std::to_string(layer[1]) + "k" + std::to_string(layer[2]) + "s" +
                               std::to_string(layer[3]);
      benchmark::RegisterBenchmark(name.c_str(), [&kernel, s](benchmark::State &state) {
        BenchmarkDwconv(state, kernel, s);
      });
    }
  }
  return true;
}();

}  // namespace
}  // namespace kernels
}  // namespace mace
