// SPDX-License-Identifier: Apache-2.0
// The k largest (or smallest) elements along an axis, in order, and their indices; of equals the
// first. What is not a number counts as the largest.
#include "mace/ops/attrs/top_k.h"

#include <algorithm>
#include <cstring>

#include "mace/base/checked.h"
#include "mace/ops/indexing.h"
#include "mace/runtimes/cpu/thread_pool.h"

namespace mace {
namespace ops {

namespace {

struct Ranked {
  int64_t key;  // the smallest first
  int64_t index;
};

bool Before(const Ranked &a, const Ranked &b) {
  return a.key != b.key ? a.key < b.key : a.index < b.index;
}

}  // namespace

class TopKOp : public ShapedOperation {
 public:
  using ShapedOperation::ShapedOperation;

  MaceStatus InferType(const std::vector<DataType> &inputs,
                       std::vector<DataType> *outputs) override {
    (*outputs)[0] = inputs[0];
    if (outputs->size() > 1) {
      MACE_RETURN_IF_ERROR(ParseAttrs(&attrs_));
      MACE_RETURN_IF_ERROR(CheckIntegerType("output_type", attrs_.output_type));
      (*outputs)[1] = attrs_.output_type;
    }
    return CheckIntegerType("k", inputs[1]);
  }

  MaceStatus Init(OpInitContext *) override { return ParseAttrs(&attrs_); }

  MaceStatus InferShape(OpShapeContext *context) override {
    Shape shape = context->Input(0).shape;
    int axis = 0;
    MACE_RETURN_IF_ERROR(CheckAxis(attrs_.axis, shape.rank(), &axis));
    std::vector<int64_t> k;
    MACE_RETURN_IF_ERROR(Integers(*context, 1, "k", &k));
    if (k.size() != 1 || k[0] < 0 || k[0] > shape[axis]) {
      return Invalid("k must be one number from 0 to ", shape[axis], ", the size of axis ", axis,
                     " of input shape ", shape.ToString(),
                     k.size() == 1 ? MakeString("; it is ", k[0]) : std::string());
    }
    shape[axis] = k[0];
    for (int o = 0; o < context->OutputCount(); ++o) context->SetOutputShape(o, shape);
    return MaceStatus::MACE_SUCCESS;
  }

  MaceStatus Plan(OpPlanContext *context) override {
    const Shape &input = context->Input(0).shape;
    int axis = 0;
    MACE_RETURN_IF_ERROR(CheckAxis(attrs_.axis, input.rank(), &axis));
    size_t bytes = 0;
    if (!CheckedBytes(Shape{context->thread_pool()->num_threads(), input[axis]}, sizeof(Ranked),
                      &bytes)) {
      return OutOfResources(type(), " '", name(), "': ", input[axis], " elements are too many");
    }
    context->RequestScratch(bytes);
    return MaceStatus::MACE_SUCCESS;
  }

  MaceStatus Run(OpContext *context) override {
    const Tensor &input = *context->input(0);
    if (context->output(0)->elements() == 0) return MaceStatus::MACE_SUCCESS;
    int axis = 0;
    MACE_RETURN_IF_ERROR(CheckAxis(attrs_.axis, input.shape.rank(), &axis));
    const int64_t n = input.shape[axis];
    const int64_t inner = input.shape.elements(axis + 1, input.shape.rank());
    context->thread_pool()->ParallelFor(
        input.shape.elements(0, axis) * inner, std::max<int64_t>(1, kGrain / n),
        [&](int64_t begin, int64_t end, int thread) {
          Ranked *ranked = static_cast<Ranked *>(context->scratch()) + thread * n;
          for (int64_t line = begin; line < end; ++line) Select(context, axis, inner, line, ranked);
        });
    return MaceStatus::MACE_SUCCESS;
  }

 private:
  static constexpr int64_t kGrain = 4 * 1024;

  void Select(OpContext *context, int axis, int64_t inner, int64_t line, Ranked *ranked) const {
    const Tensor &input = *context->input(0);
    const int64_t n = input.shape[axis], k = context->output(0)->shape[axis];
    const int64_t size = static_cast<int64_t>(DataTypeSize(input.dtype));
    const int64_t outer = line / inner, place = line % inner;
    const uint8_t *src = input.data<uint8_t>() + (outer * n * inner + place) * size;
    for (int64_t i = 0; i < n; ++i) {
      const int64_t key = SortKey(input.dtype, src + i * inner * size);
      ranked[i] = {attrs_.largest ? ~key : key, i};
    }
    if (k < n) std::nth_element(ranked, ranked + k, ranked + n, Before);
    std::sort(ranked, ranked + k, Before);
    const int64_t first = outer * k * inner + place;
    uint8_t *values = context->output(0)->mutable_data<uint8_t>() + first * size;
    Tensor *indices = context->output_count() > 1 ? context->output(1) : nullptr;
    for (int64_t i = 0; i < k; ++i) {
      const int64_t index = ranked[i].index;
      std::memcpy(values + i * inner * size, src + index * inner * size, static_cast<size_t>(size));
      if (indices == nullptr) continue;
      if (indices->dtype == DT_INT64) {
        indices->mutable_data<int64_t>()[first + i * inner] = index;
      } else {
        indices->mutable_data<int32_t>()[first + i * inner] = static_cast<int32_t>(index);
      }
    }
  }

  TopKAttrs attrs_;
};

void RegisterTopK(OpRegistryBase *op_registry) {
  RegisterForTypes<TopKOp>(op_registry, "TopK", kSortableTypes);
}

}  // namespace ops
}  // namespace mace
