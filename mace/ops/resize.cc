// SPDX-License-Identifier: Apache-2.0
// Resize: height and width by nearest pixel, bilinear or bicubic. A row of the input is resized in
// width once, kept for as long as output rows need it, and a few such rows make an output row.
#include "mace/kernels/resize/resize.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <utility>
#include <vector>

#include "mace/ops/attrs/resize.h"
#include "mace/ops/broadcast_rows.h"
#include "mace/ops/data_movement.h"
#include "mace/ops/resize_table.h"

namespace mace {
namespace ops {

namespace {

// More taps have no kernel of their own.
constexpr int kMaxTaps = 4;
// Output rows that one thread takes at a time are at least this many: the first one of them needs
// rows that nobody kept.
constexpr int64_t kLeastRows = 8;
// Numbers of the rows of one sum that are kept: 16 KB.
constexpr int64_t kStripFloats = 4096;
// Channels from which on picking a pixel costs no more than copying it.
constexpr int64_t kWidePixel = 8;

struct ResizeState : public OpState {
  ResizeTable height;
  ResizeTable width;
  int64_t row_elements = 0;  // of the output
};

}  // namespace

class ResizeOp : public ShapedOperation {
 public:
  explicit ResizeOp(OpConstructContext *context) : ShapedOperation(context) {}

  MaceStatus Init(OpInitContext *context) override {
    MACE_RETURN_IF_ERROR(ParseAttrs(&attrs_));
    const DataType dtype = context->InputType(1);
    if (dtype != DT_INVALID && dtype != DT_INT32 && dtype != DT_INT64 && dtype != DT_FLOAT) {
      return Invalid("the size must be int32, int64 or float32 (scales), not ",
                     DataTypeName(dtype));
    }
    if (!attrs_.roi.empty() && attrs_.roi.size() != 4) {
      return Invalid("roi needs four numbers, not ", attrs_.roi.size());
    }
    if (dtype != DT_INVALID) return MaceStatus();
    if (attrs_.size.size() == 2 || (attrs_.size.empty() && attrs_.scale.size() == 2)) {
      return MaceStatus();
    }
    return Invalid(
        "it needs a new height and width: a second input, or size or scale of two "
        "numbers");
  }

  MaceStatus InferShape(OpShapeContext *context) override {
    const Shape &input = context->Input(0).shape;
    if (input.rank() != 4) {
      return Invalid("the input must be NHWC, not of shape ", input.ToString());
    }
    int64_t size[2];
    float scale[2];
    MACE_RETURN_IF_ERROR(Sizes(*context, size, scale));
    for (int i = 0; i < 2; ++i) {
      constexpr int64_t kMost = int64_t{1} << 30;
      if (size[i] < 1 || size[i] > kMost || input[1 + i] < 1 || input[1 + i] > kMost) {
        return Invalid("cannot resize ", i == 0 ? "height " : "width ", input[1 + i], " to ",
                       size[i]);
      }
    }
    return SetOutput(context, 0, {input[0], size[0], size[1], input[3]});
  }

  MaceStatus Plan(OpPlanContext *context) override {
    const Shape &input = context->Input(0).shape;
    int64_t size[2];
    float scale[2];
    MACE_RETURN_IF_ERROR(Sizes(*context, size, scale));
    auto state = std::make_unique<ResizeState>();
    for (int i = 0; i < 2; ++i) {
      // Weights of large areas are as many as there are pixels: that must stay sensible.
      if (attrs_.mode != ResizeAttrs::Mode::kNearest &&
          TableBytes(input[1 + i], size[i]) > kMostTableBytes) {
        return OutOfResources(type(), " '", name(), "': resizing ", input[1 + i], " to ", size[i],
                              " takes too much memory");
      }
    }
    state->height = MakeResizeTable(attrs_, 0, input[1], size[0], scale[0]);
    state->width = MakeResizeTable(attrs_, 1, input[2], size[1], scale[1]);
    state->row_elements = size[1] * input[3];
    if (attrs_.mode != ResizeAttrs::Mode::kNearest &&
        (HasManyTaps(*state) || !state->width.is_identity)) {
      const int64_t rows =
          context->thread_pool()->num_threads() * (HasManyTaps(*state) ? 1 : state->height.taps);
      context->RequestScratch(static_cast<size_t>(rows * state->row_elements) * sizeof(float));
    }
    context->SetState(std::move(state));
    return MaceStatus();
  }

