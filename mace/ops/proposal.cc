// SPDX-License-Identifier: Apache-2.0
// Proposal: the regions that a region proposal network (Faster R-CNN) finds. Anchors are moved and
// sized by the deltas, cut at the image's border, and the best kept that do not overlap.
#include "mace/ops/attrs/proposal.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "mace/base/checked.h"
#include "mace/ops/data_movement.h"
#include "mace/ops/regions.h"
#include "mace/ops/suppression.h"
#include "mace/runtimes/cpu/thread_pool.h"

namespace mace {
namespace ops {

class ProposalOp : public ShapedOperation {
 public:
  using ShapedOperation::ShapedOperation;

  MaceStatus Init(OpInitContext *context) override {
    MACE_RETURN_IF_ERROR(ParseAttrs(&attrs_));
    if (attrs_.anchors.empty() || attrs_.anchors.size() % 4 != 0) {
      return Invalid("anchors are ", attrs_.anchors.size(), " numbers where each needs four");
    }
    for (int i = 1; i < 3; ++i) {
      if (context->InputType(i) == DT_FLOAT) continue;
      return Invalid("input ", i, " must be float32, not ", DataTypeName(context->InputType(i)));
    }
    anchors_ = static_cast<int64_t>(attrs_.anchors.size() / 4);
    return MaceStatus::MACE_SUCCESS;
  }

  MaceStatus InferShape(OpShapeContext *context) override {
    const Shape &scores = context->Input(0).shape, &deltas = context->Input(1).shape;
    const Shape &info = context->Input(2).shape;
    bool fits = scores.rank() == 4 && deltas.rank() == 4 && scores[3] == 2 * anchors_ &&
                deltas[3] == 4 * anchors_;
    for (int d = 0; fits && d < 3; ++d) fits = scores[d] == deltas[d];
    if (!fits) {
      return Invalid("scores ", scores.ToString(), " and deltas ", deltas.ToString(),
                     " must be NHWC of one size, with 2 and 4 channels for each of ", anchors_,
                     " anchors");
    }
    if (info.rank() != 2 || info[1] < 2 || (info[0] != 1 && info[0] != scores[0])) {
      return Invalid("the images' sizes of shape ", info.ToString(), " must have a row for all ",
                     scores[0], " images or for each: height, width, scale");
    }
    const int64_t cells = scores.elements(1, 3);
    if (cells > INT32_MAX / anchors_) {
      return Invalid(cells, " cells with ", anchors_, " anchors are too many");
    }
    return SetOutput(context, 0, {scores[0] * Kept(cells * anchors_), attrs_.with_score ? 6 : 5});
  }

  MaceStatus Plan(OpPlanContext *context) override {
    const int64_t count = context->Input(0).shape.elements(1, 3) * anchors_;
    int64_t bytes = 0;
    if (!CheckedMultiply(count, static_cast<int64_t>(sizeof(Box) + 2 * sizeof(Candidate)),
                         &bytes) ||
        static_cast<uint64_t>(bytes) > SIZE_MAX) {
      return OutOfResources(type(), " '", name(), "': ", count, " anchors are too many");
    }
    context->RequestScratch(static_cast<size_t>(bytes));
    return MaceStatus::MACE_SUCCESS;
  }

  MaceStatus Run(OpContext *context) override {
    const int64_t images = context->input(0)->shape[0];
    const Tensor &info = *context->input(2);
    const int64_t columns = info.shape[1];
    Tensor *output = context->output(0);
    int64_t rows = 0;
    for (int64_t image = 0; image < images; ++image) {
      const float *size = info.data<float>() + (info.shape[0] == 1 ? 0 : image) * columns;
      // What is larger could not be told apart from its neighbours.
      if (!(size[0] >= 1 && size[0] <= kLargestSide && size[1] >= 1 && size[1] <= kLargestSide)) {
        return Invalid("image ", image, " has height ", size[0], " and width ", size[1],
                       ", which must be 1 to ", kLargestSide);
      }
      const float smallest = attrs_.min_size * (columns > 2 ? size[2] : 1);
      rows += Propose(context, image, size[0], size[1], smallest,
                      output->mutable_data<float>() + rows * output->shape[1]);
    }
    output->shape = Shape{rows, attrs_.with_score ? 6 : 5};
    return MaceStatus::MACE_SUCCESS;
  }

