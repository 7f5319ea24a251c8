// SPDX-License-Identifier: Apache-2.0
// The kernels in plain C++: storage in binary16, arithmetic in float32, one rounding at the end.
#include <algorithm>
#include <cstring>

#include "mace/base/half.h"
#include "mace/kernels/half/half_kernel.h"

namespace mace {
namespace kernels {

namespace {

// NaN passes through.
float Clamp(float x, float low, float high) {
  if (x < low) x = low;
  return x > high ? high : x;
}

}  // namespace

void gemm_f16_8x16__reference(const HalfBlock &block) {
  const float low = HalfToFloat(block.bounds[0]), high = HalfToFloat(block.bounds[1]);
  const intptr_t k = 4 * block.quads;
  const uint16_t *b = block.b;
  for (intptr_t p = 0; p < block.panels; ++p, b += kHalfBias + k * kHalfColumns) {
    uint16_t results[kHalfRows][kHalfColumns];
    for (int i = 0; i < block.height; ++i) {
      float sums[kHalfColumns];
      for (int j = 0; j < kHalfColumns; ++j) sums[j] = HalfToFloat(b[j]);
      for (intptr_t l = 0; l < k; ++l) {
        const float x = HalfToFloat(block.a[(l / 8 * block.height + i) * 8 + l % 8]);
        const uint16_t *row = b + kHalfBias + l * kHalfColumns;
        for (int j = 0; j < kHalfColumns; ++j) sums[j] += x * HalfToFloat(row[j]);
      }
      const uint16_t *c = block.c[i] + p * kHalfColumns;
      for (int j = 0; j < kHalfColumns; ++j) {
        if (block.flags & kHalfBlockResidual) {
          uint16_t residual;
          std::memcpy(&residual, reinterpret_cast<const char *>(c + j) + block.residual,
                      sizeof(residual));
          sums[j] += HalfToFloat(residual);
        }
        results[i][j] = FloatToHalf(Clamp(sums[j], low, high));
      }
    }
    // Rows may be the same one, and their own residual: all are read before one is written.
    for (int i = 0; i < block.height; ++i) {
      std::memcpy(block.c[i] + p * kHalfColumns, results[i], sizeof(results[i]));
    }
  }
}

uint16_t *gemm_f16_8x16__reference_pack(const uint16_t *const *rows, int height, intptr_t octets,
                                        uint16_t *to) {
  for (intptr_t i = 0; i < octets; ++i) {
    for (int r = 0; r < height; ++r, to += 8) std::memcpy(to, rows[r] + 8 * i, 16);
  }
  return to;
}

void dwconv_f16_any__reference(const HalfDwconvRows &d) {
  const int64_t block = (1 + d.kernel_h * d.kernel_w) * kHalfLanes;
  for (int64_t x = 0; x < d.out_w; ++x) {
    for (int64_t c = 0; c < d.channels; ++c) {
      // The last block holds the last channels.
      const int64_t first = std::min(c / kHalfLanes * kHalfLanes, d.channels - kHalfLanes);
      const uint16_t *w = d.packed + c / kHalfLanes * block + (c - first);
      float sum = HalfToFloat(w[0]);
      for (int64_t u = d.row_begin; u < d.row_end; ++u) {
        for (int64_t v = 0; v < d.kernel_w; ++v) {
          const int64_t column = x * d.stride_w - d.pad_left + v * d.dilation_w;
          if (column < 0 || column >= d.in_w) continue;
          sum += HalfToFloat(d.in[u * d.in_row + column * d.channels + c]) *
                 HalfToFloat(w[(1 + u * d.kernel_w + v) * kHalfLanes]);
        }
      }
      d.out[x * d.channels + c] = FloatToHalf(Clamp(sum, d.low, d.high));
    }
  }
}

void convert_f16_f32__reference_from(const uint16_t *in, int64_t n, float *out) {
  for (int64_t i = 0; i < n; ++i) out[i] = HalfToFloat(in[i]);
}

void convert_f16_f32__reference_to(const float *in, int64_t n, uint16_t *out) {
  for (int64_t i = 0; i < n; ++i) out[i] = FloatToHalf(in[i]);
}

}  // namespace kernels
}  // namespace mace
