// SPDX-License-Identifier: Apache-2.0
// ONNX GridSample on images with channels last: output points take their value from where the grid
// says, by the nearest pixel, or as a product of linear or cubic weights along 1 to 3 dimensions.
#include "mace/ops/attrs/grid_sample.h"

#include <algorithm>
#include <cmath>

#include "mace/ops/data_movement.h"
#include "mace/runtimes/cpu/thread_pool.h"

namespace mace {
namespace ops {

namespace {

using Mode = GridSampleAttrs::Mode;
using PaddingMode = GridSampleAttrs::PaddingMode;

constexpr int kMostSpatial = 3;
constexpr int kMostTaps = 4;

// Pixels along one dimension and what they count; weight 0 where nothing is to be read.
struct Taps {
  int count = 0;
  int64_t places[kMostTaps];
  float weights[kMostTaps];
};

// x brought between two mirrors.
double Reflect(double x, double low, double high) {
  const double range = high - low;
  if (!(range > 0)) return low;
  const double folded = std::fmod(std::fabs(x - low), 2 * range);
  return low + (folded > range ? 2 * range - folded : folded);
}

// Keys, "Cubic convolution interpolation for digital image processing", 1981, with a = -0.75.
double CubicWeight(double distance) {
  constexpr double a = -0.75;
  const double d = std::fabs(distance);
  if (d <= 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
  return d < 2 ? ((a * d - 5 * a) * d + 8 * a) * d - 4 * a : 0;
}

Taps MakeTaps(const GridSampleAttrs &attrs, float coordinate, int64_t size) {
  const double last = static_cast<double>(size - 1);
  const double low = attrs.align_corners ? 0 : -0.5, high = attrs.align_corners ? last : last + 0.5;
  double x = static_cast<double>(coordinate);
  x = attrs.align_corners ? (x + 1) / 2 * last : ((x + 1) * static_cast<double>(size) - 1) / 2;
  if (attrs.mode == Mode::kNearest) x = std::nearbyint(x);
  Taps taps;
  // Not a number, and what is too far away to be told from its neighbours, is outside.
  if (!(std::fabs(x) < 1e15)) {
    if (attrs.padding_mode == PaddingMode::kZeros) return taps;
    x = x > 0 ? high : low;
  }
  if (x < low || x > high) {
    // Cubic weights stay those of the point: its pixels are brought inside one by one.
    if (attrs.padding_mode == PaddingMode::kBorder && attrs.mode != Mode::kCubic)
      x = std::min(std::max(x, 0.0), last);
    if (attrs.padding_mode == PaddingMode::kReflection) x = Reflect(x, low, high);
  }
  const auto add = [&](double place, double weight) {
    if (place < 0 || place > last) {
      if (attrs.padding_mode == PaddingMode::kZeros) return;
      if (attrs.padding_mode == PaddingMode::kReflection) place = Reflect(place, low, high);
      place = std::min(std::max(place, 0.0), last);
    }
    taps.places[taps.count] = static_cast<int64_t>(place);
    taps.weights[taps.count++] = static_cast<float>(weight);
  };
  const double floor = std::floor(x);
  if (attrs.mode == Mode::kNearest) {
    add(x, 1);
  } else if (attrs.mode == Mode::kLinear) {
    add(floor, 1 - (x - floor));
    add(floor + 1, x - floor);
  } else {
    for (int t = -1; t < 3; ++t) add(floor + t, CubicWeight(x - floor - t));
  }
  return taps;
}

}  // namespace

class GridSampleOp : public ShapedOperation {
 public:
  using ShapedOperation::ShapedOperation;

  MaceStatus InferType(const std::vector<DataType> &inputs,
                       std::vector<DataType> *outputs) override {
    MACE_RETURN_IF_ERROR(CheckSameTypes(inputs));
    return ShapedOperation::InferType(inputs, outputs);
  }

  MaceStatus Init(OpInitContext *) override { return ParseAttrs(&attrs_); }

  MaceStatus InferShape(OpShapeContext *context) override {
    const Shape &input = context->Input(0).shape, &grid = context->Input(1).shape;
    const int spatial = input.rank() - 2;
    if (spatial < 1 || spatial > kMostSpatial || grid.rank() != input.rank() ||
        grid[0] != input[0] || grid.dim(-1) != spatial) {
      return Invalid("input shape ", input.ToString(), " and grid shape ", grid.ToString(),
                     " do not go together: the input is an image of 1 to 3 dimensions with "
                     "channels last, the grid names a point of it for each point of the output");
    }
    std::vector<int64_t> dims(grid.begin(), grid.end() - 1);
    dims.push_back(input.dim(-1));
    MACE_RETURN_IF_ERROR(SetOutput(context, 0, dims));
    if (input.elements() == 0 && context->OutputShape(0).elements() > 0) {
      return Invalid("input shape ", input.ToString(), " has no pixels to sample");
    }
    return MaceStatus::MACE_SUCCESS;
  }

  MaceStatus Run(OpContext *context) override {
    Tensor *output = context->output(0);
    if (output->elements() == 0) return MaceStatus::MACE_SUCCESS;
    const int64_t channels = output->shape.dim(-1);
    context->thread_pool()->ParallelFor(output->elements() / channels,
                                        std::max<int64_t>(1, kGrain / channels),
                                        [&](int64_t begin, int64_t end, int) {
                                          for (int64_t i = begin; i < end; ++i)
                                            Sample(context, i, channels);
                                        });
    return MaceStatus::MACE_SUCCESS;
  }

 private:
  static constexpr int64_t kGrain = 4 * 1024;

  void Sample(OpContext *context, int64_t point, int64_t channels) const {
    const Shape &input = context->input(0)->shape;
    const int spatial = input.rank() - 2;
    const int64_t points = context->output(0)->elements() / channels / input[0];
    const float *grid = context->input(1)->data<float>() + point * spatial;
    const float *in =
        context->input(0)->data<float>() + point / points * input.elements(1, input.rank());
    float *out = context->output(0)->mutable_data<float>() + point * channels;
    Taps taps[kMostSpatial];
    int combinations = 1;
    for (int d = 0; d < spatial; ++d) {
      // The grid names the innermost dimension first.
      taps[d] = MakeTaps(attrs_, grid[spatial - 1 - d], input[1 + d]);
      combinations *= taps[d].count;
    }
    std::fill(out, out + channels, 0.0f);
    for (int c = 0; c < combinations; ++c) {
      int64_t place = 0;
      float weight = 1;
      int rest = c;
      for (int d = 0; d < spatial; ++d) {
        const int t = rest % taps[d].count;
        rest /= taps[d].count;
        place = place * input[1 + d] + taps[d].places[t];
        weight *= taps[d].weights[t];
      }
      const float *pixel = in + place * channels;
      for (int64_t k = 0; k < channels; ++k) out[k] += weight * pixel[k];
    }
  }

  GridSampleAttrs attrs_;
};

void RegisterGridSample(OpRegistryBase *op_registry) {
  RegisterForTypes<GridSampleOp>(op_registry, "GridSample", {DT_FLOAT});
}

}  // namespace ops
}  // namespace mace
