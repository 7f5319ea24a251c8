// SPDX-License-Identifier: Apache-2.0
// Takes single elements along an axis by index (ONNX GatherElements).
#include "mace/ops/attrs/gather_elements.h"

#include <algorithm>
#include <cstring>

#include "mace/ops/indexing.h"
#include "mace/runtimes/cpu/thread_pool.h"

namespace mace {
namespace ops {

class GatherElementsOp : public IndexOperation {
 public:
  using IndexOperation::IndexOperation;

  MaceStatus Init(OpInitContext *) override { return ParseAttrs(&attrs_); }

  MaceStatus InferShape(OpShapeContext *context) override {
    const Shape &input = context->Input(0).shape, &indices = context->Input(1).shape;
    int axis = 0;
    MACE_RETURN_IF_ERROR(CheckAxis(attrs_.axis, input.rank(), &axis));
    bool fits = indices.rank() == input.rank();
    for (int i = 0; fits && i < input.rank(); ++i) fits = i == axis || indices[i] <= input[i];
    if (!fits) {
      return Invalid("indices of shape ", indices.ToString(), " do not go with input shape ",
                     input.ToString(), ": no dimension but that of axis ", axis, " may be larger");
    }
    context->SetOutputShape(0, indices);
    return MaceStatus::MACE_SUCCESS;
  }

  MaceStatus Run(OpContext *context) override {
    const Tensor &input = *context->input(0), &indices = *context->input(1);
    if (indices.elements() == 0) return MaceStatus::MACE_SUCCESS;
    int axis = 0;
    MACE_RETURN_IF_ERROR(CheckAxis(attrs_.axis, input.shape.rank(), &axis));
    MACE_RETURN_IF_ERROR(CheckIndices(indices, input.shape, axis));
    const AxisRows rows(input.shape, indices.shape, axis);
    const size_t bytes = DataTypeSize(input.dtype);
    const uint8_t *src = input.data<uint8_t>();
    uint8_t *dst = context->output(0)->mutable_data<uint8_t>();
    context->thread_pool()->ParallelFor(
        rows.count(), std::max<int64_t>(1, kGrain / rows.length()),
        [&](int64_t begin, int64_t end, int) {
          for (int64_t row = begin; row < end; ++row) {
            const int64_t base = rows.Base(row), first = row * rows.length();
            for (int64_t i = 0; i < rows.length(); ++i) {
              const int64_t from = base + rows.Step(i, IndexAt(indices, first + i));
              std::memcpy(dst + static_cast<size_t>(first + i) * bytes,
                          src + static_cast<size_t>(from) * bytes, bytes);
            }
          }
        });
    return MaceStatus::MACE_SUCCESS;
  }

 private:
  static constexpr int64_t kGrain = 8 * 1024;
  GatherElementsAttrs attrs_;
};

void RegisterGatherElements(OpRegistryBase *op_registry) {
  RegisterForTypes<GatherElementsOp>(op_registry, "GatherElements", kAllTypes);
}

}  // namespace ops
}  // namespace mace
