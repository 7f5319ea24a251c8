// SPDX-License-Identifier: Apache-2.0
// Takes slices along an axis by index.
#include "mace/ops/attrs/gather.h"

#include <algorithm>
#include <cstring>

#include "mace/ops/indexing.h"
#include "mace/runtimes/cpu/thread_pool.h"

namespace mace {
namespace ops {

class GatherOp : public IndexOperation {
 public:
  using IndexOperation::IndexOperation;

  MaceStatus Init(OpInitContext *) override { return ParseAttrs(&attrs_); }

  MaceStatus InferShape(OpShapeContext *context) override {
    const Shape &input = context->Input(0).shape, &indices = context->Input(1).shape;
    int axis = 0;
    MACE_RETURN_IF_ERROR(CheckAxis(attrs_.axis, input.rank(), &axis));
    std::vector<int64_t> dims(input.begin(), input.begin() + axis);
    dims.insert(dims.end(), indices.begin(), indices.end());
    dims.insert(dims.end(), input.begin() + axis + 1, input.end());
    return SetOutput(context, 0, dims);
  }

  MaceStatus Run(OpContext *context) override {
    const Tensor &input = *context->input(0), &indices = *context->input(1);
    Tensor *output = context->output(0);
    if (output->elements() == 0) return MaceStatus::MACE_SUCCESS;
    int axis = 0;
    MACE_RETURN_IF_ERROR(CheckAxis(attrs_.axis, input.shape.rank(), &axis));
    MACE_RETURN_IF_ERROR(CheckIndices(indices, input.shape, axis));
    const int64_t dim = input.shape[axis], count = indices.elements();
    const int64_t bytes = input.shape.elements(axis + 1, input.shape.rank()) *
                          static_cast<int64_t>(DataTypeSize(input.dtype));
    const int64_t slices = input.shape.elements(0, axis) * count;
    const uint8_t *src = input.data<uint8_t>();
    uint8_t *dst = output->mutable_data<uint8_t>();
    context->thread_pool()->ParallelFor(
        slices, std::max<int64_t>(1, kCopyGrainBytes / bytes),
        [&](int64_t begin, int64_t end, int) {
          for (int64_t i = begin; i < end; ++i) {
            const int64_t wanted = IndexAt(indices, i % count);
            const int64_t slice = i / count * dim + (wanted < 0 ? wanted + dim : wanted);
            std::memcpy(dst + i * bytes, src + slice * bytes, static_cast<size_t>(bytes));
          }
        });
    return MaceStatus::MACE_SUCCESS;
  }

 private:
  GatherAttrs attrs_;
};

void RegisterGather(OpRegistryBase *op_registry) {
  RegisterForTypes<GatherOp>(op_registry, "Gather", kAllTypes);
}

}  // namespace ops
}  // namespace mace
