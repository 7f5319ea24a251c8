// SPDX-License-Identifier: Apache-2.0
// ONNX NonMaxSuppression: for each image and class the boxes that no better one overlaps too much,
// as rows of image, class and box, the best first.
#include "mace/ops/attrs/non_max_suppression.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <utility>

#include "mace/base/checked.h"
#include "mace/ops/indexing.h"
#include "mace/ops/suppression.h"
#include "mace/runtimes/cpu/thread_pool.h"

namespace mace {
namespace ops {

namespace {

// Where things lie in scratch memory, in bytes; boxes come first.
struct SuppressionState : public OpState {
  int64_t candidates = 0;  // Candidate[threads][boxes]
  int64_t kept = 0;        // Candidate[images * classes][limit]
  int64_t counts = 0;      // int64_t[images * classes]
};

}  // namespace

class NonMaxSuppressionOp : public ShapedOperation {
 public:
  using ShapedOperation::ShapedOperation;

  MaceStatus InferType(const std::vector<DataType> &inputs,
                       std::vector<DataType> *outputs) override {
    (*outputs)[0] = DT_INT64;
    for (size_t i : {0, 1, 3, 4}) {
      if (i >= inputs.size() || inputs[i] == DT_INVALID || inputs[i] == DT_FLOAT) continue;
      return Invalid("input ", i, " must be float32, not ", DataTypeName(inputs[i]));
    }
    if (inputs.size() < 3 || inputs[2] == DT_INVALID) return MaceStatus::MACE_SUCCESS;
    return CheckIntegerType("max_output_boxes_per_class", inputs[2]);
  }

  MaceStatus Init(OpInitContext *) override { return ParseAttrs(&attrs_); }

  MaceStatus InferShape(OpShapeContext *context) override {
    const Shape &boxes = context->Input(0).shape, &scores = context->Input(1).shape;
    if (boxes.rank() != 3 || scores.rank() != 3 || boxes[2] != 4 || boxes[0] != scores[0] ||
        boxes[1] != scores[2]) {
      return Invalid("boxes of shape ", boxes.ToString(), " and scores of shape ",
                     scores.ToString(), " must be [images, boxes, 4] and [images, classes, boxes]");
    }
    if (boxes[1] > INT32_MAX) return Invalid(boxes[1], " boxes are too many");
    for (int i = 2; i < context->InputCount(); ++i) {
      if (!context->HasInput(i) || context->Input(i).elements() == 1) continue;
      return Invalid("input ", i, " must be one number, not of shape ",
                     context->Input(i).shape.ToString());
    }
    int64_t pairs = 0, rows = 0;
    if (!CheckedMultiply(scores[0], scores[1], &pairs) ||
        !CheckedMultiply(pairs, Limit(*context), &rows) || pairs > (int64_t{1} << 40)) {
      return Invalid("the output would be too large to be addressed");
    }
    return SetOutput(context, 0, {rows, 3});
  }

  MaceStatus Plan(OpPlanContext *context) override {
    const Shape &scores = context->Input(1).shape;
    auto state = std::make_unique<SuppressionState>();
    const int64_t pairs = scores[0] * scores[1];
    const int64_t threads = context->thread_pool()->num_threads();
    // Each product is below the elements of an input or the output, times what is small.
    state->candidates = scores[0] * scores[2] * static_cast<int64_t>(sizeof(Box));
    state->kept = state->candidates + threads * scores[2] * static_cast<int64_t>(sizeof(Candidate));
    state->counts = state->kept + pairs * Limit(*context) * static_cast<int64_t>(sizeof(Candidate));
    const int64_t total = state->counts + pairs * static_cast<int64_t>(sizeof(int64_t));
    if (static_cast<uint64_t>(total) > SIZE_MAX) {
      return OutOfResources(type(), " '", name(), "': ", total,
                            " bytes of working memory are too many");
    }
    context->RequestScratch(static_cast<size_t>(total));
    context->SetState(std::move(state));
    return MaceStatus::MACE_SUCCESS;
  }

