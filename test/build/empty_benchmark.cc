// SPDX-License-Identifier: Apache-2.0
// Shows that a benchmark compiles and links on the host, and is passed over elsewhere.
#include "benchmark/benchmark.h"

static void Nothing(benchmark::State &state) {
  for (auto _ : state) benchmark::ClobberMemory();
}
BENCHMARK(Nothing);
