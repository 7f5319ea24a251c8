// SPDX-License-Identifier: Apache-2.0
// Reverses the first elements of each sequence of a batch, as many as its length says.
#include "mace/ops/attrs/reverse_sequence.h"

#include <algorithm>
#include <cstring>

#include "mace/ops/indexing.h"
#include "mace/runtimes/cpu/thread_pool.h"

namespace mace {
namespace ops {

class ReverseSequenceOp : public ShapedOperation {
 public:
  using ShapedOperation::ShapedOperation;

  MaceStatus InferType(const std::vector<DataType> &inputs,
                       std::vector<DataType> *outputs) override {
    MACE_RETURN_IF_ERROR(CheckIntegerType("lengths", inputs[1]));
    return ShapedOperation::InferType(inputs, outputs);
  }

  MaceStatus Init(OpInitContext *) override { return ParseAttrs(&attrs_); }

  MaceStatus InferShape(OpShapeContext *context) override {
    const Shape &input = context->Input(0).shape, &lengths = context->Input(1).shape;
    std::vector<int> axes;
    MACE_RETURN_IF_ERROR(CheckAxes({attrs_.time_axis, attrs_.batch_axis}, input.rank(), &axes));
    if (lengths.rank() != 1 || lengths[0] != input[axes[1]]) {
      return Invalid("lengths of shape ", lengths.ToString(), " do not go with input shape ",
                     input.ToString(), ": there must be one for each of the ", input[axes[1]],
                     " sequences");
    }
    context->SetOutputShape(0, input);
    return MaceStatus::MACE_SUCCESS;
  }

  MaceStatus Run(OpContext *context) override {
    const Tensor &input = *context->input(0), &lengths = *context->input(1);
    const Shape &shape = input.shape;
    std::array<int, 2> axes = {};
    if (!NormalizeAxis(attrs_.time_axis, shape.rank(), &axes[0]) ||
        !NormalizeAxis(attrs_.batch_axis, shape.rank(), &axes[1])) {
      return Invalid("the axes are outside of the input");
    }
    const int64_t times = shape[axes[0]], batches = shape[axes[1]];
    for (int64_t i = 0; i < batches; ++i) {
      const int64_t length = IndexAt(lengths, i);
      if (length < 0 || length > times) {
        return Invalid("length ", length, " of sequence ", i, " is outside of [0, ", times, "]");
      }
    }
    if (input.elements() == 0) return MaceStatus::MACE_SUCCESS;
    // Rows are what lies behind both axes.
    const int last = std::max(axes[0], axes[1]) + 1;
    const int64_t time_step = shape.elements(axes[0] + 1, last);
    const int64_t batch_step = shape.elements(axes[1] + 1, last);
    const int64_t bytes =
        shape.elements(last, shape.rank()) * static_cast<int64_t>(DataTypeSize(input.dtype));
    const uint8_t *src = input.data<uint8_t>();
    uint8_t *dst = context->output(0)->mutable_data<uint8_t>();
    context->thread_pool()->ParallelFor(
        shape.elements(0, last), std::max<int64_t>(1, kCopyGrainBytes / bytes),
        [&](int64_t begin, int64_t end, int) {
          for (int64_t row = begin; row < end; ++row) {
            const int64_t time = row / time_step % times;
            const int64_t length = IndexAt(lengths, row / batch_step % batches);
            const int64_t from = time < length ? row + (length - 1 - 2 * time) * time_step : row;
            std::memcpy(dst + row * bytes, src + from * bytes, static_cast<size_t>(bytes));
          }
        });
    return MaceStatus::MACE_SUCCESS;
  }

 private:
  ReverseSequenceAttrs attrs_;
};

void RegisterReverseSequence(OpRegistryBase *op_registry) {
  RegisterForTypes<ReverseSequenceOp>(op_registry, "ReverseSequence", kAllTypes);
}

}  // namespace ops
}  // namespace mace
