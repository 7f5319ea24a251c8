// SPDX-License-Identifier: Apache-2.0
// The pooling kernels in plain C++, as their contract says it: for fewer channels than a vector has
// lanes, and where no other kernel runs.
#include <limits>

#include "mace/kernels/pool/pool_kernel.h"

namespace mace {
namespace kernels {

namespace {

template <bool kMax>
void Row(const PoolRow &p) {
  for (int64_t x = 0; x < p.out_w; ++x) {
    for (int64_t c = 0; c < p.channels; ++c) {
      float acc = kMax ? -std::numeric_limits<float>::infinity() : 0.0f;
      int64_t columns = 0;
      for (int64_t v = 0; v < p.kernel_w; ++v) {
        const int64_t column = x * p.stride_w - p.pad_left + v * p.dilation_w;
        const bool inside = column >= 0 && column < p.in_w;
        if (inside || (p.count_padding && column < p.count_w)) ++columns;
        if (!inside) continue;
        for (int64_t u = 0; u < p.rows; ++u) {
          const float value = p.in[u * p.in_row + column * p.pixel + c];
          if (kMax) {
            if (value > acc) acc = value;
          } else {
            acc += value;
          }
        }
      }
      const int64_t count = p.row_count * columns;
      if (!kMax) acc = count > 0 ? acc / static_cast<float>(count) : 0.0f;
      p.out[x * p.pixel + c] = acc;
    }
  }
}

}  // namespace

void pool_f32_max__reference(const PoolRow &row) { Row<true>(row); }
void pool_f32_avg__reference(const PoolRow &row) { Row<false>(row); }

}  // namespace kernels
}  // namespace mace
