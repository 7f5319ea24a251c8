// SPDX-License-Identifier: Apache-2.0
// From a case of ops_benchmark to the convolution that kernels see.
#include "mace/ops/ops_benchmark_kernels.h"

#include <cstdio>

#include "mace/base/isa.h"
#include "mace/ops/window.h"

namespace mace {
namespace ops {
namespace test {

namespace {

constexpr double kFaster = 0.05;
constexpr int kRuns = 10;

int64_t IntArg(const OperatorDef &def, const std::string &name, size_t i, int64_t otherwise) {
  for (const Argument &arg : def.arg) {
    if (arg.name == name) return arg.ints.empty() ? arg.i : arg.ints[i];
  }
  return otherwise;
}

WindowDimension Window(const OperatorDef &def, size_t i, int64_t kernel) {
  WindowDimension window;
  window.kernel = kernel;
  window.stride = IntArg(def, "strides", i, 1);
  window.dilation = IntArg(def, "dilations", i, 1);
  window.padding = PaddingKind::kSame;
  return window;
}

std::vector<kernels::Way> Convolution(const OperatorDef &def, const std::vector<int64_t> &in,
                                      const std::vector<int64_t> &filter, bool transposed) {
  const WindowDimension windows[2] = {Window(def, 0, filter[1]), Window(def, 1, filter[2])};
  WindowLayout layouts[2];
  std::string problem;
  for (size_t i = 0; i < 2; ++i) {
    const bool fits = transposed ? LayOutTransposed(windows[i], in[1 + i], 0, &layouts[i], &problem)
                                 : LayOutWindow(windows[i], in[1 + i], &layouts[i], &problem);
    if (!fits) return {};
  }
  kernels::ConvShape s;
  SetWindowGeometry(in, windows, layouts, &s);
  s.in_c = in[3];
  s.out_c = filter[0];
  s.group = IntArg(def, "group", 0, 1);
  return kernels::ConvWays(s, transposed, SupportedIsas());
}

std::vector<kernels::Way> Depthwise(const OperatorDef &def, const std::vector<int64_t> &in,
                                    const std::vector<int64_t> &filter) {
  const WindowDimension windows[2] = {Window(def, 0, filter[1]), Window(def, 1, filter[2])};
  WindowLayout layouts[2];
  std::string problem;
  for (size_t i = 0; i < 2; ++i) {
    if (!LayOutWindow(windows[i], in[1 + i], &layouts[i], &problem)) return {};
  }
  kernels::DwconvShape s;
  SetWindowGeometry(in, windows, layouts, &s);
  s.in_c = in[3];
  s.multiplier = filter[3] / in[3];
  return kernels::DwconvWays(s, SupportedIsas());
}

double ChosenTime(const std::vector<KernelTime> &times) {
  for (const KernelTime &time : times) {
    if (time.chosen) return time.nanoseconds;
  }
  return 0;
}

}  // namespace

std::vector<kernels::Way> KernelsOf(const BenchmarkCase &one) {
  if (one.inputs.size() < 2) return {};
  const std::vector<int64_t> &in = one.inputs[0].dims, &filter = one.inputs[1].dims;
  const OperatorDef &def = one.def.def();
  if (one.op == "Conv2D") return Convolution(def, in, filter, false);
  if (one.op == "Deconv2D") return Convolution(def, in, filter, true);
  if (one.op == "DepthwiseConv2d") return Depthwise(def, in, filter);
  if (one.op == "FullyConnected") {
    return Convolution(def, {1, 1, in[0], in[1]}, {filter[0], 1, 1, filter[1]}, false);
  }
  return {};
}

std::vector<KernelTime> TimeKernels(const std::vector<kernels::Way> &ways, double seconds) {
  std::vector<KernelTime> times;
  kernels::WayTimer timer;
  for (const kernels::Way &way : ways) {
    times.push_back({way.name, way.chosen, timer.Least(way, kRuns, seconds)});
  }
  return times;
}

std::string KernelLines(const std::vector<KernelTime> &times) {
  std::string lines;
  const double chosen = ChosenTime(times);
  for (const KernelTime &time : times) {
    char line[160];
    snprintf(line, sizeof(line), "  %c %-60s %12.0f", time.chosen ? '*' : ' ', time.name.c_str(),
             time.nanoseconds);
    lines += line;
    if (time.nanoseconds < chosen * (1 - kFaster)) {
      snprintf(line, sizeof(line), " faster by %.0f %%", 100 * (1 - time.nanoseconds / chosen));
      lines += line;
    }
    lines += "\n";
  }
  return lines;
}

std::string KernelJson(const std::vector<KernelTime> &times) {
  std::string json = "\"kernels\": [";
  const double chosen = ChosenTime(times);
  for (const KernelTime &time : times) {
    char entry[200];
    snprintf(entry, sizeof(entry),
             "%s{\"name\": \"%s\", \"nanoseconds\": %.1f, \"chosen\": %s, \"faster\": %s}",
             &time == times.data() ? "" : ", ", time.name.c_str(), time.nanoseconds,
             time.chosen ? "true" : "false",
             time.nanoseconds < chosen * (1 - kFaster) ? "true" : "false");
    json += entry;
  }
  return json + "]";
}

}  // namespace test
}  // namespace ops
}  // namespace mace
