// SPDX-License-Identifier: Apache-2.0
// What the benchmarks of float32 and of bfloat16 products share: M, K, N of 1x1 convolutions and of
// fully connected layers. B is one of several copies, so that it comes from memory as in a network.
#ifndef MACE_KERNELS_GEMM_GEMM_BENCHMARK_UTIL_H_
#define MACE_KERNELS_GEMM_GEMM_BENCHMARK_UTIL_H_

#include <sys/mman.h>

#include <cstdint>
#include <cstdlib>
#include <limits>
#include <memory>
#include <string>

#include "benchmark/benchmark.h"
#include "mace/kernels/gemm/gemm.h"

namespace mace {
namespace kernels {

struct Free {
  void operator()(float *p) const { std::free(p); }
};
using Floats = std::unique_ptr<float, Free>;

// In large pages, as the engine's memory is.
inline Floats Allocate(int64_t n) {
  constexpr size_t kPage = 1 << 21;
  const size_t bytes = static_cast<size_t>(n) * sizeof(float);
  const size_t unit = bytes < kPage / 8 ? 64 : kPage, size = (bytes + unit - 1) / unit * unit;
  Floats floats(static_cast<float *>(std::aligned_alloc(unit, size)));
  if (unit == kPage) madvise(floats.get(), size, MADV_HUGEPAGE);
  for (int64_t i = 0; i < n; ++i) floats.get()[i] = static_cast<float>(i % 17 - 8);
  return floats;
}

// scratch: whether rows may be packed.
inline void BenchmarkGemm(benchmark::State &state, const GemmKernel &kernel, const int64_t *mkn,
                          bool scratch) {
  const int64_t m = mkn[0], k = mkn[1], n = mkn[2];
  const int64_t packed_floats = PackedGemmFloats(kernel, k, n);
  const int64_t copies = packed_floats < (1 << 21) ? (1 << 21) / packed_floats : 1;
  const Floats room = Allocate(scratch ? GemmScratchFloats(kernel, k, m, k) : 0);
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
  if (scratch) call.scratch = room.get();
  int64_t copy = 0;
  for (auto _ : state) {
    call.packed = packed.get() + copy++ % copies * packed_floats;
    Gemm(kernel, call, 0, GemmPanels(kernel, n));
  }
  state.counters["FLOPS"] =
      benchmark::Counter(2.0 * m * k * n, benchmark::Counter::kIsIterationInvariantRate);
}

// All shapes by one kernel, which outlives the program's benchmarks.
inline void RegisterGemmBenchmarks(const GemmKernel &kernel, bool scratch) {
  static constexpr int64_t kShapes[][3] = {
      {256, 256, 256}, {1024, 1024, 1024}, {12544, 32, 64}, {3136, 128, 128}, {784, 256, 256},
      {196, 512, 512}, {49, 1024, 1024},   {12544, 16, 96}, {3136, 144, 24},  {1, 1024, 1000}};
  for (const int64_t(&shape)[3] : kShapes) {
    const std::string name = std::string(kernel.name) + "/" + std::to_string(shape[0]) + "x" +
                             std::to_string(shape[1]) + "x" + std::to_string(shape[2]);
    benchmark::RegisterBenchmark(name.c_str(), [&kernel, &shape, scratch](benchmark::State &state) {
      BenchmarkGemm(state, kernel, shape, scratch);
    });
  }
}

}  // namespace kernels
}  // namespace mace

#endif  // MACE_KERNELS_GEMM_GEMM_BENCHMARK_UTIL_H_
