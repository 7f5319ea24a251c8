// SPDX-License-Identifier: Apache-2.0
// How an operator makes a few rows of an image from a few rows of another, so that a chain of them
// keeps what passes between in the cache. See plan_chain.h.
#ifndef MACE_CORE_ROWS_H_
#define MACE_CORE_ROWS_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace mace {

// Images are [batch][height][row]. Row y of the output is made of the rows
// [y * stride - pad, y * stride - pad + extent) of input 0 that exist, and of row y of the
// residual.
struct RowGeometry {
  int64_t batch = 1;
  int64_t in_h = 0, out_h = 0;
  size_t in_row = 0, out_row = 0;  // bytes from a row to the next
  int64_t stride = 1, pad = 0, extent = 1;
  // Calls begin at multiples of it, and end there or with the image.
  int64_t granule = 1;
  size_t scratch = 0;       // bytes that a call needs, 64-byte aligned
  size_t weights = 0;       // bytes that each call reads
  int residual_input = -1;  // the input that is added, of the output's shape; -1: none

  int64_t FirstInput(int64_t y) const {
    return std::min(in_h, std::max<int64_t>(0, y * stride - pad));
  }
  // One past the last input row below the outputs [0, end).
  int64_t InputEnd(int64_t end) const {
    return end <= 0 ? 0 : std::min(in_h, std::max<int64_t>(0, (end - 1) * stride - pad + extent));
  }
};

// Pointers are to where row 0 of the image would lie; only rows that are needed are there.
struct RowCall {
  const void *input = nullptr;
  const void *residual = nullptr;
  void *output = nullptr;
  int64_t begin = 0, end = 0;  // rows of the output
  void *scratch = nullptr;
};

}  // namespace mace

#endif  // MACE_CORE_ROWS_H_