  MaceStatus Run(OpContext *context) override {
    const auto &state = *static_cast<const SuppressionState *>(context->state());
    const Shape &scores = context->input(1)->shape;
    Tensor *output = context->output(0);
    const int64_t pairs = scores[0] * scores[1];
    const int64_t room = pairs == 0 ? 0 : output->shape[0] / pairs;
    const Tensor *most = Optional(context, 2);
    // Without a number none is wanted, as ONNX has it.
    const int64_t limit =
        most == nullptr ? 0 : std::min(room, std::max<int64_t>(0, IndexAt(*most, 0)));
    uint8_t *scratch = static_cast<uint8_t *>(context->scratch());
    Candidate *kept = reinterpret_cast<Candidate *>(scratch + state.kept);
    int64_t *counts = reinterpret_cast<int64_t *>(scratch + state.counts);
    if (limit > 0) {
      ReadBoxes(*context->input(0), reinterpret_cast<Box *>(scratch));
      context->thread_pool()->ParallelFor(pairs, 1, [&](int64_t begin, int64_t end, int thread) {
        Candidate *candidates =
            reinterpret_cast<Candidate *>(scratch + state.candidates) + thread * scores[2];
        for (int64_t p = begin; p < end; ++p) {
          counts[p] = Suppress(context, p, limit, candidates, kept + p * room);
        }
      });
    }
    int64_t *row = output->mutable_data<int64_t>(), rows = 0;
    for (int64_t p = 0; p < pairs && limit > 0; ++p) {
      rows += counts[p];
      for (int64_t i = 0; i < counts[p]; ++i) {
        *row++ = p / scores[1];
        *row++ = p % scores[1];
        *row++ = kept[p * room + i].index;
      }
    }
    output->shape = Shape{rows, 3};
    return MaceStatus::MACE_SUCCESS;
  }

  bool HasDynamicOutput() const override { return true; }

 private:
  static const Tensor *Optional(const OpContext *context, int i) {
    return i < context->input_count() ? context->input(i) : nullptr;
  }

  // At most so many boxes of one class of an image.
  static int64_t Limit(const OpShapeContext &context) {
    const int64_t boxes = context.Input(0).shape[1];
    if (context.InputCount() < 3 || !context.HasInput(2)) return 0;
    const Tensor &most = context.Input(2);
    if (!most.is_const || most.raw == nullptr) return boxes;
    return std::min(boxes, std::max<int64_t>(0, IndexAt(most, 0)));
  }

  void ReadBoxes(const Tensor &input, Box *boxes) const {
    const int64_t count = input.elements() / 4;
    const float *in = input.data<float>();
    for (int64_t i = 0; i < count; ++i, in += 4) {
      if (attrs_.center_point_box) {
        // x center, y center, width, height
        boxes[i] = {in[0] - in[2] / 2, in[1] - in[3] / 2, in[0] + in[2] / 2, in[1] + in[3] / 2};
      } else {
        // y, x of any two opposite corners
        boxes[i] = {std::min(in[1], in[3]), std::min(in[0], in[2]), std::max(in[1], in[3]),
                    std::max(in[0], in[2])};
      }
    }
  }

  int64_t Suppress(const OpContext *context, int64_t pair, int64_t limit, Candidate *candidates,
                   Candidate *kept) const {
    const Shape &shape = context->input(1)->shape;
    const float *scores = context->input(1)->data<float>() + pair * shape[2];
    const Tensor *iou = Optional(context, 3), *least = Optional(context, 4);
    int64_t count = 0;
    for (int64_t i = 0; i < shape[2]; ++i) {
      // Not a number is above nothing.
      const bool counts =
          least == nullptr ? !std::isnan(scores[i]) : scores[i] > least->data<float>()[0];
      if (counts) candidates[count++] = {scores[i], static_cast<int32_t>(i)};
    }
    count = SortBest(candidates, count, count);
    const float threshold = iou == nullptr ? 0 : iou->data<float>()[0];
    const Box *boxes = static_cast<const Box *>(context->scratch()) + pair / shape[1] * shape[2];
    int64_t kept_count = 0;
    for (int64_t i = 0; i < count && kept_count < limit; ++i) {
      const Box &box = boxes[candidates[i].index];
      if (!IsApart(box, boxes, kept, kept_count, threshold, 0)) continue;
      kept[kept_count++] = candidates[i];
    }
    return kept_count;
  }

  NonMaxSuppressionAttrs attrs_;
};

void RegisterNonMaxSuppression(OpRegistryBase *op_registry) {
  RegisterForTypes<NonMaxSuppressionOp>(op_registry, "NonMaxSuppression", {DT_FLOAT});
}

}  // namespace ops
}  // namespace mace
