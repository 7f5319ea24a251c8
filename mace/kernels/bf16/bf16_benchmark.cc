// SPDX-License-Identifier: Apache-2.0
// Speed of every kernel of bfloat16 products on those of the usual networks, and of
// the best one of float32 beside them: M, K, N. B is one of several copies, so that it comes from
// memory as in a network.
#include <cstdlib>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "benchmark/benchmark.h"
#include "mace/kernels/bf16/bf16_gemm.h"

namespace mace {
namespace kernels {
namespace {

struct Free {
  void operator()(float *p) const { std::free(p); }
};
using Floats = std::unique_ptr<float, Free>;

Floats Allocate(int64_t n) {
  Floats floats(static_cast<float *>(std::aligned_alloc(64, (n * sizeof(float) + 63) / 64 * 64)));
  for (int64_t i = 0; i < n; ++i) floats.get()[i] = static_cast<float>(i % 17 - 8);
  return floats;
}

void BenchmarkGemm(benchmark::State &state, const GemmKernel &kernel, int64_t m, int64_t k,
                   int64_t n) {
  const int64_t packed_floats = PackedGemmFloats(kernel, k, n);
  const int64_t copies = packed_floats < (1 << 21) ? (1 << 21) / packed_floats : 1;
  const Floats scratch = Allocate(GemmScratchFloats(kernel, k, m));
  const Floats a = Allocate(m * k), packed = Allocate(packed_floats * copies), c = Allocate(m * n);
  GemmCall call;
  call.a = a.get();
  call.tap_offsets = kOneTap;
  call.k = k;
  call.lda = k;
  call.n = n;
  call.c = c.get();
  call.ldc = n;
  call.low = -std::numeric_limits<float>::infinity();
  call.high = std::numeric_limits<float>::infinity();
  call.m = m;
  call.scratch = scratch.get();
  int64_t copy = 0;
  for (auto _ : state) {
    call.packed = packed.get() + copy++ % copies * packed_floats;
    Gemm(kernel, call, 0, GemmPanels(kernel, n));
  }
  state.counters["FLOPS"] =
      benchmark::Counter(2.0 * m * k * n, benchmark::Counter::kIsIterationInvariantRate);
}

const bool kRegistered = [] {
  constexpr int64_t kShapes[][3] = {
      {256, 256, 256}, {1024, 1024, 1024}, {12544, 32, 64}, {3136, 128, 128}, {784, 256, 256},
      {196, 512, 512}, {49, 1024, 1024},   {12544, 16, 96}, {3136, 144, 24},  {1, 1024, 1000}};
  std::vector<const GemmKernel *> kernels = {&BestGemm()};
  for (const Bf16GemmKernel &kernel : Bf16GemmKernels()) {
    if ((kernel.isa & SupportedIsas()) != 0 && PermitBf16(kernel)) kernels.push_back(&kernel);
  }
  for (const GemmKernel *kernel : kernels) {
    for (const auto &shape : kShapes) {
      const std::string name = std::string(kernel->name) + "/" + std::to_string(shape[0]) + "x" +
                               std::to_string(shape[1]) + "x" + std::to_string(shape[2]);
      benchmark::RegisterBenchmark(name.c_str(), [kernel, shape](benchmark::State &state) {
        BenchmarkGemm(state, *kernel, shape[0], shape[1], shape[2]);
      });
    }
  }
  return true;
}();

}  // namespace
}  // namespace kernels
}  // namespace mace
