// SPDX-License-Identifier: Apache-2.0
// Measures the multiply-adds and the copies that this machine can do.
#include "mace/ops/ops_benchmark_limits.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <limits>
#include <vector>

#include "mace/core/operator.h"
#include "mace/kernels/gemm/gemm.h"

namespace mace {
namespace ops {
namespace test {

namespace {

// Rows of A and a panel of B that lie in the smallest L1 cache there is, 32 KB, beside C.
constexpr int64_t kTileFloats = 6 * 1024;
// Products in one call, so that what is around them does not count.
constexpr int64_t kLines = 64;
// What the project wants of its kernels, of the limit.
constexpr double kWantedCopies = 0.85, kWantedProducts = 0.93, kWantedDepthwise = 0.70;

// Of one round in the fastest of many batches, for `seconds`.
template <typename F>
double LeastNanoseconds(double seconds, const F &round) {
  using Clock = std::chrono::steady_clock;
  const auto since = [](Clock::time_point begin) {
    return std::chrono::duration<double, std::nano>(Clock::now() - begin).count();
  };
  const Clock::time_point started = Clock::now();
  double least = std::numeric_limits<double>::infinity();
  for (int64_t rounds = 1; since(started) < seconds * 1e9 || least > 1e18;) {
    const Clock::time_point begin = Clock::now();
    for (int64_t i = 0; i < rounds; ++i) round();
    const double took = since(begin);
    least = std::min(least, took / static_cast<double>(rounds));
    // A batch long enough for the clock, and short enough to lie between two disturbances.
    if (took < 50e3) rounds *= 2;
  }
  return least;
}

}  // namespace

MachineLimits::MachineLimits(int threads, double seconds) : pool_(threads, AFFINITY_NONE) {
  const kernels::GemmKernel &kernel = kernels::BestGemm();
  const int64_t rows = kernel.rows, columns = kernel.columns;
  const int64_t k = kTileFloats / (rows + columns) / 4 * 4;
  const int64_t packed = kernels::PackedGemmFloats(kernel, k, columns);
  const int64_t scratch = kernels::GemmScratchFloats(kernel, k, rows * kLines);
  const int64_t floats = packed + rows * k + rows * columns + scratch + 64;
  std::vector<AlignedBuffer> buffers(static_cast<size_t>(threads));
  for (AlignedBuffer &buffer : buffers) {
    if (!buffer.Allocate(static_cast<size_t>(floats) * sizeof(float)).ok()) return;
    std::memset(buffer.data(), 0, static_cast<size_t>(floats) * sizeof(float));
  }
  const double nanoseconds = LeastNanoseconds(seconds, [&] {
    pool_.ParallelFor(threads, 1, [&](int64_t begin, int64_t, int) {
      float *b = static_cast<float *>(buffers[static_cast<size_t>(begin)].data());
      kernels::GemmCall call;
      call.packed = b;
      call.scratch = scratch == 0 ? nullptr : b + packed;
      call.a = b + packed + scratch;
      call.c = b + packed + scratch + rows * k;
      call.tap_offsets = kernels::kOneTap;
      call.k = call.lda = k;
      call.n = call.ldc = columns;
      call.m = rows;
      call.lines = kLines;  // all of them the same
      call.high = std::numeric_limits<float>::infinity();
      kernels::Gemm(kernel, call, 0, 1);
    });
  });
  macs_per_nanosecond_ = static_cast<double>(threads * rows * columns * k * kLines) / nanoseconds;
}

double MachineLimits::CopyNanoseconds(int64_t bytes, double seconds) {
  const size_t half = static_cast<size_t>(std::max<int64_t>(1, bytes / 2));
  AlignedBuffer from, to;
  if (!from.Allocate(half).ok() || !to.Allocate(half).ok()) return 0;
  std::memset(from.data(), 1, half);
  char *a = static_cast<char *>(from.data());
  char *b = static_cast<char *>(to.data());
  const int64_t n = static_cast<int64_t>(half);
  const int64_t grain = std::max<int64_t>(16384, n / pool_.num_threads() + 1);
  return LeastNanoseconds(seconds, [&] {
    pool_.ParallelFor(n, grain, [=](int64_t begin, int64_t end, int) {
      std::memcpy(b + begin, a + begin, static_cast<size_t>(end - begin));
    });
  });
}

Roofline MachineLimits::Of(const std::string &op, int64_t macs, int64_t moved, double nanoseconds,
                           double seconds) {
  Roofline roofline;
  const double products = static_cast<double>(macs) / macs_per_nanosecond_;
  const double copies = CopyNanoseconds(moved, seconds);
  roofline.copies = copies > products;
  roofline.nanoseconds = std::max(copies, products);
  roofline.share = nanoseconds > 0 ? roofline.nanoseconds / nanoseconds : 0;
  roofline.wanted = op == "DepthwiseConv2d" ? kWantedDepthwise
                    : roofline.copies       ? kWantedCopies
                                            : kWantedProducts;
  return roofline;
}

}  // namespace test
}  // namespace ops
}  // namespace mace