  MaceStatus Run(OpContext *context) override {
    const auto &state = *static_cast<const ResizeState *>(context->state());
    const Shape &output = context->output(0)->shape;
    if (output.elements() == 0) return MaceStatus();
    const int64_t grain = std::max(kLeastRows, 2 * kElementGrain / state.row_elements);
    context->thread_pool()->ParallelFor(output[0] * output[1], grain,
                                        [&](int64_t begin, int64_t end, int thread) {
                                          if (attrs_.mode == ResizeAttrs::Mode::kNearest) {
                                            NearestRows(context, state, begin, end);
                                          } else if (HasManyTaps(state)) {
                                            ManyRows(context, state, begin, end, thread);
                                          } else {
                                            SummedRows(context, state, begin, end, thread);
                                          }
                                          FillOutside(context, state, begin, end);
                                        });
    return MaceStatus();
  }

  // As the statistics of this operator always counted.
  int64_t Macs(const OpShapeContext &context) const override {
    return 3 * context.OutputShape(0).elements();
  }

 private:
  static constexpr int64_t kMostTableBytes = int64_t{1} << 30;

  // At most, for weights and places of one dimension.
  static int64_t TableBytes(int64_t input, int64_t output) {
    return 8 * (4 * std::max(input, output) + 8 * output);
  }

  static bool HasManyTaps(const ResizeState &state) {
    const int taps[2] = {state.height.taps, state.width.taps};
    return std::any_of(taps, taps + 2, [](int n) { return n != 2 && n != kMaxTaps; });
  }

  // New height and width, and their scales where these were given (else 0).
  MaceStatus Sizes(const OpShapeContext &context, int64_t (&size)[2], float (&scale)[2]) const {
    std::vector<int64_t> sizes = attrs_.size;
    std::vector<float> scales = attrs_.scale.size() == 2 ? attrs_.scale : std::vector<float>();
    if (context.InputCount() > 1 && context.HasInput(1)) {
      MACE_RETURN_IF_ERROR(ReadSizes(context, &sizes, &scales));
    }
    for (size_t i = 0; i < 2; ++i) {
      scale[i] = 0;
      if (scales.empty()) {
        size[i] = sizes[i];
        continue;
      }
      scale[i] = scales[i];
      if (!sizes.empty()) {
        if (!(scale[i] > 0)) return Invalid("the scale ", scale[i], " must be above 0");
        size[i] = sizes[i];
        continue;
      }
      // In float, as others do: 10 * 0.7f is 7 and not a little less.
      const float product =
          static_cast<float>(context.Input(0).shape[1 + static_cast<int>(i)]) * scales[i];
      if (!(scales[i] > 0) || !(product < 1e9f)) {
        return Invalid("cannot scale height and width by ", scales[0], " and ", scales[1]);
      }
      size[i] = static_cast<int64_t>(product);
    }
    return MaceStatus();
  }

  MaceStatus ReadSizes(const OpShapeContext &context, std::vector<int64_t> *sizes,
                       std::vector<float> *scales) const {
    const Tensor &input = context.Input(1);
    sizes->clear();
    scales->clear();
    if (input.elements() != 2) {
      return Invalid("the size needs two elements, height and width; its shape is ",
                     input.shape.ToString());
    }
    if (input.dtype != DT_FLOAT) return Integers(context, 1, "size", sizes);
    if (!input.is_const || input.raw == nullptr) {
      return NotSupported("scales '", *input.name,
                          "' are computed from the elements of a model input, but the shape that "
                          "depends on them must be known before the run; make them a constant");
    }
    scales->assign(input.data<float>(), input.data<float>() + 2);
    return MaceStatus();
  }

  static void NearestRows(OpContext *context, const ResizeState &state, int64_t begin,
                          int64_t end) {
    const Shape &input = context->input(0)->shape, &output = context->output(0)->shape;
    const int64_t height = output[1], row = state.row_elements;
    const kernels::ResizeFunctions &kernel = kernels::Resize();
    const float *in = context->input(0)->data<float>();
    float *out = context->output(0)->mutable_data<float>();
    for (int64_t i = begin; i < end; ++i) {
      const int64_t batch = i / height, y = i % height;
      const int32_t place = state.height.places[static_cast<size_t>(y)];
      float *to = out + i * row;
      // Wide pixels are faster picked again than copied: the input is half of the row or less.
      if (input[3] < kWidePixel && i > begin && y > 0 &&
          place == state.height.places[static_cast<size_t>(y - 1)]) {
        std::memcpy(to, to - row, static_cast<size_t>(row) * sizeof(float));
        continue;
      }
      const float *from = in + (batch * input[1] + place) * input[2] * input[3];
      kernel.pick(from, state.width.places.data(), output[2], input[3], to);
    }
  }

  // Rows made of `taps` rows, each of them resized in width before: a strip of columns at a time,
  // so that what is resized stays in the first-level cache until it is summed.
  static void SummedRows(OpContext *context, const ResizeState &state, int64_t begin, int64_t end,
                         int thread) {
    const int64_t width = context->output(0)->shape[2], channels = context->output(0)->shape[3];
    const int64_t pixels =
        std::max<int64_t>(1, kStripFloats / std::max<int64_t>(1, state.height.taps * channels));
    for (int64_t x = 0; x < width; x += pixels) {
      SummedStrip(context, state, begin, end, thread, x, std::min(pixels, width - x));
    }
  }

