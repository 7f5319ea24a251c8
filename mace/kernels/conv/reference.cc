// SPDX-License-Identifier: Apache-2.0
// Convolutions as their definitions say them, in double.
#include <cmath>

#include "mace/kernels/conv/conv.h"

namespace mace {
namespace kernels {

namespace {

// Calls add(input index, output index, filter index) for each product of the convolution, with the
// images of a convolution: for a transposed one input and output are exchanged.
struct Loop {
  const ConvShape &s;
  int64_t outer_h, outer_w, inner_h, inner_w;

  template <typename Add>
  void Pixels(Add add) const {
    for (int64_t y = 0; y < outer_h; ++y) {
      for (int64_t x = 0; x < outer_w; ++x) {
        for (int64_t u = 0; u < s.kernel_h; ++u) {
          const int64_t iy = y * s.stride_h - s.pad_top + u * s.dilation_h;
          for (int64_t v = 0; v < s.kernel_w; ++v) {
            const int64_t ix = x * s.stride_w - s.pad_left + v * s.dilation_w;
            if (iy < 0 || iy >= inner_h || ix < 0 || ix >= inner_w) continue;
            add(y * outer_w + x, iy * inner_w + ix, u * s.kernel_w + v);
          }
        }
      }
    }
  }
};

}  // namespace

void ConvReference(const ConvShape &s, bool transposed, const float *input, const float *filter,
                   const float *bias, double *output, double *magnitude) {
  const int64_t in_pixels = s.in_h * s.in_w, out_pixels = s.out_h * s.out_w;
  for (int64_t i = 0; i < s.batch * out_pixels * s.out_c; ++i) {
    output[i] = bias == nullptr ? 0.0 : bias[i % s.out_c];
    magnitude[i] = std::fabs(output[i]);
  }
  const int64_t group_in = s.in_c / s.group, group_out = s.out_c / s.group;
  const Loop loop = transposed ? Loop{s, s.in_h, s.in_w, s.out_h, s.out_w}
                               : Loop{s, s.out_h, s.out_w, s.in_h, s.in_w};
  for (int64_t n = 0; n < s.batch; ++n) {
    loop.Pixels([&](int64_t outer, int64_t inner, int64_t tap) {
      const int64_t in = n * in_pixels + (transposed ? outer : inner);
      const int64_t out = n * out_pixels + (transposed ? inner : outer);
      for (int64_t o = 0; o < s.out_c; ++o) {
        const float *x = input + in * s.in_c + o / group_out * group_in;
        const float *w = filter + (o * s.kernel_h * s.kernel_w + tap) * group_in;
        for (int64_t c = 0; c < group_in; ++c) {
          const double term = static_cast<double>(x[c]) * w[c];
          output[out * s.out_c + o] += term;
          magnitude[out * s.out_c + o] += std::fabs(term);
        }
      }
    });
  }
}

}  // namespace kernels
}  // namespace mace
