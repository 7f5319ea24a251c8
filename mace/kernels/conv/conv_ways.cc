// SPDX-License-Identifier: Apache-2.0
// Kernels that can compute a convolution, made ready to be run, and the clock for them.
#include "mace/kernels/conv/conv_ways.h"

#include <time.h>

#include <algorithm>
#include <limits>
#include <memory>

#include "mace/base/allocator.h"

namespace mace {
namespace kernels {

namespace {

// More than an L2 cache holds.
constexpr size_t kOtherBytes = 8 * 1024 * 1024;
// Two images, one of which stays in an L2 cache and one of which does not.
constexpr size_t kSmallBytes = 256 * 1024, kLargeBytes = 16 * 1024 * 1024;
constexpr size_t kLine = 64;

struct Free {
  void operator()(float *p) const { FreeAligned(p); }
};
using Floats = std::unique_ptr<float, Free>;

// Filled with a number; huge pages where the engine has them too.
Floats MakeFloats(int64_t count, float value) {
  const size_t bytes = (static_cast<size_t>(count) + 16) * sizeof(float);
  Floats floats(static_cast<float *>(AllocateAligned(bytes)));
  if (floats == nullptr) std::abort();
  std::fill_n(floats.get(), count + 16, value);
  return floats;
}

// What a way works on.
struct Buffers {
  Floats input, packed, output, scratch;
  int64_t input_floats;
};

double Nanoseconds() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

int64_t ReadLines(const char *from, size_t bytes) {
  int64_t sum = 0;
  for (size_t i = 0; i < bytes; i += kLine) sum += from[i];
  return sum;
}

std::function<void()> Toucher(const std::shared_ptr<Buffers> &buffers) {
  return [buffers] {
    const volatile float *input = buffers->input.get();
    for (int64_t i = 0; i < buffers->input_floats; i += 16) static_cast<void>(input[i]);
  };
}

Way MakeConvWay(ConvShape shape, bool transposed, const GemmKernel &gemm,
                const WinogradKernel *winograd, bool strassen) {
  shape.winograd = winograd;
  shape.strassen = strassen;
  const ConvPlan plan = transposed ? PlanDeconv(shape, gemm, 1) : PlanConv(shape, gemm, 1);
  auto buffers = std::make_shared<Buffers>();
  buffers->input_floats = shape.batch * shape.in_h * shape.in_w * shape.in_c;
  buffers->input = MakeFloats(buffers->input_floats, 0.5f);
  buffers->packed = MakeFloats(plan.packed_floats, 0);
  buffers->output = MakeFloats(shape.batch * shape.out_h * shape.out_w * shape.out_c, 0);
  buffers->scratch = MakeFloats(plan.scratch_floats, 0);
  const Floats filter =
      MakeFloats(shape.out_c * shape.kernel_h * shape.kernel_w * (shape.in_c / shape.group), 0.01f);
  PackConv(plan, filter.get(), nullptr, buffers->packed.get());
  Way way;
  way.name = winograd != nullptr ? winograd->name : gemm.name;
  if (strassen) way.name += "_strassen";
  way.gemm = &gemm;
  way.winograd = winograd;
  way.strassen = strassen;
  way.touch = Toucher(buffers);
  way.run = [plan, buffers] {
    ConvEpilogue epilogue;
    epilogue.high = std::numeric_limits<float>::infinity();
    for (int64_t tile = 0; tile < plan.tiles; ++tile) {
      RunConvTile(plan, epilogue, buffers->input.get(), buffers->packed.get(),
                  buffers->output.get(), tile, buffers->scratch.get());
    }
  };
  return way;
}

}  // namespace

std::vector<Way> ConvWays(const ConvShape &shape, bool transposed, uint32_t isas) {
  std::vector<Way> ways;
  const GemmKernel &best = GemmKernels().Best(isas);
  const WinogradKernel *chosen = transposed ? nullptr : ChooseWinograd(shape, best);
  const bool strassen = !transposed && ChooseStrassen(shape, best);
  for (const GemmKernel &gemm : GemmKernels()) {
    if ((gemm.isa & isas) == 0 || gemm.isa == kIsaReference) continue;
    ways.push_back(MakeConvWay(shape, transposed, gemm, nullptr, false));
    ways.back().chosen = &gemm == &best && chosen == nullptr && !strassen;
    if (transposed) continue;
    if (CanStrassen(shape) &&
        StrassenMayPay(gemm, shape.batch * shape.out_h * shape.out_w, shape.in_c, shape.out_c)) {
      ways.push_back(MakeConvWay(shape, false, gemm, nullptr, true));
      ways.back().chosen = &gemm == &best && strassen;
    }
    if (!CanWinograd(shape)) continue;
    for (const WinogradKernel &kernel : WinogradKernels()) {
      if (!WinogradFits(kernel, gemm, shape.in_c, shape.out_c)) continue;
      ways.push_back(MakeConvWay(shape, false, gemm, &kernel, false));
      ways.back().chosen = &kernel == chosen;
    }
  }
  return ways;
}

std::vector<Way> DwconvWays(const DwconvShape &shape, uint32_t isas) {
  std::vector<Way> ways;
  const int lanes = DwconvLanes(isas, shape.out_c());
  const DwconvKernel *chosen = PlanDwconv(shape, isas, lanes, 1).kernel;
  const int64_t taps = shape.kernel_h * shape.kernel_w;
  for (const DwconvKernel &kernel : DwconvKernels()) {
    if ((kernel.isa & isas) == 0 || kernel.isa == kIsaReference || !DwconvFits(kernel, shape)) {
      continue;
    }
    const DwconvPlan plan = PlanDwconv(shape, kernel, 1);
    auto buffers = std::make_shared<Buffers>();
    buffers->input_floats = shape.batch * shape.in_h * shape.in_w * shape.in_c;
    buffers->input = MakeFloats(buffers->input_floats, 0.5f);
    buffers->packed = MakeFloats(PackedDwconvFloats(kernel.lanes, taps, shape.out_c()), 0.01f);
    buffers->output = MakeFloats(shape.batch * shape.out_h * shape.out_w * shape.out_c(), 0);
    buffers->scratch = MakeFloats(plan.scratch_floats, 0);
    Way way;
    way.name = kernel.name;
    way.chosen = &kernel == chosen;
    way.touch = Toucher(buffers);
    way.run = [plan, buffers] {
      DwconvEpilogue epilogue;
      epilogue.high = std::numeric_limits<float>::infinity();
      for (int64_t tile = 0; tile < plan.tiles; ++tile) {
        RunDwconvTile(plan, epilogue, buffers->input.get(), buffers->packed.get(),
                      buffers->output.get(), tile, buffers->scratch.get());
      }
    };
    ways.push_back(std::move(way));
  }
  return ways;
}

WayTimer::WayTimer() : other_(std::max(kOtherBytes, kLargeBytes)) {}

void WayTimer::Flush() { sum_ = sum_ + ReadLines(other_.data(), kOtherBytes); }

double WayTimer::Least(const Way &way, int runs, double seconds) {
  double least = std::numeric_limits<double>::infinity(), all = 0;
  way.run();
  for (int i = 0; i < runs || all < seconds * 1e9; ++i) {
    Flush();
    way.touch();
    const double begin = Nanoseconds();
    way.run();
    const double took = Nanoseconds() - begin;
    least = std::min(least, took);
    all += took;
  }
  return least;
}

double WayTimer::ByteNanoseconds(double seconds) {
  // The same bytes are written and read in blocks that stay in the cache, and in one that does not.
  double least[2];
  const size_t blocks[2] = {kSmallBytes, kLargeBytes};
  for (int i = 0; i < 2; ++i) {
    least[i] = std::numeric_limits<double>::infinity();
    const double started = Nanoseconds();
    do {
      const double begin = Nanoseconds();
      for (size_t done = 0; done < kLargeBytes; done += blocks[i]) {
        std::fill_n(other_.data(), blocks[i], static_cast<char>(done));
        sum_ = sum_ + ReadLines(other_.data(), blocks[i]);
      }
      least[i] = std::min(least[i], Nanoseconds() - begin);
    } while (Nanoseconds() - started < seconds * 1e9);
  }
  return std::max(0.0, least[1] - least[0]) / static_cast<double>(kLargeBytes);
}

}  // namespace kernels
}  // namespace mace
