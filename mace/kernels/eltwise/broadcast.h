// SPDX-License-Identifier: Apache-2.0
// How the elements of an output are made of those of its inputs under numpy's rules, as rows: the
// dimensions are collapsed to as few as possible, then walked.
#ifndef MACE_KERNELS_ELTWISE_BROADCAST_H_
#define MACE_KERNELS_ELTWISE_BROADCAST_H_

#include <algorithm>
#include <cstdint>

#include "mace/base/types.h"

namespace mace {
namespace kernels {

// The shape that `a` and `b` broadcast to in *out; false when they do not fit.
inline bool BroadcastShapes(const Shape &a, const Shape &b, Shape *out) {
  const int rank = std::max(a.rank(), b.rank());
  out->resize(rank);
  for (int i = 1; i <= rank; ++i) {
    const int64_t x = i <= a.rank() ? a.dim(-i) : 1, y = i <= b.rank() ? b.dim(-i) : 1;
    if (x != y && x != 1 && y != 1) return false;
    (*out)[rank - i] = x == 1 ? y : x;
  }
  return true;
}

// An output of kInputs inputs, collapsed. Strides count elements; those of the last dimension are
// 0 or 1, the output's are dense.
template <int kInputs>
struct Broadcast {
  int rank = 1;
  int64_t dims[kMaxRank] = {1, 1, 1, 1, 1, 1};
  int64_t strides[kInputs][kMaxRank] = {};
  int64_t elements = 1;

  // Every shape in `inputs` broadcasts to `output`.
  static Broadcast Make(const Shape &output, const Shape *const (&inputs)[kInputs]) {
    Broadcast result;
    result.elements = output.elements();
    result.rank = 0;
    int64_t running[kInputs];  // elements of each input in the dimensions below
    for (int64_t &count : running) count = 1;
    // From the innermost dimension outwards; dims are reversed at the end.
    for (int i = 1; i <= output.rank(); ++i) {
      const int64_t size = output.dim(-i);
      int64_t strides[kInputs];
      for (int k = 0; k < kInputs; ++k) {
        const Shape &shape = *inputs[k];
        const int64_t own = i <= shape.rank() ? shape.dim(-i) : 1;
        strides[k] = own == 1 ? 0 : running[k];
        running[k] *= own;
      }
      if (size != 1) result.Append(size, strides);
    }
    if (result.rank == 0) {
      result.rank = 1;
      for (int k = 0; k < kInputs; ++k) result.strides[k][0] = 1;
    }
    std::reverse(result.dims, result.dims + result.rank);
    for (int k = 0; k < kInputs; ++k) {
      std::reverse(result.strides[k], result.strides[k] + result.rank);
    }
    return result;
  }

  // Calls row(first, n, offsets) for rows of at most `longest` elements that make up the elements
  // [begin, end) of the output: n elements from `first` on, of input k from offsets[k] on.
  template <typename RowFunction>
  void ForEachRow(int64_t begin, int64_t end, int64_t longest, const RowFunction &row) const {
    if (begin >= end) return;
    int64_t index[kMaxRank];
    int64_t rest = begin;
    for (int i = rank - 1; i >= 0; --i) {
      index[i] = rest % dims[i];
      rest /= dims[i];
    }
    const int last = rank - 1;
    while (begin < end) {
      const int64_t n = std::min({dims[last] - index[last], end - begin, longest});
      int64_t offsets[kInputs];
      for (int k = 0; k < kInputs; ++k) {
        offsets[k] = 0;
        for (int i = 0; i < rank; ++i) offsets[k] += index[i] * strides[k][i];
      }
      row(begin, n, offsets);
      begin += n;
      index[last] += n;
      for (int i = last; i > 0 && index[i] == dims[i]; --i) {
        index[i] = 0;
        ++index[i - 1];
      }
    }
  }

  // True when input k's element for each output element is the one of the same number.
  bool SameAsOutput(int k) const { return rank == 1 && strides[k][0] == 1; }

 private:
  void Append(int64_t size, const int64_t (&next)[kInputs]) {
    if (rank > 0) {
      bool joins = true;
      for (int k = 0; k < kInputs; ++k) {
        joins = joins && next[k] == strides[k][rank - 1] * dims[rank - 1];
      }
      if (joins) {
        dims[rank - 1] *= size;
        return;
      }
    }
    dims[rank] = size;
    for (int k = 0; k < kInputs; ++k) strides[k][rank] = next[k];
    ++rank;
  }
};

}  // namespace kernels
}  // namespace mace

#endif  // MACE_KERNELS_ELTWISE_BROADCAST_H_
