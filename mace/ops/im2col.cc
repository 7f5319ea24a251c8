// SPDX-License-Identifier: Apache-2.0
// The windows of an image as rows, which a 1x1 convolution then weighs. Each tap may be moved by an
// offset and scaled by a mask: Zhu et al., "Deformable ConvNets v2", 2018.
#include "mace/ops/attrs/im2col.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>

#include "mace/base/checked.h"
#include "mace/ops/window.h"
#include "mace/runtimes/cpu/thread_pool.h"

namespace mace {
namespace ops {

namespace {

struct Im2ColState : public OpState {
  std::array<WindowLayout, 2> layout;
};

}  // namespace

class Im2ColOp : public WindowOperation {
 public:
  using WindowOperation::WindowOperation;

  MaceStatus InferType(const std::vector<DataType> &inputs,
                       std::vector<DataType> *outputs) override {
    MACE_RETURN_IF_ERROR(CheckFloatInputs(inputs, 3));
    return WindowOperation::InferType(inputs, outputs);
  }

  MaceStatus Init(OpInitContext *) override { return ParseAttrs(&attrs_); }

  MaceStatus InferShape(OpShapeContext *context) override {
    const Shape &input = context->Input(0).shape;
    MACE_RETURN_IF_ERROR(CheckImage("the input", input));
    const std::array<WindowDimension, 2> window = Window();
    MACE_RETURN_IF_ERROR(CheckWindow(window));
    const int64_t taps = window[0].kernel * window[1].kernel;
    if (input[3] % attrs_.group != 0 || input[3] % attrs_.offset_group != 0) {
      return Invalid(input[3], " channels cannot be split into ", attrs_.group, " groups and ",
                     attrs_.offset_group, " groups of offsets");
    }
    int64_t channels = 0;
    if (!CheckedMultiply(taps, input[3], &channels)) return Invalid("the windows are too large");
    MACE_RETURN_IF_ERROR(InferWindows(context, window, channels, &layout_));
    const Shape &output = context->OutputShape(0);
    for (int i = 1; i < 3; ++i) {
      if (i >= context->InputCount() || !context->HasInput(i)) continue;
      const Shape wanted = {output[0], output[1], output[2],
                            attrs_.offset_group * taps * (i == 1 ? 2 : 1)};
      if (context->Input(i).shape == wanted) continue;
      return Invalid(i == 1 ? "offsets" : "a mask", " of shape ",
                     context->Input(i).shape.ToString(), " where ", wanted.ToString(),
                     " is needed");
    }
    return SetOutput(context, 0, output.ToVector());
  }

  MaceStatus Plan(OpPlanContext *context) override {
    auto state = std::make_unique<Im2ColState>();
    state->layout = layout_;
    context->SetState(std::move(state));
    return MaceStatus::MACE_SUCCESS;
  }

  MaceStatus Run(OpContext *context) override {
    Tensor *output = context->output(0);
    if (output->elements() == 0) return MaceStatus::MACE_SUCCESS;
    const Shape &shape = output->shape;
    context->thread_pool()->ParallelFor(shape[0] * shape[1] * shape[2],
                                        std::max<int64_t>(1, kGrain / shape[3]),
                                        [&](int64_t begin, int64_t end, int) {
                                          for (int64_t i = begin; i < end; ++i)
                                            MakeWindow(context, i);
                                        });
    return MaceStatus::MACE_SUCCESS;
  }

 private:
  static constexpr int64_t kGrain = 16 * 1024;

  std::array<WindowDimension, 2> Window() const {
    std::array<WindowDimension, 2> window = WindowOperation::MakeWindow(attrs_);
    for (int i = 0; i < 2; ++i) window[i].kernel = attrs_.kernels[i];
    return window;
  }

  void MakeWindow(OpContext *context, int64_t index) const {
    const Shape &input = context->input(0)->shape, &output = context->output(0)->shape;
    const int64_t channels = input[3], taps = attrs_.kernels[0] * attrs_.kernels[1];
    const int64_t in_group = channels / attrs_.group, in_offset = channels / attrs_.offset_group;
    const Tensor *offsets = context->input_count() > 1 ? context->input(1) : nullptr;
    const Tensor *mask = context->input_count() > 2 ? context->input(2) : nullptr;
    const float *image =
        context->input(0)->data<float>() + index / (output[1] * output[2]) * input.elements(1, 4);
    float *out = context->output(0)->mutable_data<float>() + index * output[3];
    const auto &layout = static_cast<const Im2ColState *>(context->state())->layout;
    const int64_t row = index / output[2] % output[1], column = index % output[2];
    for (int64_t t = 0; t < taps; ++t) {
      const int64_t ky = t / attrs_.kernels[1], kx = t % attrs_.kernels[1];
      const float y0 = static_cast<float>(row * attrs_.strides[0] + ky * attrs_.dilations[0] -
                                          layout[0].pad_begin);
      const float x0 = static_cast<float>(column * attrs_.strides[1] + kx * attrs_.dilations[1] -
                                          layout[1].pad_begin);
      // Runs of channels that have one offset and lie side by side in the output.
      for (int64_t c = 0; c < channels;) {
        const int64_t group = c / in_group, offset = c / in_offset;
        const int64_t end = std::min((group + 1) * in_group, (offset + 1) * in_offset);
        const int64_t tap = (index * attrs_.offset_group + offset) * taps + t;
        float y = y0, x = x0;
        if (offsets != nullptr) {
          y += offsets->data<float>()[2 * tap];
          x += offsets->data<float>()[2 * tap + 1];
        }
        float *to = out + (group * taps + t) * in_group + c % in_group;
        Sample(input, image + c, y, x, mask == nullptr ? 1 : mask->data<float>()[tap], end - c, to);
        c = end;
      }
    }
  }

  // `count` channels of the image at (y, x); pixels outside of it are 0.
  static void Sample(const Shape &shape, const float *image, float y, float x, float scale,
                     int64_t count, float *out) {
    const int64_t height = shape[1], width = shape[2], channels = shape[3];
    std::fill(out, out + count, 0.0f);
    if (!(y > -1 && y < static_cast<float>(height) && x > -1 && x < static_cast<float>(width))) {
      return;
    }
    const float top = std::floor(y), left = std::floor(x);
    for (int t = 0; t < 4; ++t) {
      const float py = top + static_cast<float>(t / 2), px = left + static_cast<float>(t % 2);
      const float weight = scale * (1 - std::fabs(y - py)) * (1 - std::fabs(x - px));
      if (weight == 0 || py < 0 || px < 0) continue;
      const int64_t row = static_cast<int64_t>(py), column = static_cast<int64_t>(px);
      if (row >= height || column >= width) continue;
      const float *pixel = image + (row * width + column) * channels;
      for (int64_t c = 0; c < count; ++c) out[c] += weight * pixel[c];
    }
  }

  Im2ColAttrs attrs_;
  std::array<WindowLayout, 2> layout_;  // from InferShape to Plan
};

void RegisterIm2Col(OpRegistryBase *op_registry) {
  RegisterForTypes<Im2ColOp>(op_registry, "Im2Col", {DT_FLOAT});
}

}  // namespace ops
}  // namespace mace
