// SPDX-License-Identifier: Apache-2.0
// How near products come to what a core can multiply: each kernel on square and on awkward shapes,
// in turns with a loop of multiply-adds of its instruction set that touches no memory.
//   gemm_peak_benchmark [TURNS]     MACE_ISA chooses instruction sets
// The peak and, in percent of it: what the product comes to by the least times of its slices
// (of some 50 microseconds, so that other programs spoil few of them), and its best whole run; then
// the median of whole runs, each beside the peak that was measured before it.
#include <algorithm>
#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <memory>
#include <numeric>
#include <vector>

#include "mace/kernels/gemm/gemm_benchmark_util.h"
#include "mace/kernels/gemm/gemm_packed.h"
#include "mace/kernels/gemm/peak.h"

namespace mace {
namespace kernels {
namespace {

constexpr int64_t kShapes[][3] = {
    // rows, depth, columns
    {256, 256, 256},   {384, 384, 384},    {512, 512, 512},  {1024, 1024, 1024}, {256, 1024, 256},
    {1024, 256, 1024}, {256, 256, 1024},   {1024, 256, 256}, {256, 1024, 1024},  {1024, 1024, 256},
    {384, 512, 1024},  {1000, 1000, 1000}, {300, 300, 300},  {1000, 300, 300},   {300, 1000, 300},
    {300, 300, 1000},  {256, 1000, 1000},  {1000, 256, 300}};

constexpr int64_t kPeakTurns = 20000;

PeakFunction PeakOf(Isa isa) {
  return isa == kIsaAvx512 ? peak_f32__avx512 : isa == kIsaAvx2 ? peak_f32__avx2 : peak_f32__sse4;
}

template <typename F>
double Seconds(const F &work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

// The value that this share of all are below.
double Quantile(std::vector<double> values, double share) {
  std::sort(values.begin(), values.end());
  return values[static_cast<size_t>(share * static_cast<double>(values.size() - 1))];
}

// A part of a product that takes some 50 microseconds and does what the whole does in that time.
struct Slice {
  GemmCall call;
  int64_t panel_begin, panel_end;
};

// What Gemm() does, cut: rows where B stays in the L2 cache; else panels, for the rows of A that
// stay there. Of rows that it copies, the first slice copies them for all.
std::vector<Slice> Cut(const GemmKernel &kernel, const GemmCall &whole) {
  constexpr int64_t kResidentFloats = 512 * 1024 / 4, kSliceMacs = 3 << 20;
  const int64_t panels = GemmPanels(kernel, whole.n);
  const bool resident = whole.k * whole.n <= kResidentFloats;
  const int64_t tile = kernel.rows;
  const bool copied = GemmRowsCollide(kernel, whole.lda);
  const int64_t tiles = (whole.m + tile - 1) / tile;
  int64_t step = kSliceMacs / (whole.k * whole.n) / tile + 1, panel_step = panels;
  if (!resident) {
    const int64_t chunks = (whole.m * whole.k + kResidentFloats - 1) / kResidentFloats;
    step = (tiles + chunks - 1) / chunks;
    if (copied) step = std::min(tiles, GemmCopiedRows(kernel, whole.k, whole.m) / tile);
    panel_step = kSliceMacs / (step * tile * whole.k * kernel.columns) + 1;
  }
  std::vector<Slice> slices;
  for (int64_t i = 0; i < whole.m; i += step * tile) {
    for (int64_t p = 0; p < panels; p += panel_step) {
      Slice slice = {whole, p, std::min(panels, p + panel_step)};
      slice.call.a += i * whole.lda;
      slice.call.c += i * whole.ldc;
      slice.call.m = std::min(step * tile, whole.m - i);
      slice.call.streamed = !resident;
      if (!copied) slice.call.scratch = nullptr;
      if (copied && p > 0) {
        slice.call.a = whole.scratch;
        slice.call.lda = whole.k + kGemmRowGap;
        slice.call.scratch = nullptr;
      }
      slices.push_back(slice);
    }
  }
  return slices;
}

// One kernel on one shape. Turns of all go round, so that each meets quiet times.
class Comparison {
 public:
  Comparison(const GemmKernel &kernel, const int64_t *mkn)
      : kernel_(kernel),
        m_(mkn[0]),
        k_(mkn[1]),
        n_(mkn[2]),
        a_(Allocate(m_ * k_)),
        packed_(Allocate(PackedGemmFloats(kernel, k_, n_) + kBeyond)),
        c_(Allocate(m_ * n_)),
        scratch_(Allocate(GemmScratchFloats(kernel, k_, m_, k_))) {
    call_.a = a_.get();
    call_.tap_offsets = kOneTap;
    call_.k = call_.lda = k_;
    call_.packed = packed_.get();
    call_.n = call_.ldc = n_;
    call_.c = c_.get();
    call_.m = m_;
    call_.scratch = scratch_.get();
    call_.low = -std::numeric_limits<float>::infinity();
    call_.high = std::numeric_limits<float>::infinity();
    slices_ = Cut(kernel, call_);
    least_.assign(slices_.size(), std::numeric_limits<double>::infinity());
  }

  void Turn() {
    float numbers[3] = {0.5f, 0.5f, 0};
    const PeakFunction function = PeakOf(kernel_.isa);
    int64_t peak_macs = 0;
    const double peak = Seconds([&] { peak_macs = function(kPeakTurns, numbers); });
    const double whole = Seconds([&] { Gemm(kernel_, call_, 0, GemmPanels(kernel_, n_)); });
    for (size_t i = 0; i < slices_.size(); ++i) {
      const Slice &s = slices_[i];
      const double took = Seconds([&] { Gemm(kernel_, s.call, s.panel_begin, s.panel_end); });
      least_[i] = std::min(least_[i], took);
    }
    peaks_.push_back(static_cast<double>(peak_macs) / peak * 1e-9);
    rates_.push_back(macs() / whole * 1e-9);
    shares_.push_back(rates_.back() / peaks_.back());
  }

  void Print() const {
    const double peak = Quantile(peaks_, 0.8);  // the clock is at times above what lasts
    const double best = *std::max_element(rates_.begin(), rates_.end());
    const double slices = macs() / std::accumulate(least_.begin(), least_.end(), 0.0) * 1e-9;
    printf("%-24s %5" PRId64 " %5" PRId64 " %5" PRId64 " %9.1f %9.1f %8.1f %8.1f %8.1f\n",
           kernel_.name, m_, k_, n_, peak, slices, 100 * slices / peak, 100 * best / peak,
           100 * Quantile(shares_, 0.5));
  }

 private:
  static constexpr int64_t kBeyond = 1 << 16;  // what the last panel fetches ahead
  double macs() const { return static_cast<double>(m_ * k_ * n_); }

  const GemmKernel &kernel_;
  const int64_t m_, k_, n_;
  const Floats a_, packed_, c_, scratch_;
  GemmCall call_;
  std::vector<Slice> slices_;
  std::vector<double> least_, rates_, peaks_, shares_;
};

}  // namespace
}  // namespace kernels
}  // namespace mace

int main(int argc, char **argv) {
  using mace::kernels::Comparison;
  const int turns = argc > 1 ? std::max(1, std::atoi(argv[1])) : 30;
  std::vector<std::unique_ptr<Comparison>> all;
  for (const mace::kernels::GemmKernel &kernel : mace::kernels::GemmKernels()) {
    if ((kernel.isa & mace::SupportedIsas()) == 0 || kernel.isa == mace::kIsaReference) continue;
    for (const auto &shape : mace::kernels::kShapes) {
      all.push_back(std::make_unique<Comparison>(kernel, shape));
    }
  }
  for (int turn = 0; turn < turns; ++turn) {
    for (auto &one : all) one->Turn();
  }
  printf("%-24s %5s %5s %5s %9s %9s %8s %8s %8s\n", "kernel", "m", "k", "n", "peak", "GMAC/s",
         "slices %", "whole %", "median %");
  for (const auto &one : all) one->Print();
  return 0;
}
