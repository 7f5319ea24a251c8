// SPDX-License-Identifier: Apache-2.0
// The end of an SSD network, as in the Caffe of SSD: boxes are decoded, the best of each class kept
// by non-maximum suppression, then the best of all classes. When nothing is found there is one row
// for each image: its number, then -1 in all places.
#include "mace/ops/attrs/detection_output.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>

#include "mace/base/checked.h"
#include "mace/ops/data_movement.h"
#include "mace/ops/suppression.h"
#include "mace/runtimes/cpu/thread_pool.h"

namespace mace {
namespace ops {

namespace {

using CodeType = DetectionOutputAttrs::CodeType;

struct Detection {
  float score;
  int32_t label;
  int32_t rank;  // among the kept of its label
};

bool BetterDetection(const Detection &a, const Detection &b) {
  if (a.score != b.score) return a.score > b.score;
  return a.label != b.label ? a.label < b.label : a.rank < b.rank;
}

bool EarlierDetection(const Detection &a, const Detection &b) {
  return a.label != b.label ? a.label < b.label : a.rank < b.rank;
}

Box Decode(CodeType code, const float *prior, const float *variance, const float *location) {
  const float width = prior[2] - prior[0], height = prior[3] - prior[1];
  const float v[4] = {variance[0] * location[0], variance[1] * location[1],
                      variance[2] * location[2], variance[3] * location[3]};
  switch (code) {
    case CodeType::kCorner:
      return {prior[0] + v[0], prior[1] + v[1], prior[2] + v[2], prior[3] + v[3]};
    case CodeType::kCornerSize:
      return {prior[0] + v[0] * width, prior[1] + v[1] * height, prior[2] + v[2] * width,
              prior[3] + v[3] * height};
    case CodeType::kCenterSize:
      break;
  }
  const float center_x = (prior[0] + prior[2]) / 2 + v[0] * width;
  const float center_y = (prior[1] + prior[3]) / 2 + v[1] * height;
  const float half_width = std::exp(v[2]) * width / 2;
  const float half_height = std::exp(v[3]) * height / 2;
  return {center_x - half_width, center_y - half_height, center_x + half_width,
          center_y + half_height};
}

// What depends on the shapes, and where things lie in scratch memory.
struct Geometry : public OpState {
  int64_t images = 0;
  int64_t priors = 0;
  int64_t location_classes = 0;  // 1 when classes share locations
  int64_t kept_of_class = 0;     // at most, for one image
  // Offsets in bytes.
  int64_t boxes = 0;       // Box[location_classes][priors]
  int64_t candidates = 0;  // Candidate[threads][priors]
  int64_t kept = 0;        // Candidate[classes][kept_of_class]
  int64_t counts = 0;      // int32_t[classes]
  int64_t detections = 0;  // Detection[classes * kept_of_class]
  int64_t total = 0;
};

}  // namespace

class DetectionOutputOp : public ShapedOperation {
 public:
  using ShapedOperation::ShapedOperation;

  MaceStatus Init(OpInitContext *context) override {
    MACE_RETURN_IF_ERROR(ParseAttrs(&attrs_));
    for (int i = 0; i < 3; ++i) {
      if (context->InputType(i) == DT_FLOAT) continue;
      return Invalid("input ", i, " must be float32, not ", DataTypeName(context->InputType(i)));
    }
    if (!(attrs_.nms_threshold >= 0)) {
      return Invalid("nms_threshold ", attrs_.nms_threshold, " must not be negative");
    }
    if (!(attrs_.eta > 0 && attrs_.eta <= 1)) {
      return Invalid("eta ", attrs_.eta, " must be above 0 and at most 1");
    }
    if (attrs_.num_classes > INT32_MAX) {
      return Invalid("num_classes ", attrs_.num_classes, " is too large");
    }
    return MaceStatus::MACE_SUCCESS;
  }

  MaceStatus InferShape(OpShapeContext *context) override {
    Geometry geometry;
    MACE_RETURN_IF_ERROR(Measure(*context, &geometry));
    // All that may be kept, and room for the row of an image without finds.
    const bool background =
        attrs_.background_label_id >= 0 && attrs_.background_label_id < attrs_.num_classes;
    int64_t rows = 0;
    if (!CheckedMultiply(geometry.kept_of_class, attrs_.num_classes - (background ? 1 : 0),
                         &rows)) {
      return Invalid("num_classes ", attrs_.num_classes, " is too large");
    }
    if (attrs_.keep_top_k >= 0) rows = std::min(rows, attrs_.keep_top_k);
    if (!CheckedMultiply(std::max<int64_t>(rows, 1), geometry.images, &rows)) {
      return Invalid("the output would be too large to be addressed");
    }
    return SetOutput(context, 0, {1, 1, rows, 7});
  }

