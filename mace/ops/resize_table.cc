// SPDX-License-Identifier: Apache-2.0
// Coordinates and weights as ONNX Resize defines them, and TensorFlow by the same names.
#include "mace/ops/resize_table.h"

#include <algorithm>
#include <cmath>

#include "mace/ops/attrs/resize.h"

namespace mace {
namespace ops {

namespace {

using Coordinates = ResizeAttrs::Coordinates;
using Mode = ResizeAttrs::Mode;
using NearestMode = ResizeAttrs::NearestMode;

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

// One dimension of the image.
struct Line {
  // Where output pixel x lies in the input. Products before quotients: places between two pixels
  // are then exact, and rounding goes the way that is asked for.
  double Coordinate(double x) const {
    switch (attrs.coordinates) {
      case Coordinates::kAlignCorners:
        return output > 1 ? x * (input - 1) / (output - 1) : 0;
      case Coordinates::kAsymmetric:
        return scale > 0 ? x / scale : x * input / output;
      case Coordinates::kTfCropAndResize: {
        const double start = Roi(dimension), end = Roi(dimension + 2);
        if (output <= 1) return 0.5 * (start + end) * (input - 1);
        return start * (input - 1) + x * (end - start) * (input - 1) / (output - 1);
      }
      case Coordinates::kPytorchHalfPixel:
        if (output <= 1) return 0;
        break;
      default:
        break;
    }
    const double half = scale > 0 ? (x + 0.5) / scale : (x + 0.5) * input / output;
    if (attrs.coordinates != Coordinates::kHalfPixelSymmetric || !(scale > 0)) return half - 0.5;
    // What the cut-off fraction of a pixel leaves free is shared by both sides.
    return input / 2 * (1 - output / (scale * input)) + half - 0.5;
  }

  double Roi(int i) const {
    return attrs.roi.size() == 4 ? static_cast<double>(attrs.roi[static_cast<size_t>(i)])
                                 : static_cast<double>(i / 2);
  }

  // How much wider than between input pixels the weights reach.
  double Stretch() const {
    const double factor = scale > 0 ? 1 / scale : input / output;
    return attrs.antialias && factor > 1 ? factor : 1;
  }

  // Taps on one side of the middle.
  double Side() const { return std::ceil((attrs.mode == Mode::kBicubic ? 2 : 1) * Stretch()); }

  int Taps() const {
    if (attrs.mode == Mode::kNearest) return 1;
    if (attrs.mode == Mode::kArea) {
      return static_cast<int>(std::min(std::ceil(input / output) + 1, input));
    }
    return static_cast<int>(2 * Side());
  }

  void AddTaps(double i, double x, std::vector<double> *places,
               std::vector<double> *weights) const {
    const auto add = [=](double place, double weight) {
      places->push_back(place);
      weights->push_back(weight);
    };
    if (attrs.mode == Mode::kNearest) return add(Round(attrs.nearest_mode, x), 1);
    const double last = input - 1;
    if (attrs.mode == Mode::kArea) {
      const double begin = i * input / output, end = (i + 1) * input / output;
      for (double place = std::floor(begin); place < end && place <= last; ++place) {
        add(place, (std::min(place + 1, end) - std::max(place, begin)) * output / input);
      }
      return;
    }
    const bool cubic = attrs.mode == Mode::kBicubic;
    const double stretch = Stretch();
    if (!cubic && stretch == 1) x = std::min(std::max(x, 0.0), last);
    const double low = std::floor(x), side = Side();
    double sum = 0;
    for (double place = low - side + 1; place <= low + side; ++place) {
      const double distance = std::fabs(x - place) / stretch;
      double weight = cubic ? CubicWeight(distance, static_cast<double>(attrs.cubic_coefficient))
                            : std::max(0.0, 1 - distance);
      if (attrs.exclude_outside && (place < 0 || place > last)) weight = 0;
      sum += weight;
      add(place, weight);
    }
    // Far outside no pixel counts at all.
    if ((!attrs.exclude_outside && stretch == 1) || !(std::fabs(sum) > 1e-6)) return;
    for (double &weight : *weights) weight /= sum;
  }

  const ResizeAttrs &attrs;
  int dimension;
  double input;
  double output;
  double scale;
};

}  // namespace

ResizeTable MakeResizeTable(const ResizeAttrs &attrs, int dimension, int64_t input_size,
                            int64_t output_size, float scale) {
  ResizeTable table;
  const Line line = {attrs, dimension, static_cast<double>(input_size),
                     static_cast<double>(output_size), static_cast<double>(scale)};
  table.taps = line.Taps();
  table.is_identity = input_size == output_size;
  std::vector<double> places, weights;
  for (int64_t i = 0; i < output_size; ++i) {
    places.clear();
    weights.clear();
    const double x = line.Coordinate(static_cast<double>(i));
    table.is_identity = table.is_identity && x == static_cast<double>(i);
    if (attrs.coordinates == Coordinates::kTfCropAndResize && !(x >= 0 && x <= line.input - 1)) {
      table.outside.push_back(i);
    }
    line.AddTaps(static_cast<double>(i), x, &places, &weights);
    for (int t = 0; t < table.taps; ++t) {
      const bool there = static_cast<size_t>(t) < places.size();
      // Places of one sum follow each other, of taps that do not count too: rows are kept by that.
      const double after =
          places.empty() ? t : places.back() + 1 + t - static_cast<double>(places.size());
      const double place = there ? places[static_cast<size_t>(t)] : after;
      table.places.push_back(static_cast<int32_t>(std::min(std::max(place, 0.0), line.input - 1)));
      table.weights.push_back(there ? static_cast<float>(weights[static_cast<size_t>(t)]) : 0);
    }
  }
  return table;
}

}  // namespace ops
}  // namespace mace
