// SPDX-License-Identifier: Apache-2.0
// Products by Strassen's way and by the definition, rows x k x n, on one thread with the best GEMM
// kernel.
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "benchmark/benchmark.h"
#include "mace/kernels/strassen/strassen.h"

namespace mace {
namespace kernels {
namespace {

struct Size {
  int64_t rows, k, n;
};

// From a cache line on.
class Floats {
 public:
  Floats(int64_t n, float value) : room_(static_cast<size_t>(n + 16), value) {}
  float *data() {
    const uintptr_t at = reinterpret_cast<uintptr_t>(room_.data());
    return room_.data() + (64 - at % 64) % 64 / sizeof(float);
  }

 private:
  std::vector<float> room_;
};

void Count(benchmark::State &state, const Size &size) {
  state.counters["FLOPS"] =
      benchmark::Counter(2.0 * static_cast<double>(size.rows * size.k * size.n),
                         benchmark::Counter::kIsIterationInvariantRate);
}

void BenchmarkStrassen(benchmark::State &state, const Size &size) {
  const StrassenPlan plan = PlanStrassen(BestGemm(), size.rows, size.k, size.n, 1);
  Floats a(size.rows * size.k, 0.5f), b(size.k * size.n, 0.25f), c(size.rows * size.n, 0),
      packed(plan.packed_floats, 0), scratch(plan.scratch_floats, 0);
  PackStrassen(plan, b.data(), nullptr, packed.data());
  StrassenCall call;
  call.a = a.data();
  call.packed = packed.data();
  call.c = c.data();
  call.high = std::numeric_limits<float>::infinity();
  call.scratch = scratch.data();
  for (auto _ : state) {
    for (int64_t tile = 0; tile < plan.tiles; ++tile) RunStrassenTile(plan, call, tile);
  }
  Count(state, size);
}

void BenchmarkProduct(benchmark::State &state, const Size &size) {
  const GemmKernel &gemm = BestGemm();
  const int64_t part = GemmPart(gemm, size.k),
                scratch_floats = GemmScratchFloats(gemm, size.k, size.rows, size.k);
  Floats a(size.rows * size.k, 0.5f), b(size.k * size.n, 0.25f), c(size.rows * size.n, 0),
      packed(PackedGemmFloats(gemm, size.k, size.n, part), 0), scratch(scratch_floats, 0);
  PackGemm(gemm, {b.data(), kOneTap, 1, size.k, 1, size.k, part}, size.n, nullptr, packed.data());
  GemmCall call;
  call.a = a.data();
  call.tap_offsets = kOneTap;
  call.k = call.lda = size.k;
  call.part = part;
  call.packed = packed.data();
  call.n = call.ldc = size.n;
  call.c = c.data();
  call.high = std::numeric_limits<float>::infinity();
  call.m = size.rows;
  call.streamed = size.k * size.n > 128 * 1024;
  if (scratch_floats > 0) call.scratch = scratch.data();
  for (auto _ : state) Gemm(gemm, call, 0, GemmPanels(gemm, size.n));
  Count(state, size);
}

const bool kRegistered = [] {
  // 1x1 convolutions of MobileNetV1, ResNet50, InceptionV3.
  constexpr Size kSizes[] = {{3136, 64, 256},  {3136, 256, 64}, {784, 256, 256},  {784, 128, 512},
                             {784, 512, 128},  {196, 256, 512}, {196, 512, 512},  {196, 256, 1024},
                             {196, 1024, 256}, {49, 512, 1024}, {49, 1024, 1024}, {49, 512, 2048},
                             {49, 2048, 512},  {1225, 256, 64}, {289, 768, 192},  {64, 1280, 320}};
  for (const Size &size : kSizes) {
    const std::string name =
        std::to_string(size.rows) + "x" + std::to_string(size.k) + "x" + std::to_string(size.n);
    if (!StrassenFits(BestGemm(), size.k, size.n)) continue;
    benchmark::RegisterBenchmark(("product/" + name).c_str(), [size](benchmark::State &state) {
      BenchmarkProduct(state, size);
    });
    benchmark::RegisterBenchmark(("strassen/" + name).c_str(), [size](benchmark::State &state) {
      BenchmarkStrassen(state, size);
    });
  }
  return true;
}();

}  // namespace
}  // namespace kernels
}  // namespace mace
