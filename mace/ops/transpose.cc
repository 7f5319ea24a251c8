// SPDX-License-Identifier: Apache-2.0
// Permutes dimensions.
#include "mace/ops/attrs/transpose.h"
#include "mace/ops/data_movement.h"

namespace mace {
namespace ops {

class TransposeOp : public CopyOperation {
 public:
  using CopyOperation::CopyOperation;

  MaceStatus Init(OpInitContext *) override { return ParseAttrs(&attrs_); }

  MaceStatus InferShape(OpShapeContext *context) override {
    const Shape &input = context->Input(0).shape;
    std::vector<int> order;
    MACE_RETURN_IF_ERROR(Order(input, &order));
    std::vector<int64_t> dims;
    for (int axis : order) dims.push_back(input[axis]);
    return SetOutput(context, 0, dims);
  }

 protected:
  MaceStatus MakeSteps(const OpShapeContext &context, std::vector<Step> *steps) override {
    const Shape &input = context.Input(0).shape, &output = context.OutputShape(0);
    std::vector<int> order;
    MACE_RETURN_IF_ERROR(Order(input, &order));
    const int64_t bytes = ElementBytes(context);
    const Strides src = ByteStrides(input, bytes), dst = ByteStrides(output, bytes);
    kernels::StridedCopy copy(bytes);
    for (int i = 0; i < output.rank(); ++i) copy.Add(output[i], src[order[i]], dst[i]);
    steps->push_back({0, 0, copy});
    return MaceStatus::MACE_SUCCESS;
  }

 private:
  // The input's dimension at each place of the output.
  MaceStatus Order(const Shape &input, std::vector<int> *order) const {
    if (attrs_.dims.empty()) {
      for (int i = input.rank() - 1; i >= 0; --i) order->push_back(i);
      return MaceStatus::MACE_SUCCESS;
    }
    if (attrs_.dims.size() != static_cast<size_t>(input.rank())) {
      return Invalid("dims has ", attrs_.dims.size(), " entries for input shape ", input.ToString(),
                     "; it must name each dimension once");
    }
    return CheckAxes(attrs_.dims, input.rank(), order);
  }

  TransposeAttrs attrs_;
};

void RegisterTranspose(OpRegistryBase *op_registry) {
  RegisterForTypes<TransposeOp>(op_registry, "Transpose", kAllTypes);
}

}  // namespace ops
}  // namespace mace
