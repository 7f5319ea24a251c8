// SPDX-License-Identifier: Apache-2.0
// Resizing in double: the truth for all other kernels.
#include "mace/kernels/resize/resize.h"

namespace mace {
namespace kernels {
namespace {

void Resample(const float *in, const int32_t *places, const float *weights, int taps, int64_t n,
              int64_t channels, float *out) {
  for (int64_t x = 0; x < n; ++x, places += taps, weights += taps) {
    for (int64_t c = 0; c < channels; ++c) {
      double sum = 0;
      for (int t = 0; t < taps; ++t) {
        sum += static_cast<double>(weights[t]) * in[places[t] * channels + c];
      }
      out[x * channels + c] = static_cast<float>(sum);
    }
  }
}

void Pick(const float *in, const int32_t *places, int64_t n, int64_t channels, float *out) {
  for (int64_t x = 0; x < n; ++x) {
    for (int64_t c = 0; c < channels; ++c) out[x * channels + c] = in[places[x] * channels + c];
  }
}

void Blend(const float *const *rows, const float *weights, int taps, int64_t n, float *out) {
  for (int64_t i = 0; i < n; ++i) {
    double sum = 0;
    for (int t = 0; t < taps; ++t) sum += static_cast<double>(weights[t]) * rows[t][i];
    out[i] = static_cast<float>(sum);
  }
}

}  // namespace

extern const ResizeFunctions resize_f32__reference;
const ResizeFunctions resize_f32__reference = {Resample, Pick, Blend};

}  // namespace kernels
}  // namespace mace
