// SPDX-License-Identifier: Apache-2.0
// RoiAlign (He et al., "Mask R-CNN", 2017): each bin of a region is the mean (or the largest) of
// points between pixels. With the maximum the four weighted pixels of a point count each, as in
// ONNX.
#include "mace/ops/attrs/roi_align.h"

#include <algorithm>
#include <cmath>

#include "mace/ops/bilinear.h"
#include "mace/ops/indexing.h"
#include "mace/runtimes/cpu/thread_pool.h"

namespace mace {
namespace ops {

class RoiAlignOp : public ShapedOperation {
 public:
  using ShapedOperation::ShapedOperation;

  MaceStatus InferType(const std::vector<DataType> &inputs,
                       std::vector<DataType> *outputs) override {
    MACE_RETURN_IF_ERROR(CheckSameTypes({inputs[0], inputs[1]}));
    MACE_RETURN_IF_ERROR(CheckIntegerType("batch_indices", inputs[2]));
    return ShapedOperation::InferType(inputs, outputs);
  }

  MaceStatus Init(OpInitContext *) override { return ParseAttrs(&attrs_); }

  MaceStatus InferShape(OpShapeContext *context) override {
    const Shape &input = context->Input(0).shape, &rois = context->Input(1).shape;
    const Shape &batch = context->Input(2).shape;
    if (input.rank() != 4 || rois.rank() != 2 || rois[1] != 4 || batch.rank() != 1 ||
        batch[0] != rois[0]) {
      return Invalid("input ", input.ToString(), ", regions ", rois.ToString(),
                     " and batch indices ", batch.ToString(),
                     " must be NHWC, [regions, 4] and [regions]");
    }
    if (input.elements() == 0 && rois[0] > 0 && input[3] > 0) {
      return Invalid("input shape ", input.ToString(), " has no pixels to sample");
    }
    return SetOutput(context, 0, {rois[0], attrs_.output_height, attrs_.output_width, input[3]});
  }

  MaceStatus Run(OpContext *context) override {
    const Tensor &batch = *context->input(2);
    Tensor *output = context->output(0);
    if (output->elements() == 0) return MaceStatus::MACE_SUCCESS;
    const int64_t images = context->input(0)->shape[0];
    for (int64_t i = 0; i < batch.elements(); ++i) {
      const int64_t image = IndexAt(batch, i);
      if (image >= 0 && image < images) continue;
      return Invalid("batch index ", image, " of region ", i, " is outside of [0, ", images - 1,
                     "]");
    }
    context->thread_pool()->ParallelFor(output->shape[0] * output->shape[1], 1,
                                        [&](int64_t begin, int64_t end, int) {
                                          for (int64_t i = begin; i < end; ++i) MakeRow(context, i);
                                        });
    return MaceStatus::MACE_SUCCESS;
  }

 private:
  // Points of a bin along one dimension: first + i * step.
  struct Points {
    float first;
    float step;
    int64_t count;
  };

  // Bounds of regions and their scale come from outside: numbers of points are kept sensible.
  static constexpr float kMostPoints = 4096;

  Points MakePoints(float begin, float size, int64_t bins, int64_t bin) const {
    const float bin_size = size / static_cast<float>(bins);
    int64_t count = attrs_.sampling_ratio;
    if (count == 0) {
      const float wanted = std::ceil(bin_size);
      count = wanted >= 1 ? static_cast<int64_t>(std::min(wanted, kMostPoints)) : 0;
    }
    const float step = count == 0 ? 0 : bin_size / static_cast<float>(count);
    return {begin + static_cast<float>(bin) * bin_size + step / 2, step, count};
  }

  void MakeRow(OpContext *context, int64_t row) const {
    const Tensor &input = *context->input(0);
    const int64_t region = row / attrs_.output_height, channels = input.shape[3];
    const float *roi = context->input(1)->data<float>() + region * 4;
    const float offset = attrs_.half_pixel ? 0.5f : 0.0f, scale = attrs_.spatial_scale;
    const float left = roi[0] * scale - offset, top = roi[1] * scale - offset;
    float width = roi[2] * scale - offset - left, height = roi[3] * scale - offset - top;
    if (!attrs_.half_pixel) {
      width = std::max(width, 1.0f);
      height = std::max(height, 1.0f);
    }
    const float *image =
        input.data<float>() + IndexAt(*context->input(2), region) * input.shape.elements(1, 4);
    float *out = context->output(0)->mutable_data<float>() + row * attrs_.output_width * channels;
    const Points ys = MakePoints(top, height, attrs_.output_height, row % attrs_.output_height);
    for (int64_t x = 0; x < attrs_.output_width; ++x, out += channels) {
      const Points xs = MakePoints(left, width, attrs_.output_width, x);
      MakeBin(input.shape, image, ys, xs, out);
    }
  }

  void MakeBin(const Shape &shape, const float *image, const Points &ys, const Points &xs,
               float *out) const {
    const int64_t height = shape[1], width = shape[2], channels = shape[3];
    const bool largest = attrs_.mode == RoiAlignAttrs::Mode::kMax;
    std::fill(out, out + channels, 0.0f);
    bool first = true;
    for (int64_t i = 0; i < ys.count * xs.count; ++i) {
      float y = ys.first + ys.step * static_cast<float>(i / xs.count);
      float x = xs.first + xs.step * static_cast<float>(i % xs.count);
      const bool inside =
          y >= -1 && y <= static_cast<float>(height) && x >= -1 && x <= static_cast<float>(width);
      BilinearPoint point = {};  // a point outside counts as 0
      if (inside) {
        y = std::min(std::max(y, 0.0f), static_cast<float>(height - 1));
        x = std::min(std::max(x, 0.0f), static_cast<float>(width - 1));
        point = BilinearAt(y, x, height, width);
      } else if (!largest) {
        continue;
      }
      for (int t = 0; t < 4; ++t) {
        const float *pixel = image + point.places[t] * channels;
        const float weight = point.weights[t];
        if (!largest) {
          for (int64_t c = 0; c < channels; ++c) out[c] += weight * pixel[c];
        } else {
          for (int64_t c = 0; c < channels; ++c) {
            const float value = inside ? weight * pixel[c] : 0;
            out[c] = first ? value : std::max(out[c], value);
          }
          first = false;
        }
      }
    }
    if (largest) return;
    const float share = 1.0f / static_cast<float>(std::max<int64_t>(1, ys.count * xs.count));
    for (int64_t c = 0; c < channels; ++c) out[c] *= share;
  }

  RoiAlignAttrs attrs_;
};

void RegisterRoiAlign(OpRegistryBase *op_registry) {
  RegisterForTypes<RoiAlignOp>(op_registry, "RoiAlign", {DT_FLOAT});
}

}  // namespace ops
}  // namespace mace
