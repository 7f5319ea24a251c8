// SPDX-License-Identifier: Apache-2.0
// Normalizations in double: the truth for all other kernels.
#include <algorithm>
#include <cmath>

#include "mace/kernels/norm/norm.h"

namespace mace {
namespace kernels {
namespace {

void LayerNorm(const float *in, const float *scale, const float *offset, float epsilon, int64_t n,
               float *out) {
  double mean = 0, variance = 0;
  for (int64_t i = 0; i < n; ++i) mean += static_cast<double>(in[i]);
  mean /= static_cast<double>(n);
  for (int64_t i = 0; i < n; ++i) {
    const double difference = static_cast<double>(in[i]) - mean;
    variance += difference * difference;
  }
  variance /= static_cast<double>(n);
  const double factor = 1 / std::sqrt(variance + static_cast<double>(epsilon));
  for (int64_t i = 0; i < n; ++i) {
    double y = (static_cast<double>(in[i]) - mean) * factor;
    if (scale != nullptr) y *= static_cast<double>(scale[i]);
    if (offset != nullptr) y += static_cast<double>(offset[i]);
    out[i] = static_cast<float>(y);
  }
}

void LocalResponseRow(const LocalResponse &params, const float *in, int64_t n, float *squares,
                      float *out) {
  for (int64_t i = 0; i < n; ++i) squares[i] = in[i] * in[i];
  for (int64_t i = 0; i < n; ++i) {
    double sum = 0;
    const int64_t last = std::min(n - 1, i + params.radius);
    for (int64_t j = std::max<int64_t>(0, i - params.radius); j <= last; ++j) {
      sum += static_cast<double>(squares[j]);
    }
    const double base = static_cast<double>(params.bias) + static_cast<double>(params.alpha) * sum;
    out[i] = static_cast<float>(static_cast<double>(in[i]) /
                                std::pow(base, static_cast<double>(params.beta)));
  }
}

void Scale(const float *in, float factor, const float *scale, bool one_scale, int64_t n,
           float *out) {
  for (int64_t i = 0; i < n; ++i) out[i] = in[i] * factor * scale[one_scale ? 0 : i];
}

}  // namespace

extern const NormFunctions norm_f32__reference;
const NormFunctions norm_f32__reference = {LayerNorm, LocalResponseRow, Scale};

}  // namespace kernels
}  // namespace mace
