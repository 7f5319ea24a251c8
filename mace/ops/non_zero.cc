// SPDX-License-Identifier: Apache-2.0
// The indices of all elements that are not 0, in row-major order, a row of them for each dimension
// (ONNX NonZero). A scalar counts as one element of a vector.
#include <algorithm>
#include <cstring>

#include "mace/ops/indexing.h"

namespace mace {
namespace ops {

class NonZeroOp : public ShapedOperation {
 public:
  using ShapedOperation::ShapedOperation;

  MaceStatus InferType(const std::vector<DataType> &, std::vector<DataType> *outputs) override {
    (*outputs)[0] = DT_INT64;
    return MaceStatus::MACE_SUCCESS;
  }

  MaceStatus InferShape(OpShapeContext *context) override {
    const Shape &input = context->Input(0).shape;
    return SetOutput(context, 0, {std::max(input.rank(), 1), input.elements()});
  }

  MaceStatus Run(OpContext *context) override {
    const Tensor &input = *context->input(0);
    Tensor *output = context->output(0);
    const int64_t elements = input.elements();
    int64_t count = 0;
    for (int64_t i = 0; i < elements; ++i) count += IsZero(input, i) ? 0 : 1;
    int64_t *out = output->mutable_data<int64_t>();
    const Shape &shape = input.shape;
    const int rank = std::max(shape.rank(), 1);
    for (int64_t i = 0, k = 0; i < elements; ++i) {
      if (IsZero(input, i)) continue;
      int64_t rest = i;
      for (int d = rank - 1; d >= 0; --d) {
        const int64_t dim = d < shape.rank() ? shape[d] : 1;
        out[d * count + k] = rest % dim;
        rest /= dim;
      }
      ++k;
    }
    output->shape = Shape{rank, count};
    return MaceStatus::MACE_SUCCESS;
  }

  bool HasDynamicOutput() const override { return true; }

 private:
  static bool IsZero(const Tensor &input, int64_t i) {
    const size_t size = DataTypeSize(input.dtype);
    uint64_t bits = 0;
    std::memcpy(&bits, input.data<uint8_t>() + static_cast<size_t>(i) * size, size);
    const bool is_float = input.dtype == DT_FLOAT || input.dtype == DT_DOUBLE ||
                          input.dtype == DT_HALF || input.dtype == DT_BFLOAT16;
    // Without the sign: -0 is zero too.
    return is_float ? bits << (65 - 8 * size) == 0 : bits == 0;
  }
};

void RegisterNonZero(OpRegistryBase *op_registry) {
  RegisterForTypes<NonZeroOp>(op_registry, "NonZero", kAllTypes);
}

}  // namespace ops
}  // namespace mace
