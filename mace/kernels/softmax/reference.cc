// SPDX-License-Identifier: Apache-2.0
// Softmax in double: the truth for all other kernels.
#include <cmath>

#include "mace/kernels/softmax/softmax.h"

namespace mace {
namespace kernels {
namespace {

void Columns(bool log, const float *in, float *out, int64_t n, int64_t stride, int64_t width) {
  for (int64_t c = 0; c < width; ++c) {
    double max = -HUGE_VAL;
    for (int64_t i = 0; i < n; ++i) {
      const double x = static_cast<double>(in[i * stride + c]);
      if (!(x <= max)) max = x;  // NaN too
    }
    double sum = 0;
    for (int64_t i = 0; i < n; ++i) sum += std::exp(static_cast<double>(in[i * stride + c]) - max);
    const double log_sum = std::log(sum);
    for (int64_t i = 0; i < n; ++i) {
      const double x = static_cast<double>(in[i * stride + c]) - max;
      out[i * stride + c] = static_cast<float>(log ? x - log_sum : std::exp(x) / sum);
    }
  }
}

void Rows(bool log, const float *in, float *out, int64_t count, int64_t n) {
  for (int64_t i = 0; i < count; ++i) Columns(log, in + i * n, out + i * n, n, 1, 1);
}

}  // namespace

extern const SoftmaxFunctions softmax_f32__reference;
const SoftmaxFunctions softmax_f32__reference = {Rows, Columns};

}  // namespace kernels
}  // namespace mace
