// SPDX-License-Identifier: Apache-2.0
// Speed of convolutions of the usual networks with one thread, on the best GEMM kernel.
#include <limits>
#include <string>
#include <vector>

#include "benchmark/benchmark.h"
#include "mace/kernels/conv/conv.h"

namespace mace {
namespace kernels {
namespace {

struct Layer {
  int64_t size, in_c, out_c, kernel, stride;
};

void BenchmarkConv(benchmark::State &state, const Layer &layer) {
  ConvShape s;
  s.in_h = s.in_w = layer.size;
  s.in_c = layer.in_c;
  s.out_c = layer.out_c;
  s.kernel_h = s.kernel_w = layer.kernel;
  s.stride_h = s.stride_w = layer.stride;
  s.pad_top = s.pad_left = (layer.kernel - 1) / 2;
  s.out_h = s.out_w = (layer.size + layer.stride - 1) / layer.stride;
  s.winograd = ChooseWinograd(s, BestGemm());
  const ConvPlan plan = PlanConv(s, BestGemm(), 1);
  const std::vector<float> input(s.in_h * s.in_w * s.in_c, 0.5f);
  const std::vector<float> filter(s.out_c * s.kernel_h * s.kernel_w * s.in_c, 0.25f);
  std::vector<float> output(s.out_h * s.out_w * s.out_c), scratch(plan.scratch_floats);
  std::vector<float> room(plan.packed_floats + 16);
  float *packed = room.data();
  while (reinterpret_cast<uintptr_t>(packed) % 64 != 0) ++packed;
  PackConv(plan, filter.data(), nullptr, packed);
  ConvEpilogue epilogue;
  epilogue.high = std::numeric_limits<float>::infinity();
  for (auto _ : state) {
    for (int64_t tile = 0; tile < plan.tiles; ++tile) {
      RunConvTile(plan, epilogue, input.data(), packed, output.data(), tile, scratch.data());
    }
  }
  const double macs =
      static_cast<double>(s.out_h * s.out_w * s.out_c) * s.kernel_h * s.kernel_w * s.in_c;
  state.counters["FLOPS"] =
      benchmark::Counter(2 * macs, benchmark::Counter::kIsIterationInvariantRate);
}

const bool kRegistered = [] {
  constexpr Layer kLayers[] = {{224, 3, 32, 3, 2},  {224, 3, 64, 7, 2},   {56, 64, 64, 1, 1},
                               {56, 64, 64, 3, 1},  {28, 128, 128, 3, 1}, {14, 256, 256, 3, 1},
                               {7, 512, 512, 3, 1}, {56, 256, 512, 1, 2}, {7, 512, 2048, 1, 1}};
  for (const Layer &layer : kLayers) {
    const std::string k = std::to_string(layer.kernel);
    const std::string name = "conv_f32/" + k + "x" + k + "s" + std::to_string(layer.stride) + "/" +
                             std::to_string(layer.size) + "x" + std::to_string(layer.in_c) + "x" +
                             std::to_string(layer.out_c);
    benchmark::RegisterBenchmark(name.c_str(),
                                 [layer](benchmark::State &state) { BenchmarkConv(state, layer); });
  }
  return true;
}();

}  // namespace
}  // namespace kernels
}  // namespace mace
