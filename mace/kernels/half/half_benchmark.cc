// SPDX-License-Identifier: Apache-2.0
// Speed of the kernels of binary16 on the layers of MobileNetV1.
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "benchmark/benchmark.h"
#include "mace/kernels/half/half_conv.h"
#include "mace/kernels/half/half_dwconv.h"

namespace mace {
namespace kernels {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();

void BenchmarkConv(benchmark::State &state, const HalfGemmKernel &kernel, int64_t m, int64_t k,
                   int64_t n) {
  ConvShape s;
  s.in_w = s.out_w = m;
  s.in_c = k;
  s.out_c = n;
  const HalfConvPlan plan = PlanHalfConv(s, kernel, 1);
  const std::vector<float> filter(static_cast<size_t>(k * n), 0.25f);
  const std::vector<uint16_t> input(static_cast<size_t>(m * k), 0x3c00);
  std::vector<uint16_t> packed(static_cast<size_t>(plan.packed_size));
  std::vector<uint16_t> output(static_cast<size_t>(m * n)), scratch(plan.scratch_bytes / 2);
  PackHalfConv(plan, filter.data(), nullptr, packed.data());
  HalfConvEpilogue epilogue;
  epilogue.low = -kInf;
  epilogue.high = kInf;
  for (auto _ : state) {
    for (int64_t tile = 0; tile < plan.tiles; ++tile) {
      RunHalfConvTile(plan, epilogue, input.data(), packed.data(), output.data(), tile,
                      scratch.data());
    }
  }
  state.counters["FLOPS"] =
      benchmark::Counter(2.0 * m * k * n, benchmark::Counter::kIsIterationInvariantRate);
}

void BenchmarkDwconv(benchmark::State &state, const HalfDwconvKernel &kernel, int64_t size,
                     int64_t channels, int64_t stride) {
  DwconvShape s;
  s.in_h = s.in_w = size;
  s.in_c = channels;
  s.kernel_h = s.kernel_w = 3;
  s.stride_h = s.stride_w = stride;
  s.pad_top = s.pad_left = stride == 1 ? 1 : 0;
  s.out_h = s.out_w = size / stride;
  if (!HalfDwconvFits(kernel, s)) return state.SkipWithError("does not fit");
  const HalfDwconvPlan plan = PlanHalfDwconv(s, kernel, 1);
  const std::vector<float> filter(static_cast<size_t>(9 * channels), 0.25f);
  std::vector<uint16_t> packed(static_cast<size_t>(PackedHalfDwconvSize(9, channels)));
  const std::vector<uint16_t> input(static_cast<size_t>(size * size * channels), 0x3c00);
  std::vector<uint16_t> output(static_cast<size_t>(s.out_h * s.out_w * channels));
  PackHalfDwconv(9, channels, filter.data(), nullptr, packed.data());
  DwconvEpilogue epilogue;
  epilogue.low = -kInf;
  epilogue.high = kInf;
  for (auto _ : state) {
    for (int64_t tile = 0; tile < plan.tiles; ++tile) {
      RunHalfDwconvTile(plan, epilogue, input.data(), packed.data(), output.data(), tile);
    }
  }
  state.counters["FLOPS"] = benchmark::Counter(18.0 * s.out_h * s.out_w * channels,
                                               benchmark::Counter::kIsIterationInvariantRate);
}

const bool kRegistered = [] {
  constexpr int64_t kShapes[][3] = {{12544, 32, 64}, {3136, 128, 128}, {784, 256, 256},
                                    {196, 512, 512}, {49, 1024, 1024}, {1, 1024, 1000}};
  for (const HalfGemmKernel &kernel : HalfGemmKernels()) {
    if ((kernel.isa & SupportedIsas()) == 0) continue;
    for (const auto &shape : kShapes) {
      const std::string name = std::string(kernel.name) + "/" + std::to_string(shape[0]) + "x" +
                               std::to_string(shape[1]) + "x" + std::to_string(shape[2]);
      benchmark::RegisterBenchmark(name.c_str(), [&kernel, shape](benchmark::State &state) {
        BenchmarkConv(state, kernel, shape[0], shape[1], shape[2]);
      });
    }
  }
  constexpr int64_t kDepthwise[][3] = {{112, 32, 1}, {112, 64, 2}, {28, 256, 1}, {14, 512, 1}};
  for (const HalfDwconvKernel &kernel : HalfDwconvKernels()) {
    if ((kernel.isa & SupportedIsas()) == 0) continue;
    for (const auto &shape : kDepthwise) {
      if (kernel.stride != 0 && kernel.stride != shape[2]) continue;
      const std::string name = std::string(kernel.name) + "/" + std::to_string(shape[0]) + "x" +
                               std::to_string(shape[1]) + "s" + std::to_string(shape[2]);
      benchmark::RegisterBenchmark(name.c_str(), [&kernel, shape](benchmark::State &state) {
        BenchmarkDwconv(state, kernel, shape[0], shape[1], shape[2]);
      });
    }
  }
  return true;
}();

}  // namespace
}  // namespace kernels
}  // namespace mace
