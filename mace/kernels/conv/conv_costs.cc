// SPDX-License-Identifier: Apache-2.0
// Measures every way of 3x3 and 1x1 convolutions, for `mace dev fit`:
//   conv_costs [--runs=N] [--seconds=S] SIZExIN_CHANNELSxOUT_CHANNELS[/1]...
// Prints one JSON object in each line: first what a byte takes to leave the L2 cache and come back,
// then each layer by each way, with its work in the units of mace/base/costs.h. MACE_ISA chooses
// the instruction set.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "mace/base/isa.h"
#include "mace/kernels/conv/conv_ways.h"

namespace mace {
namespace kernels {
namespace {

Work WorkOf(const Way &way, const ConvShape &s) {
  const int64_t rows = s.out_h * s.out_w;
  if (way.strassen) return StrassenWork(*way.gemm, rows, s.in_c, s.out_c);
  if (s.kernel_h == 1) return ProductWork(*way.gemm, rows, s.in_c, s.out_c);
  return WinogradWork(way.winograd, *way.gemm, s.in_c, s.out_c, s.out_h, s.out_w);
}

std::string NameOf(const Way &way) {
  if (way.strassen) return "strassen";
  return way.winograd == nullptr ? "product" : "winograd_" + std::to_string(way.winograd->side);
}

void Measure(WayTimer *timer, int runs, double seconds, const char *layer, const ConvShape &s) {
  for (const Way &way : ConvWays(s, false, BestGemm().isa)) {
    const Work work = WorkOf(way, s);
    printf(
        "{\"layer\": \"%s\", \"way\": \"%s\", \"kernel\": \"%s\", \"chosen\": %s, "
        "\"nanoseconds\": %.1f, \"work\": {\"mac\": %.0f, \"step\": %.0f, \"filter\": %.0f, "
        "\"input\": %.0f, \"output\": %.0f}}\n",
        layer, NameOf(way).c_str(), way.name.c_str(), way.chosen ? "true" : "false",
        timer->Least(way, runs, seconds), work.macs, work.steps, work.filters, work.inputs,
        work.outputs);
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
    long long size = 0, in_c = 0, out_c = 0, kernel = 3;
    char rest = 0;
    const int found =
        sscanf(argv[i], "%lldx%lldx%lld/%lld%c", &size, &in_c, &out_c, &kernel, &rest);
    const bool whole = found == 4 || (found == 3 && std::strchr(argv[i], '/') == nullptr &&
                                      sscanf(argv[i], "%*dx%*dx%*d%c", &rest) != 1);
    if (!whole || size < 1 || in_c < 1 || out_c < 1 || size > 1024 || in_c > 8192 || out_c > 8192 ||
        (kernel != 1 && kernel != 3)) {
      fprintf(stderr,
              "%s: '%s' is no layer as 56x64x128 or 14x256x512/1: size, input and output channels, "
              "side of the windows (3)\n",
              argv[0], argv[i]);
      return 2;
    }
    ConvShape s;
    s.in_h = s.in_w = s.out_h = s.out_w = size;
    s.in_c = in_c;
    s.out_c = out_c;
    s.kernel_h = s.kernel_w = kernel;
    s.pad_top = s.pad_left = kernel / 2;
    Measure(&timer, static_cast<int>(runs), seconds, argv[i], s);
  }
  return 0;
}

}  // namespace
}  // namespace kernels
}  // namespace mace

int main(int argc, char **argv) { return mace::kernels::Main(argc, argv); }
