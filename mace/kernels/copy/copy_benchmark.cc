// SPDX-License-Identifier: Apache-2.0
// Bandwidth of transpositions as networks have them, beside memcpy of the same size.
#include <benchmark/benchmark.h>

#include <cstring>
#include <vector>

#include "mace/kernels/copy/copy.h"

namespace mace {
namespace kernels {
namespace {

void Memcpy(benchmark::State &state) {
  const int64_t bytes = state.range(0) * state.range(1) * 4;
  std::vector<uint8_t> src(bytes), dst(bytes);
  for (auto _ : state) {
    std::memcpy(dst.data(), src.data(), bytes);
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(state.iterations() * bytes);
}

void Transpose(benchmark::State &state, uint32_t isas) {
  const int64_t rows = state.range(0), columns = state.range(1), bytes = rows * columns * 4;
  std::vector<uint8_t> src(bytes), dst(bytes);
  StridedCopy copy(4);
  copy.Add(rows, columns * 4, 4);
  copy.Add(columns, 4, rows * 4);
  copy.Prepare(isas);
  for (auto _ : state) {
    copy.Run(src.data(), dst.data(), 0, copy.units());
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(state.iterations() * bytes);
  state.SetLabel(copy.kernel_name());
}

// Rows x columns: NHWC to NCHW and back of an image, of a middle and of a late feature map, and a
// matrix whose rows fall on the same cache sets.
void Shapes(benchmark::internal::Benchmark *b) {
  b->Args({300 * 300, 3})->Args({3, 300 * 300})->Args({56 * 56, 128})->Args({7 * 7, 1024});
  b->Args({1024, 1024});
}

BENCHMARK(Memcpy)->Apply(Shapes);
BENCHMARK_CAPTURE(Transpose, best, SupportedIsas())->Apply(Shapes);
BENCHMARK_CAPTURE(Transpose, reference, kIsaReference)->Apply(Shapes);

}  // namespace
}  // namespace kernels
}  // namespace mace