  MaceStatus Plan(OpPlanContext *context) override {
    auto geometry = std::make_unique<Geometry>();
    MACE_RETURN_IF_ERROR(Measure(*context, geometry.get()));
    const int64_t classes = geometry->priors > 0 ? attrs_.num_classes : 0;
    const int64_t kept = classes * geometry->kept_of_class;
    int64_t offset = 0;
    const auto place = [&offset](int64_t count, size_t size) {
      const int64_t start = offset;
      offset += (count * static_cast<int64_t>(size) + 63) / 64 * 64;
      return start;
    };
    geometry->boxes = place(geometry->location_classes * geometry->priors, sizeof(Box));
    geometry->candidates =
        place(context->thread_pool()->num_threads() * geometry->priors, sizeof(Candidate));
    geometry->kept = place(kept, sizeof(Candidate));
    geometry->counts = place(classes, sizeof(int32_t));
    geometry->detections = place(kept, sizeof(Detection));
    geometry->total = offset;
    if (static_cast<uint64_t>(offset) > SIZE_MAX) {
      return OutOfResources(type(), " '", name(), "': ", offset, " bytes of working memory for ",
                            geometry->priors, " priors and ", classes, " classes are too many");
    }
    context->RequestScratch(static_cast<size_t>(offset));
    context->SetState(std::move(geometry));
    return MaceStatus::MACE_SUCCESS;
  }

  MaceStatus Run(OpContext *context) override {
    const Geometry &geometry = *static_cast<const Geometry *>(context->state());
    Tensor *output = context->output(0);
    float *rows = output->mutable_data<float>();
    int64_t count = 0;
    for (int64_t image = 0; image < geometry.images && geometry.priors > 0; ++image) {
      DecodeImage(context, geometry, image);
      SuppressAll(context, geometry, image);
      count += WriteImage(context, geometry, image, rows + count * 7);
    }
    if (count == 0) {
      for (; count < geometry.images; ++count) {
        float *row = rows + count * 7;
        std::fill(row, row + 7, -1.0f);
        row[0] = static_cast<float>(count);
      }
    }
    output->shape = Shape{1, 1, count, 7};
    return MaceStatus::MACE_SUCCESS;
  }

  bool HasDynamicOutput() const override { return true; }

 private:
  template <typename T>
  static T *At(const OpContext *context, int64_t offset) {
    return reinterpret_cast<T *>(static_cast<uint8_t *>(context->scratch()) + offset);
  }

  // Reads the geometry from the shapes and checks that they agree.
  MaceStatus Measure(const OpShapeContext &context, Geometry *geometry) const {
    const Shape &location = context.Input(0).shape, &confidence = context.Input(1).shape;
    const Shape &prior = context.Input(2).shape;
    // Without variances the second half may be missing.
    if (prior.rank() != 3 || prior[0] != 1 || prior[2] % 4 != 0 ||
        (prior[1] != 2 && !(prior[1] == 1 && attrs_.variance_encoded_in_target))) {
      return Invalid("priors must have the shape [1, 2, 4 * count], not ", prior.ToString());
    }
    const int64_t priors = prior[2] / 4;
    if (priors > INT32_MAX) return Invalid(priors, " priors are too many");
    geometry->location_classes = attrs_.share_location ? 1 : attrs_.num_classes;
    int64_t locations = 0, scores = 0;
    const bool fits = CheckedMultiply(4 * priors, geometry->location_classes, &locations) &&
                      CheckedMultiply(priors, attrs_.num_classes, &scores) &&
                      location.rank() >= 1 && confidence.rank() >= 1 &&
                      location[0] == confidence[0] &&
                      location.elements(1, location.rank()) == locations &&
                      confidence.elements(1, confidence.rank()) == scores;
    if (!fits) {
      return Invalid("locations ", location.ToString(), " and confidences ", confidence.ToString(),
                     " do not go with ", priors, " priors, ", attrs_.num_classes,
                     " classes and share_location ", attrs_.share_location ? "true" : "false",
                     "; each image needs 4 locations and as many confidences as classes for each "
                     "prior");
    }
    geometry->images = location[0];
    geometry->priors = priors;
    geometry->kept_of_class = attrs_.nms_top_k >= 0 ? std::min(priors, attrs_.nms_top_k) : priors;
    return MaceStatus::MACE_SUCCESS;
  }

