// SPDX-License-Identifier: Apache-2.0
// Runs a row function of two inputs over an output, on all threads. An input that repeats every few
// elements, such as one number for each of three channels, is written out into a longer period
// first, so that rows never get short for it.
#ifndef MACE_OPS_BROADCAST_ROWS_H_
#define MACE_OPS_BROADCAST_ROWS_H_

#include <algorithm>
#include <cstdint>

#include "mace/core/operator.h"
#include "mace/kernels/copy/copy_bytes.h"
#include "mace/kernels/eltwise/broadcast.h"
#include "mace/kernels/eltwise/eltwise.h"
#include "mace/runtimes/cpu/thread_pool.h"

namespace mace {
namespace ops {

// Elements that one thread takes at a time.
constexpr int64_t kElementGrain = 16 * 1024;
// The longest row: what was computed is still in the first-level cache for what follows.
constexpr int64_t kLongestRow = 2048;

class BroadcastRows : public OpState {
 public:
  BroadcastRows(const Shape &output, const Shape &a, const Shape &b)
      : plan_(kernels::Broadcast<2>::Make(output, {&a, &b})) {
    if (plan_.rank != 2 || plan_.dims[1] > kLongestRow / 4) return;
    for (int k = 0; k < 2; ++k) {
      const bool repeats = plan_.strides[k][0] == 0 && plan_.strides[k][1] == 1;
      const bool other_dense =
          plan_.strides[1 - k][0] == plan_.dims[1] && plan_.strides[1 - k][1] == 1;
      if (!repeats || !other_dense) continue;
      repeating_ = k;
      channels_ = plan_.dims[1];
      repeats_ = std::min(plan_.dims[0], kLongestRow / channels_ + 1);
    }
  }

  // Of memory that Run needs.
  size_t scratch_bytes(size_t element_bytes) const {
    return static_cast<size_t>(channels_ * repeats_) * element_bytes;
  }

  // Output elements and those of input k have the same places.
  bool SameAsOutput(int k) const {
    return plan_.SameAsOutput(k) || (repeating_ >= 0 && repeating_ != k);
  }

  // Calls row(step, a, b, first, n) for rows that make up the output: n elements from `first` on,
  // made of a[0..n) or a[0] and b[0..n) or b[0]. T may be void: then `size` is what counts.
  template <typename T, typename Row>
  void Run(ThreadPool *pool, const T *a, const T *b, size_t size, void *scratch,
           const Row &row) const {
    const char *bytes_a = reinterpret_cast<const char *>(a);
    const char *bytes_b = reinterpret_cast<const char *>(b);
    const int64_t bytes = static_cast<int64_t>(size);
    const auto call = [&](kernels::RowStep step, const char *x, const char *y, int64_t first,
                          int64_t n) {
      row(step, reinterpret_cast<const T *>(x), reinterpret_cast<const T *>(y), first, n);
    };
    if (repeating_ >= 0) {
      return RunRepeating(pool, bytes_a, bytes_b, bytes, static_cast<char *>(scratch), call);
    }
    const int last = plan_.rank - 1;
    const bool step_a = plan_.strides[0][last] != 0, step_b = plan_.strides[1][last] != 0;
    const kernels::RowStep step = step_a && step_b ? kernels::RowStep::kBoth
                                  : step_a         ? kernels::RowStep::kFirst
                                                   : kernels::RowStep::kSecond;
    pool->ParallelFor(plan_.elements, kElementGrain, [&](int64_t begin, int64_t end, int) {
      plan_.ForEachRow(
          begin, end, kLongestRow, [&](int64_t first, int64_t n, const int64_t *offsets) {
            call(step, bytes_a + offsets[0] * bytes, bytes_b + offsets[1] * bytes, first, n);
          });
    });
  }

 private:
  template <typename Row>
  void RunRepeating(ThreadPool *pool, const char *a, const char *b, int64_t size, char *period,
                    const Row &row) const {
    const char *channel = repeating_ == 0 ? a : b;
    const int64_t bytes = channels_ * size;
    for (int64_t i = 0; i < repeats_; ++i) {
      kernels::CopyBytes(period + i * bytes, channel, static_cast<size_t>(bytes));
    }
    const int64_t length = channels_ * repeats_;
    pool->ParallelFor(plan_.elements, kElementGrain, [&](int64_t begin, int64_t end, int) {
      while (begin < end) {
        const int64_t phase = begin % channels_;
        const int64_t n = std::min(end - begin, length - phase);
        const char *row_a = repeating_ == 0 ? period + phase * size : a + begin * size;
        const char *row_b = repeating_ == 0 ? b + begin * size : period + phase * size;
        row(kernels::RowStep::kBoth, row_a, row_b, begin, n);
        begin += n;
      }
    });
  }

  kernels::Broadcast<2> plan_;
  int repeating_ = -1;    // the input that repeats
  int64_t channels_ = 0;  // its elements
  int64_t repeats_ = 0;   // how often they are written out
};

}  // namespace ops
}  // namespace mace

#endif  // MACE_OPS_BROADCAST_ROWS_H_
