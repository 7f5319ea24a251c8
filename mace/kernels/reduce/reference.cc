// SPDX-License-Identifier: Apache-2.0
// Reductions in double: the truth for all other kernels.
#include <cmath>

#include "mace/kernels/reduce/reduce.h"

namespace mace {
namespace kernels {
namespace {

float Combine(ReduceFunction function, const float *in, int64_t n, int64_t stride) {
  double result = function == kReduceMin    ? HUGE_VAL
                  : function == kReduceMax  ? -HUGE_VAL
                  : function == kReduceProd ? 1
                                            : 0;
  for (int64_t i = 0; i < n; ++i) {
    const double x = static_cast<double>(in[i * stride]);
    switch (function) {
      case kReduceMin:
        result = result < x || std::isnan(result) ? result : x;
        break;
      case kReduceMax:
        result = result > x || std::isnan(result) ? result : x;
        break;
      case kReduceProd:
        result *= x;
        break;
      case kReduceSumSquare:
        result += x * x;
        break;
      case kReduceSumAbs:
        result += std::fabs(x);
        break;
      default:
        result += x;
        break;
    }
  }
  return static_cast<float>(result);
}

float Row(ReduceFunction function, const float *in, int64_t n) {
  return Combine(function, in, n, 1);
}

void Columns(ReduceFunction function, const float *in, int64_t rows, int64_t stride, int64_t width,
             float *out) {
  for (int64_t c = 0; c < width; ++c) out[c] = Combine(function, in + c, rows, stride);
}

}  // namespace

extern const ReduceFunctions reduce_f32__reference;
const ReduceFunctions reduce_f32__reference = {Row, Columns};

}  // namespace kernels
}  // namespace mace
