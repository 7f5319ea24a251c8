// SPDX-License-Identifier: Apache-2.0
// Measures every way of 3x3 convolutions, for `mace dev fit`:
//   conv_costs [--runs=N] [--seconds=S] SIZExIN_CHANNELSxOUT_CHANNELS...
// Prints one JSON object in each line: first what a byte takes to leave the L2 cache and come back,
// then each layer by each way, with its work in the units of mace/base/costs.h. MACE_ISA chooses
// the instruction set.
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "mace/base/isa.h"
#include "mace/kernels/conv/conv_ways.h"

namespace mace {
namespace kernels {
namespace {

void Measure(WayTimer *timer, int runs, double seconds, const ConvShape &s) {
  for (const Way &way : ConvWays(s, false, BestGemm().isa)) {
    const Work work = WinogradWork(way.winograd, *way.gemm, s.in_c, s.out_c, s.out_h, s.out_w);
    printf("{\"layer\": \"%lldx%lldx%lld\", \"way\": \"", static_cast<long long>(s.in_h),
           static_cast<long long>(s.in_c), static_cast<long long>(s.out_c));
    if (way.winograd == nullptr) {
      printf("product");
    } else {
      printf("winograd_%d", way.winograd->side);
    }
    printf(
        "\", \"kernel\": \"%s\", \"chosen\": %s, \"nanoseconds\": %.1f, \"work\": {\"mac\": %.0f, "
        "\"step\": %.0f, \"filter\": %.0f, \"input\": %.0f, \"output\": %.0f}}\n",
        way.name.c_str(), way.chosen ? "true" : "false", timer->Least(way, runs, seconds),
        work.macs, work.steps, work.filters, work.inputs, work.outputs);
    fflush(stdout);
  }
}

bool TakesNumber(const char *word, const char *flag, double *value) {
  if (std::strncmp(word, flag, std::strlen(flag)) != 0) return false;
  *value = std::atof(word + std::strlen(flag));
  return true;
}

int Main(int argc, char **argv) {
  double runs = 10, seconds = 0.03;
  WayTimer timer;
  bool first = true;
  for (int i = 1; i < argc; ++i) {
    if (TakesNumber(argv[i], "--runs=", &runs) || TakesNumber(argv[i], "--seconds=", &seconds)) {
      continue;
    }
    if (first) {
      printf("{\"isa\": \"%s\", \"byte_nanoseconds\": %.6f}\n", IsaName(BestGemm().isa),
             seconds > 0 ? timer.ByteNanoseconds(seconds) : 0.0);
      first = false;
    }
    long long size = 0, in_c = 0, out_c = 0;
    char rest = 0;
    if (sscanf(argv[i], "%lldx%lldx%lld%c", &size, &in_c, &out_c, &rest) != 3 || size < 1 ||
        in_c < 1 || out_c < 1 || size > 1024 || in_c > 8192 || out_c > 8192) {
      fprintf(stderr, "%s: '%s' is no layer as 56x64x128: size, input and output channels\n",
              argv[0], argv[i]);
      return 2;
    }
    ConvShape s;
    s.in_h = s.in_w = s.out_h = s.out_w = size;
    s.in_c = in_c;
    s.out_c = out_c;
    s.kernel_h = s.kernel_w = 3;
    s.pad_top = s.pad_left = 1;
    Measure(&timer, static_cast<int>(runs), seconds, s);
  }
  return 0;
}

}  // namespace
}  // namespace kernels
}  // namespace mace

int main(int argc, char **argv) { return mace::kernels::Main(argc, argv); }
