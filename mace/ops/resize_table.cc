// SPDX-License-Identifier: Apache-2.0
// Coordinates and weights as ONNX Resize defines them, and TensorFlow by the same names.
#include "mace/ops/attrs/resize.h"
#include "mace/ops/resize_table.h"

#include <algorithm>
#include <cmath>

namespace mace {
namespace ops {

namespace {

using Coordinates = ResizeAttrs::Coordinates;
using Mode = ResizeAttrs::Mode;
using NearestMode = ResizeAttrs::NearestMode;

// Where output pixel x lies in the input. Products before quotients: places between two pixels are
// then exact, and rounding goes the way that is asked for.
double Coordinate(Coordinates rule, double x, double input, double output, double scale) {
  switch (rule) {
    case Coordinates::kAlignCorners:
      return output > 1 ? x * (input - 1) / (output - 1) : 0;
    case Coordinates::kAsymmetric:
      return scale > 0 ? x / scale : x * input / output;
    case Coordinates::kPytorchHalfPixel:
      if (output <= 1) return 0;
      break;
    default:
      break;
  }
  return (scale > 0 ? (x + 0.5) / scale : (x + 0.5) * input / output) - 0.5;
}

double Round(NearestMode mode, double x) {
  switch (mode) {
    case NearestMode::kRoundPreferCeil:
      return std::floor(x + 0.5);
    case NearestMode::kFloor:
      return std::floor(x);
    case NearestMode::kCeil:
      return std::ceil(x);
    default:
      return std::ceil(x - 0.5);
  }
}

// Keys, "Cubic convolution interpolation for digital image processing", 1981, for a distance.
double CubicWeight(double distance, double a) {
  const double d = std::fabs(distance);
  if (d <= 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
  if (d < 2) return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a;
  return 0;
}

}  // namespace

ResizeTable MakeResizeTable(const ResizeAttrs &attrs, int64_t input_size, int64_t output_size,
                            float scale) {
  ResizeTable table;
  table.taps = attrs.mode == Mode::kNearest ? 1 : attrs.mode == Mode::kBilinear ? 2 : 4;
  table.is_identity = input_size == output_size;
  const double last = static_cast<double>(input_size - 1);
  const auto add = [&](double place, double weight) {
    table.places.push_back(static_cast<int32_t>(std::min(std::max(place, 0.0), last)));
    table.weights.push_back(static_cast<float>(weight));
  };
  for (int64_t i = 0; i < output_size; ++i) {
    const double x =
        Coordinate(attrs.coordinates, static_cast<double>(i), static_cast<double>(input_size),
                   static_cast<double>(output_size), static_cast<double>(scale));
    table.is_identity = table.is_identity && x == static_cast<double>(i);
    if (attrs.mode == Mode::kNearest) {
      add(Round(attrs.nearest_mode, x), 1);
    } else if (attrs.mode == Mode::kBilinear) {
      const double inside = std::min(std::max(x, 0.0), last), low = std::floor(inside);
      add(low, 1 - (inside - low));
      add(low + 1, inside - low);
    } else {
      const double low = std::floor(x);
      double weights[4], sum = 0;
      for (int t = 0; t < 4; ++t) {
        const double place = low - 1 + t;
        const bool counts = !attrs.exclude_outside || (place >= 0 && place <= last);
        weights[t] =
            counts ? CubicWeight(x - place, static_cast<double>(attrs.cubic_coefficient)) : 0;
        sum += weights[t];
      }
      // Far outside no pixel counts at all.
      const double scale_up = attrs.exclude_outside && std::fabs(sum) > 1e-6 ? 1 / sum : 1;
      for (int t = 0; t < 4; ++t) add(low - 1 + t, weights[t] * scale_up);
    }
  }
  return table;
}

}  // namespace ops
}  // namespace mace
