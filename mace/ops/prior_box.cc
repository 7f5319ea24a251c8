// SPDX-License-Identifier: Apache-2.0
// Default boxes of an SSD head as the Caffe of SSD makes them: for each place of the feature map
// and each minimum size a square, a square of the geometric mean with the maximum size, and one
// box for each other aspect ratio. Sizes are cut to whole pixels, as there.
#include <algorithm>
#include <cmath>

#include "mace/base/checked.h"
#include "mace/ops/attrs/prior_box.h"
#include "mace/ops/data_movement.h"

namespace mace {
namespace ops {

class PriorBoxOp : public ShapedOperation {
 public:
  using ShapedOperation::ShapedOperation;

  MaceStatus InferType(const std::vector<DataType> &, std::vector<DataType> *outputs) override {
    (*outputs)[0] = DT_FLOAT;
    return MaceStatus::MACE_SUCCESS;
  }

  MaceStatus Init(OpInitContext *) override {
    MACE_RETURN_IF_ERROR(ParseAttrs(&attrs_));
    MACE_RETURN_IF_ERROR(CheckAttrs());
    MakeRatios();
    MakeBoxes();
    return MaceStatus::MACE_SUCCESS;
  }

  MaceStatus InferShape(OpShapeContext *context) override {
    const Shape &input = context->Input(0).shape, &image = context->Input(1).shape;
    if (input.rank() != 4 || image.rank() != 4) {
      return Invalid("feature map and image must be NHWC, not ", input.ToString(), " and ",
                     image.ToString());
    }
    int64_t count = 4 * static_cast<int64_t>(boxes_.size());
    if (!CheckedMultiply(count, input[1], &count) || !CheckedMultiply(count, input[2], &count)) {
      return Invalid("the output would be too large to be addressed");
    }
    return SetOutput(context, 0, {1, 2, count});
  }

  MaceStatus Run(OpContext *context) override {
    const Shape &input = context->input(0)->shape, &image = context->input(1)->shape;
    float *output = context->output(0)->mutable_data<float>();
    const bool has_step = attrs_.step_h != 0 && attrs_.step_w != 0;
    const float image_h = static_cast<float>(image[1]), image_w = static_cast<float>(image[2]);
    const float step_h = has_step ? attrs_.step_h : image_h / static_cast<float>(input[1]);
    const float step_w = has_step ? attrs_.step_w : image_w / static_cast<float>(input[2]);
    for (int64_t y = 0; y < input[1]; ++y) {
      for (int64_t x = 0; x < input[2]; ++x) {
        const float center_x = (static_cast<float>(x) + attrs_.offset) * step_w;
        const float center_y = (static_cast<float>(y) + attrs_.offset) * step_h;
        for (const Box &box : boxes_) {
          *output++ = Coordinate(center_x - box.width / 2.0, image_w);
          *output++ = Coordinate(center_y - box.height / 2.0, image_h);
          *output++ = Coordinate(center_x + box.width / 2.0, image_w);
          *output++ = Coordinate(center_y + box.height / 2.0, image_h);
        }
      }
    }
    const int64_t count = context->output(0)->shape[2];
    const std::vector<float> &variance = attrs_.variance;
    for (int64_t i = 0; i < count; ++i) output[i] = variance[variance.size() == 1 ? 0 : i % 4];
    return MaceStatus::MACE_SUCCESS;
  }

  bool DependsOnShapeOnly() const override { return true; }

 private:
  struct Box {
    float width;
    float height;
  };

  float Coordinate(double pixels, float size) const {
    const float coordinate = static_cast<float>(pixels / static_cast<double>(size));
    return attrs_.clip ? std::min(std::max(coordinate, 0.0f), 1.0f) : coordinate;
  }

  MaceStatus CheckAttrs() {
    // Above this a float does not hold every whole pixel.
    constexpr float kMostPixels = 1 << 24;
    const size_t sizes = attrs_.min_size.size();
    if (sizes == 0) return Invalid("min_size must not be empty");
    if (!attrs_.max_size.empty() && attrs_.max_size.size() != sizes) {
      return Invalid("max_size has ", attrs_.max_size.size(), " entries, min_size ", sizes,
                     "; they must be as many, or max_size empty");
    }
    for (size_t i = 0; i < sizes; ++i) {
      const float min = attrs_.min_size[i];
      const float max = attrs_.max_size.empty() ? kMostPixels : attrs_.max_size[i];
      if (!(min > 0 && min < max && max <= kMostPixels)) {
        return Invalid("min_size ", min, " must be above 0 and below max_size ", max);
      }
    }
    for (float ratio : attrs_.aspect_ratio) {
      if (!(ratio > 0) || std::isinf(ratio)) {
        return Invalid("aspect_ratio ", ratio, " must be above 0");
      }
    }
    if (attrs_.variance.size() != 1 && attrs_.variance.size() != 4) {
      return Invalid("variance must have 1 or 4 entries, not ", attrs_.variance.size());
    }
    if (!(attrs_.step_h >= 0) || !(attrs_.step_w >= 0)) {
      return Invalid("step_h and step_w must not be negative");
    }
    return MaceStatus::MACE_SUCCESS;
  }

  void MakeRatios() {
    ratios_ = {1.0f};
    for (float ratio : attrs_.aspect_ratio) {
      const bool known = std::any_of(ratios_.begin(), ratios_.end(),
                                     [=](float other) { return std::fabs(ratio - other) < 1e-6f; });
      if (known) continue;
      ratios_.push_back(ratio);
      if (attrs_.flip) ratios_.push_back(1.0f / ratio);
    }
  }

  // The boxes of one place, in the order of the output.
  void MakeBoxes() {
    boxes_.clear();
    for (size_t i = 0; i < attrs_.min_size.size(); ++i) {
      const float min = std::trunc(attrs_.min_size[i]);
      boxes_.push_back({min, min});
      if (!attrs_.max_size.empty()) {
        const double max = std::trunc(attrs_.max_size[i]);
        const float mean = static_cast<float>(std::sqrt(static_cast<double>(min) * max));
        boxes_.push_back({mean, mean});
      }
      for (size_t r = 1; r < ratios_.size(); ++r) {
        const float root = std::sqrt(ratios_[r]);
        boxes_.push_back({min * root, min / root});
      }
    }
  }

  PriorBoxAttrs attrs_;
  std::vector<float> ratios_;
  std::vector<Box> boxes_;
};

void RegisterPriorBox(OpRegistryBase *op_registry) {
  RegisterForTypes<PriorBoxOp>(op_registry, "PriorBox", {DT_FLOAT});
}

}  // namespace ops
}  // namespace mace