  void DecodeImage(OpContext *context, const Geometry &geometry, int64_t image) const {
    static constexpr float kNoVariance[4] = {1, 1, 1, 1};
    const int64_t classes = geometry.location_classes;
    const float *location =
        context->input(0)->data<float>() + image * geometry.priors * classes * 4;
    const float *prior = context->input(2)->data<float>();
    const float *variance = prior + geometry.priors * 4;
    Box *boxes = At<Box>(context, geometry.boxes);
    context->thread_pool()->ParallelFor(
        geometry.priors, 1024, [&](int64_t begin, int64_t end, int) {
          for (int64_t p = begin; p < end; ++p) {
            for (int64_t c = 0; c < classes; ++c) {
              boxes[c * geometry.priors + p] =
                  Decode(attrs_.code_type, prior + p * 4,
                         attrs_.variance_encoded_in_target ? kNoVariance : variance + p * 4,
                         location + (p * classes + c) * 4);
            }
          }
        });
  }

  void SuppressAll(OpContext *context, const Geometry &geometry, int64_t image) const {
    int32_t *counts = At<int32_t>(context, geometry.counts);
    context->thread_pool()->ParallelFor(
        attrs_.num_classes, 1, [&](int64_t begin, int64_t end, int thread) {
          Candidate *candidates =
              At<Candidate>(context, geometry.candidates) + thread * geometry.priors;
          for (int64_t c = begin; c < end; ++c) {
            counts[c] = c == attrs_.background_label_id
                            ? 0
                            : Suppress(context, geometry, image, c, candidates);
          }
        });
  }

  // Non-maximum suppression of one class; returns how many are kept.
  int32_t Suppress(const OpContext *context, const Geometry &geometry, int64_t image, int64_t label,
                   Candidate *candidates) const {
    const int64_t priors = geometry.priors, classes = attrs_.num_classes;
    const float *scores = context->input(1)->data<float>() + image * priors * classes + label;
    int64_t count = 0;
    for (int64_t p = 0; p < priors; ++p) {
      // Not a number is above nothing.
      if (scores[p * classes] > attrs_.confidence_threshold) {
        candidates[count++] = {scores[p * classes], static_cast<int32_t>(p)};
      }
    }
    count = SortBest(candidates, count, geometry.kept_of_class);

    const Box *boxes =
        At<Box>(context, geometry.boxes) + (attrs_.share_location ? 0 : label * priors);
    Candidate *kept = At<Candidate>(context, geometry.kept) + label * geometry.kept_of_class;
    int32_t kept_count = 0;
    float threshold = attrs_.nms_threshold;
    for (int64_t i = 0; i < count; ++i) {
      const Box &box = boxes[candidates[i].index];
      if (!IsApart(box, boxes, kept, kept_count, threshold, 0)) continue;
      kept[kept_count++] = candidates[i];
      if (attrs_.eta < 1 && threshold > 0.5f) threshold *= attrs_.eta;
    }
    return kept_count;
  }

  // Writes the rows of one image, labels ascending, the best of a label first; returns how many.
  int64_t WriteImage(const OpContext *context, const Geometry &geometry, int64_t image,
                     float *rows) const {
    const int32_t *counts = At<int32_t>(context, geometry.counts);
    const Candidate *kept = At<Candidate>(context, geometry.kept);
    const Box *boxes = At<Box>(context, geometry.boxes);
    Detection *detections = At<Detection>(context, geometry.detections);
    int64_t count = 0;
    for (int64_t c = 0; c < attrs_.num_classes; ++c) {
      for (int32_t i = 0; i < counts[c]; ++i) {
        detections[count++] = {kept[c * geometry.kept_of_class + i].score, static_cast<int32_t>(c),
                               i};
      }
    }
    if (attrs_.keep_top_k >= 0 && count > attrs_.keep_top_k) {
      std::nth_element(detections, detections + attrs_.keep_top_k, detections + count,
                       BetterDetection);
      count = attrs_.keep_top_k;
      std::sort(detections, detections + count, EarlierDetection);
    }
    for (int64_t i = 0; i < count; ++i) {
      const Detection &found = detections[i];
      const int32_t prior = kept[found.label * geometry.kept_of_class + found.rank].index;
      const Box &box = boxes[(attrs_.share_location ? 0 : found.label * geometry.priors) + prior];
      const float row[7] = {static_cast<float>(image),
                            static_cast<float>(found.label),
                            found.score,
                            box.left,
                            box.top,
                            box.right,
                            box.bottom};
      std::copy(row, row + 7, rows + i * 7);
    }
    return count;
  }

  DetectionOutputAttrs attrs_;
};

void RegisterDetectionOutput(OpRegistryBase *op_registry) {
  RegisterForTypes<DetectionOutputOp>(op_registry, "DetectionOutput", {DT_FLOAT});
}

}  // namespace ops
}  // namespace mace