  // Columns [left, left + pixels) of these rows.
  static void SummedStrip(OpContext *context, const ResizeState &state, int64_t begin, int64_t end,
                          int thread, int64_t left, int64_t pixels) {
    const Shape &input = context->input(0)->shape;
    const int64_t height = context->output(0)->shape[1], row = state.row_elements;
    const int64_t channels = input[3], floats = pixels * channels;
    const int taps = state.height.taps;
    const int64_t first_tap = left * state.width.taps;
    const kernels::ResizeFunctions &kernel = kernels::Resize();
    const float *in = context->input(0)->data<float>();
    float *kept = static_cast<float *>(context->scratch()) + thread * taps * row;
    int64_t kept_rows[kMaxTaps] = {-1, -1, -1, -1};
    for (int64_t i = begin; i < end; ++i) {
      const int64_t batch = i / height;
      const size_t first = static_cast<size_t>(i % height * taps);
      const float *rows[kMaxTaps];
      for (int t = 0; t < taps; ++t) {
        const int64_t y = batch * input[1] + state.height.places[first + static_cast<size_t>(t)];
        const float *from = in + y * input[2] * channels;
        rows[t] = from + left * channels;
        if (state.width.is_identity) continue;
        // The rows of one sum follow each other, so no two of them share a place.
        const int64_t slot = y % taps;
        float *resized = kept + slot * floats;
        if (kept_rows[slot] != y) {
          kernel.resample(from, state.width.places.data() + first_tap,
                          state.width.weights.data() + first_tap, state.width.taps, pixels,
                          channels, resized);
          kept_rows[slot] = y;
        }
        rows[t] = resized;
      }
      kernel.blend(rows, &state.height.weights[first], taps, floats,
                   context->output(0)->mutable_data<float>() + i * row + left * channels);
    }
  }

  // Any number of taps: an input row is resized in width for each output row that it is part of.
  static void ManyRows(OpContext *context, const ResizeState &state, int64_t begin, int64_t end,
                       int thread) {
    const Shape &input = context->input(0)->shape, &output = context->output(0)->shape;
    const int64_t height = output[1], width = output[2], channels = input[3];
    const int64_t row = state.row_elements;
    float *resized = static_cast<float *>(context->scratch()) + thread * row;
    for (int64_t i = begin; i < end; ++i) {
      float *to = context->output(0)->mutable_data<float>() + i * row;
      std::fill(to, to + row, 0.0f);
      for (int t = 0; t < state.height.taps; ++t) {
        const size_t tap = static_cast<size_t>(i % height * state.height.taps + t);
        const float factor = state.height.weights[tap];
        if (factor == 0) continue;
        const int64_t y = i / height * input[1] + state.height.places[tap];
        const float *from = context->input(0)->data<float>() + y * input[2] * channels;
        std::fill(resized, resized + row, 0.0f);
        for (int64_t x = 0; x < width; ++x) {
          for (int u = 0; u < state.width.taps; ++u) {
            const size_t place = static_cast<size_t>(x * state.width.taps + u);
            const float weight = state.width.weights[place];
            if (weight == 0) continue;
            const float *pixel = from + state.width.places[place] * channels;
            float *sum = resized + x * channels;
            for (int64_t c = 0; c < channels; ++c) sum[c] += weight * pixel[c];
          }
        }
        for (int64_t k = 0; k < row; ++k) to[k] += factor * resized[k];
      }
    }
  }

  void FillOutside(OpContext *context, const ResizeState &state, int64_t begin, int64_t end) const {
    const Shape &output = context->output(0)->shape;
    const int64_t channels = output[3], row = state.row_elements;
    const std::vector<int64_t> &rows = state.height.outside;
    if (rows.empty() && state.width.outside.empty()) return;
    for (int64_t i = begin; i < end; ++i) {
      float *to = context->output(0)->mutable_data<float>() + i * row;
      if (std::binary_search(rows.begin(), rows.end(), i % output[1])) {
        std::fill(to, to + row, attrs_.extrapolation_value);
        continue;
      }
      for (int64_t x : state.width.outside) {
        std::fill(to + x * channels, to + (x + 1) * channels, attrs_.extrapolation_value);
      }
    }
  }

  ResizeAttrs attrs_;
};

void RegisterResize(OpRegistryBase *op_registry) {
  MACE_REGISTER_OP_CLASS(op_registry, "Resize", ResizeOp, DeviceType::CPU, DT_FLOAT);
}

}  // namespace ops
}  // namespace mace
