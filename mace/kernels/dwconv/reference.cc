// SPDX-License-Identifier: Apache-2.0
// The depthwise kernel in plain C++, as its contract says it: for fewer channels than a vector has
// lanes, and where no other kernel runs.
#include <cmath>

#include "mace/kernels/dwconv/dwconv.h"

namespace mace {
namespace kernels {

void dwconv_f32_any__reference(const DwconvRows &d) {
  const int64_t block = 1 + d.kernel_h * d.kernel_w;
  for (int64_t x = 0; x < d.out_w; ++x) {
    for (int64_t c = 0; c < d.channels; ++c) {
      const float *w = d.packed + c * block;
      float sum = w[0];
      for (int64_t u = d.row_begin; u < d.row_end; ++u) {
        for (int64_t v = 0; v < d.kernel_w; ++v) {
          const int64_t column = x * d.stride_w - d.pad_left + v * d.dilation_w;
          if (column < 0 || column >= d.in_w) continue;
          sum += d.in[u * d.in_row + column * d.channels + c] * w[1 + u * d.kernel_w + v];
        }
      }
      if (sum < d.low) sum = d.low;
      if (sum > d.high) sum = d.high;
      d.out[x * d.channels + c] = sum;
    }
  }
}

void DwconvReference(const DwconvShape &s, const float *input, const float *filter,
                     const float *bias, double *output, double *magnitude) {
  const int64_t out_c = s.out_c();
  for (int64_t i = 0; i < s.batch * s.out_h * s.out_w * out_c; ++i) {
    const int64_t c = i % out_c, x = i / out_c % s.out_w, y = i / out_c / s.out_w % s.out_h;
    const float *image = input + i / (s.out_h * s.out_w * out_c) * s.in_h * s.in_w * s.in_c;
    output[i] = bias == nullptr ? 0.0 : bias[c];
    magnitude[i] = std::fabs(output[i]);
    for (int64_t u = 0; u < s.kernel_h; ++u) {
      for (int64_t v = 0; v < s.kernel_w; ++v) {
        const int64_t iy = y * s.stride_h - s.pad_top + u * s.dilation_h;
        const int64_t ix = x * s.stride_w - s.pad_left + v * s.dilation_w;
        if (iy < 0 || iy >= s.in_h || ix < 0 || ix >= s.in_w) continue;
        const double term =
            static_cast<double>(image[(iy * s.in_w + ix) * s.in_c + c / s.multiplier]) *
            filter[(u * s.kernel_w + v) * out_c + c];
        output[i] += term;
        magnitude[i] += std::fabs(term);
      }
    }
  }
}

}  // namespace kernels
}  // namespace mace
