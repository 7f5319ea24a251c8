// SPDX-License-Identifier: Apache-2.0
// The different slices along an axis (ONNX Unique): sorted or in the order of their first
// occurrence, where each occurs first, which of them each slice is, and how often each occurs.
#include "mace/ops/attrs/unique.h"

#include <algorithm>
#include <cstring>

#include "mace/base/checked.h"
#include "mace/ops/indexing.h"

namespace mace {
namespace ops {

namespace {

// Slices of a tensor along an axis.
struct Slices {
  Slices(const Tensor &input, int axis)
      : data(input.data<uint8_t>()),
        dtype(input.dtype),
        dim(input.shape[axis]),
        // Slices without elements are alike, however many parts they have.
        outer(input.elements() == 0 ? 0 : input.shape.elements(0, axis)),
        inner(input.shape.elements(axis + 1, input.shape.rank())),
        size(static_cast<int64_t>(DataTypeSize(input.dtype))) {}

  const uint8_t *At(int64_t o, int64_t slice) const {
    return data + (o * dim + slice) * inner * size;
  }
  // Below 0, 0 or above 0 as slice a comes before b, is equal or comes after it.
  int Compare(int64_t a, int64_t b) const {
    for (int64_t o = 0; o < outer; ++o) {
      const uint8_t *x = At(o, a), *y = At(o, b);
      for (int64_t i = 0; i < inner; ++i, x += size, y += size) {
        const int64_t p = SortKey(dtype, x), q = SortKey(dtype, y);
        if (p != q) return p < q ? -1 : 1;
      }
    }
    return 0;
  }

  const uint8_t *data;
  DataType dtype;
  int64_t dim;
  int64_t outer;
  int64_t inner;
  int64_t size;
};

}  // namespace

class UniqueOp : public ShapedOperation {
 public:
  using ShapedOperation::ShapedOperation;

  MaceStatus InferType(const std::vector<DataType> &inputs,
                       std::vector<DataType> *outputs) override {
    outputs->assign(outputs->size(), DT_INT64);
    (*outputs)[0] = inputs[0];
    return MaceStatus::MACE_SUCCESS;
  }

  MaceStatus Init(OpInitContext *) override { return ParseAttrs(&attrs_); }

  MaceStatus InferShape(OpShapeContext *context) override {
    const Shape &input = context->Input(0).shape;
    int axis = 0;
    MACE_RETURN_IF_ERROR(CheckAxis(attrs_.axis, input.rank(), &axis));
    context->SetOutputShape(0, input);
    for (int o = 1; o < context->OutputCount(); ++o) {
      context->SetOutputShape(o, Shape{input[axis]});
    }
    return MaceStatus::MACE_SUCCESS;
  }

  MaceStatus Plan(OpPlanContext *context) override {
    int axis = 0;
    const Shape &input = context->Input(0).shape;
    MACE_RETURN_IF_ERROR(CheckAxis(attrs_.axis, input.rank(), &axis));
    size_t bytes = 0;
    if (!CheckedBytes(Shape{4, input[axis]}, sizeof(int64_t), &bytes)) {
      return OutOfResources(type(), " '", name(), "': ", input[axis], " slices are too many");
    }
    context->RequestScratch(bytes);
    return MaceStatus::MACE_SUCCESS;
  }

  MaceStatus Run(OpContext *context) override {
    const Tensor &input = *context->input(0);
    int axis = 0;
    MACE_RETURN_IF_ERROR(CheckAxis(attrs_.axis, input.shape.rank(), &axis));
    const Slices slices(input, axis);
    const int64_t n = slices.dim;
    int64_t *order = static_cast<int64_t *>(context->scratch());
    int64_t *first = order + n, *group = first + n, *rank = group + n;
    // Equal slices become neighbours, the first of them in front.
    for (int64_t i = 0; i < n; ++i) order[i] = i;
    std::sort(order, order + n, [&slices](int64_t a, int64_t b) {
      const int way = slices.Compare(a, b);
      return way != 0 ? way < 0 : a < b;
    });
    int64_t groups = 0;
    for (int64_t i = 0; i < n; ++i) {
      if (i == 0 || slices.Compare(order[i - 1], order[i]) != 0) first[groups++] = order[i];
      group[order[i]] = groups - 1;
    }
    // rank[g]: where the group stands in the output.
    for (int64_t g = 0; g < groups; ++g) rank[g] = order[g] = g;
    if (!attrs_.sorted) {
      std::sort(order, order + groups,
                [first](int64_t a, int64_t b) { return first[a] < first[b]; });
      for (int64_t g = 0; g < groups; ++g) rank[order[g]] = g;
    }
    Write(context, slices, axis, {order, first, group, rank, groups});
    return MaceStatus::MACE_SUCCESS;
  }

  bool HasDynamicOutput() const override { return true; }

 private:
  struct Groups {
    const int64_t *order;
    const int64_t *first;
    const int64_t *group;
    const int64_t *rank;
    int64_t count;
  };

  static void Write(OpContext *context, const Slices &slices, int axis, const Groups &groups) {
    Tensor *output = context->output(0);
    uint8_t *dst = output->mutable_data<uint8_t>();
    const size_t bytes = static_cast<size_t>(slices.inner * slices.size);
    for (int64_t o = 0; o < slices.outer && bytes > 0; ++o) {
      for (int64_t g = 0; g < groups.count; ++g, dst += bytes) {
        std::memcpy(dst, slices.At(o, groups.first[groups.order[g]]), bytes);
      }
    }
    output->shape[axis] = groups.count;
    const int outputs = context->output_count();
    int64_t *counts = outputs > 3 ? context->output(3)->mutable_data<int64_t>() : nullptr;
    if (outputs > 1) {
      for (int64_t g = 0; g < groups.count; ++g) {
        context->output(1)->mutable_data<int64_t>()[g] = groups.first[groups.order[g]];
      }
      context->output(1)->shape[0] = groups.count;
    }
    if (counts != nullptr) {
      std::fill(counts, counts + groups.count, 0);
      context->output(3)->shape[0] = groups.count;
    }
    for (int64_t i = 0; i < slices.dim; ++i) {
      const int64_t rank = groups.rank[groups.group[i]];
      if (outputs > 2) context->output(2)->mutable_data<int64_t>()[i] = rank;
      if (counts != nullptr) ++counts[rank];
    }
  }

  UniqueAttrs attrs_;
};

void RegisterUnique(OpRegistryBase *op_registry) {
  RegisterForTypes<UniqueOp>(op_registry, "Unique", kSortableTypes);
}

}  // namespace ops
}  // namespace mace