  bool HasDynamicOutput() const override { return true; }

 private:
  static constexpr float kLargestSide = 1 << 24;

  int64_t Compared(int64_t count) const {
    return attrs_.pre_nms_top_n > 0 ? std::min(count, attrs_.pre_nms_top_n) : count;
  }
  int64_t Kept(int64_t count) const {
    count = Compared(count);
    return attrs_.post_nms_top_n > 0 ? std::min(count, attrs_.post_nms_top_n) : count;
  }

  // An anchor moved by its deltas, inside an image whose last pixels are given.
  static Box Move(const float *anchor, float x, float y, const float *delta, float last_x,
                  float last_y) {
    const float width = anchor[2] - anchor[0] + 1, height = anchor[3] - anchor[1] + 1;
    const float center_x = anchor[0] + x + 0.5f * width + delta[0] * width;
    const float center_y = anchor[1] + y + 0.5f * height + delta[1] * height;
    const float half_width = 0.5f * std::exp(delta[2]) * width;
    const float half_height = 0.5f * std::exp(delta[3]) * height;
    return {Clamped(center_x - half_width, 0, last_x), Clamped(center_y - half_height, 0, last_y),
            Clamped(center_x + half_width, 0, last_x), Clamped(center_y + half_height, 0, last_y)};
  }

  // Writes the rows of one image; returns how many.
  int64_t Propose(OpContext *context, int64_t image, float height, float width, float smallest,
                  float *rows) const {
    const Shape &shape = context->input(0)->shape;
    const int64_t cells = shape.elements(1, 3), count = cells * anchors_;
    const float *scores = context->input(0)->data<float>() + image * count * 2 + anchors_;
    const float *deltas = context->input(1)->data<float>() + image * count * 4;
    Box *boxes = static_cast<Box *>(context->scratch());
    Candidate *candidates = reinterpret_cast<Candidate *>(boxes + count);
    Candidate *kept = candidates + count;

    context->thread_pool()->ParallelFor(cells, 128, [&](int64_t begin, int64_t end, int) {
      for (int64_t i = begin * anchors_; i < end * anchors_; ++i) {
        const int64_t cell = i / anchors_;
        boxes[i] = Move(attrs_.anchors.data() + i % anchors_ * 4,
                        static_cast<float>(cell % shape[2]) * attrs_.feat_stride,
                        static_cast<float>(cell / shape[2]) * attrs_.feat_stride, deltas + i * 4,
                        width - 1, height - 1);
      }
    });
    int64_t found = 0;
    for (int64_t i = 0; i < count; ++i) {
      const float score = scores[i / anchors_ * 2 * anchors_ + i % anchors_];
      const Box &box = boxes[i];
      // A score that is not a number has no place in an order.
      if (score == score && box.right - box.left + 1 >= smallest &&
          box.bottom - box.top + 1 >= smallest) {
        candidates[found++] = {score, static_cast<int32_t>(i)};
      }
    }
    found = SortBest(candidates, found, Compared(count));
    const int64_t limit = Kept(count), columns = attrs_.with_score ? 6 : 5;
    int64_t kept_count = 0;
    for (int64_t i = 0; i < found && kept_count < limit; ++i) {
      const Box &box = boxes[candidates[i].index];
      if (!IsApart(box, boxes, kept, kept_count, attrs_.nms_threshold, 1)) continue;
      const float row[6] = {static_cast<float>(image), box.left, box.top, box.right, box.bottom,
                            candidates[i].score};
      std::copy(row, row + columns, rows + kept_count * columns);
      kept[kept_count++] = candidates[i];
    }
    return kept_count;
  }

  ProposalAttrs attrs_;
  int64_t anchors_ = 0;
};

void RegisterProposal(OpRegistryBase *op_registry) {
  RegisterForTypes<ProposalOp>(op_registry, "Proposal", {DT_FLOAT});
}

}  // namespace ops
}  // namespace mace
