// SPDX-License-Identifier: Apache-2.0
// TensorFlow's CropAndResize: boxes are cut out of images and resized to one size. Corners of boxes
// are points of the image, 0 the first and 1 the last pixel; what is outside has one value.
#include "mace/ops/attrs/crop_and_resize.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "mace/ops/bilinear.h"
#include "mace/ops/indexing.h"
#include "mace/runtimes/cpu/thread_pool.h"

namespace mace {
namespace ops {

class CropAndResizeOp : public ShapedOperation {
 public:
  using ShapedOperation::ShapedOperation;

  MaceStatus InferType(const std::vector<DataType> &inputs,
                       std::vector<DataType> *outputs) override {
    MACE_RETURN_IF_ERROR(CheckSameTypes({inputs[0], inputs[1]}));
    MACE_RETURN_IF_ERROR(CheckIntegerType("box_indices", inputs[2]));
    MACE_RETURN_IF_ERROR(CheckIntegerType("crop_size", inputs[3]));
    return ShapedOperation::InferType(inputs, outputs);
  }

  MaceStatus Init(OpInitContext *) override { return ParseAttrs(&attrs_); }

  MaceStatus InferShape(OpShapeContext *context) override {
    const Shape &input = context->Input(0).shape, &boxes = context->Input(1).shape;
    const Shape &indices = context->Input(2).shape;
    std::vector<int64_t> size;
    MACE_RETURN_IF_ERROR(Integers(*context, 3, "crop_size", &size));
    if (input.rank() != 4 || boxes.rank() != 2 || boxes[1] != 4 || indices.rank() != 1 ||
        indices[0] != boxes[0] || size.size() != 2) {
      return Invalid("input ", input.ToString(), ", boxes ", boxes.ToString(), ", indices ",
                     indices.ToString(), " and ", size.size(),
                     " sizes must be NHWC, [boxes, 4], [boxes] and height and width");
    }
    if (input.elements() == 0 && boxes[0] > 0 && input[3] > 0) {
      return Invalid("input shape ", input.ToString(), " has no pixels to sample");
    }
    return SetOutput(context, 0, {boxes[0], size[0], size[1], input[3]});
  }

  MaceStatus Run(OpContext *context) override {
    const Tensor &indices = *context->input(2);
    Tensor *output = context->output(0);
    if (output->elements() == 0) return MaceStatus::MACE_SUCCESS;
    const int64_t images = context->input(0)->shape[0];
    for (int64_t i = 0; i < indices.elements(); ++i) {
      const int64_t image = IndexAt(indices, i);
      if (image >= 0 && image < images) continue;
      return Invalid("index ", image, " of box ", i, " is outside of [0, ", images - 1, "]");
    }
    context->thread_pool()->ParallelFor(output->shape[0] * output->shape[1], 1,
                                        [&](int64_t begin, int64_t end, int) {
                                          for (int64_t i = begin; i < end; ++i) MakeRow(context, i);
                                        });
    return MaceStatus::MACE_SUCCESS;
  }

 private:
  // Where pixel i of `count` between two corners lies in an image of `size`.
  static float Place(float begin, float end, int64_t i, int64_t count, int64_t size) {
    const float last = static_cast<float>(size - 1);
    if (count <= 1) return 0.5f * (begin + end) * last;
    const float step = (end - begin) * last / static_cast<float>(count - 1);
    return begin * last + static_cast<float>(i) * step;
  }

  void MakeRow(OpContext *context, int64_t row) const {
    const Tensor &input = *context->input(0);
    const Shape &shape = input.shape, &output = context->output(0)->shape;
    const int64_t box = row / output[1], height = shape[1], width = shape[2], channels = shape[3];
    const float *corners = context->input(1)->data<float>() + box * 4;
    const float *image =
        input.data<float>() + IndexAt(*context->input(2), box) * height * width * channels;
    float *out = context->output(0)->mutable_data<float>() + row * output[2] * channels;
    const float y = Place(corners[0], corners[2], row % output[1], output[1], height);
    for (int64_t i = 0; i < output[2]; ++i, out += channels) {
      const float x = Place(corners[1], corners[3], i, output[2], width);
      if (!(y >= 0 && y <= static_cast<float>(height - 1) && x >= 0 &&
            x <= static_cast<float>(width - 1))) {
        std::fill(out, out + channels, attrs_.extrapolation_value);
        continue;
      }
      if (attrs_.method == CropAndResizeAttrs::Method::kNearest) {
        const int64_t place =
            static_cast<int64_t>(std::round(y)) * width + static_cast<int64_t>(std::round(x));
        std::memcpy(out, image + place * channels, static_cast<size_t>(channels) * sizeof(float));
        continue;
      }
      const BilinearPoint point = BilinearAt(y, x, height, width);
      for (int64_t c = 0; c < channels; ++c) {
        float sum = 0;
        for (int t = 0; t < 4; ++t) sum += point.weights[t] * image[point.places[t] * channels + c];
        out[c] = sum;
      }
    }
  }

  CropAndResizeAttrs attrs_;
};

void RegisterCropAndResize(OpRegistryBase *op_registry) {
  RegisterForTypes<CropAndResizeOp>(op_registry, "CropAndResize", {DT_FLOAT});
}

}  // namespace ops
}  // namespace mace
