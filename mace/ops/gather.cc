// SPDX-License-Identifier: Apache-2.0
// Takes slices along an axis by index.
#include "mace/ops/attrs/gather.h"

#include <algorithm>
#include <cstring>

#include "mace/ops/data_movement.h"
#include "mace/runtimes/cpu/thread_pool.h"

namespace mace {
namespace ops {

class GatherOp : public ShapedOperation {
 public:
  using ShapedOperation::ShapedOperation;

  MaceStatus InferType(const std::vector<DataType> &inputs,
                       std::vector<DataType> *outputs) override {
    MACE_RETURN_IF_ERROR(CheckIntegerType("indices", inputs[1]));
    return ShapedOperation::InferType(inputs, outputs);
  }

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
    return context->input(1)->dtype == DT_INT32 ? RunTyped<int32_t>(context)
                                                : RunTyped<int64_t>(context);
  }

 private:
  template <typename Index>
  MaceStatus RunTyped(OpContext *context) const {
    const Tensor &input = *context->input(0), &indices = *context->input(1);
    Tensor *output = context->output(0);
    if (output->elements() == 0) return MaceStatus::MACE_SUCCESS;
    int axis = 0;
    MACE_RETURN_IF_ERROR(CheckAxis(attrs_.axis, input.shape.rank(), &axis));
    const int64_t dim = input.shape[axis], count = indices.elements();
    const Index *index = indices.data<Index>();
    for (int64_t i = 0; i < count; ++i) {
      if (index[i] < -dim || index[i] >= dim) {
        return Invalid("index ", index[i], " at place ", i, " is outside of [", -dim, ", ", dim - 1,
                       "], axis ", axis, " of input shape ", input.shape.ToString());
      }
    }
    const int64_t bytes = input.shape.elements(axis + 1, input.shape.rank()) *
                          static_cast<int64_t>(DataTypeSize(input.dtype));
    const int64_t slices = input.shape.elements(0, axis) * count;
    const uint8_t *src = input.data<uint8_t>();
    uint8_t *dst = output->mutable_data<uint8_t>();
    context->thread_pool()->ParallelFor(
        slices, std::max<int64_t>(1, kGrainBytes / bytes), [=](int64_t begin, int64_t end, int) {
          for (int64_t i = begin; i < end; ++i) {
            const int64_t wanted = static_cast<int64_t>(index[i % count]);
            const int64_t slice = i / count * dim + (wanted < 0 ? wanted + dim : wanted);
            std::memcpy(dst + i * bytes, src + slice * bytes, static_cast<size_t>(bytes));
          }
        });
    return MaceStatus::MACE_SUCCESS;
  }

  static constexpr int64_t kGrainBytes = 64 * 1024;
  GatherAttrs attrs_;
};

void RegisterGather(OpRegistryBase *op_registry) {
  RegisterForTypes<GatherOp>(op_registry, "Gather", kAllTypes);
}

}  // namespace ops
}  // namespace mace
