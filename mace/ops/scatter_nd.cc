// SPDX-License-Identifier: Apache-2.0
// Puts slices into a copy of the input where tuples of indices say, or combines them with what is
// there (ONNX ScatterND). Of several for one place the last counts, or all combine.
#include "mace/ops/attrs/scatter_nd.h"

#include "mace/ops/indexing.h"

namespace mace {
namespace ops {

class ScatterNDOp : public ScatterOperation {
 public:
  using ScatterOperation::ScatterOperation;

  MaceStatus Init(OpInitContext *context) override {
    MACE_RETURN_IF_ERROR(ParseAttrs(&attrs_));
    return CheckCombination(static_cast<Combination>(attrs_.reduction), context->InputType(0));
  }

  MaceStatus InferShape(OpShapeContext *context) override {
    const Shape &input = context->Input(0).shape, &indices = context->Input(1).shape;
    const Shape &updates = context->Input(2).shape;
    bool fits = indices.rank() >= 1 && indices.dim(-1) <= input.rank();
    if (fits) {
      std::vector<int64_t> wanted(indices.begin(), indices.end() - 1);
      wanted.insert(wanted.end(), input.begin() + indices.dim(-1), input.end());
      fits = wanted == updates.ToVector();
    }
    if (!fits) {
      return Invalid("indices of shape ", indices.ToString(), " and updates of shape ",
                     updates.ToString(), " do not go with input shape ", input.ToString(),
                     ": there must be a slice of the input for each tuple of indices");
    }
    context->SetOutputShape(0, input);
    return MaceStatus::MACE_SUCCESS;
  }

  MaceStatus Run(OpContext *context) override {
    const Tensor &input = *context->input(0), &indices = *context->input(1);
    Tensor *output = context->output(0);
    CopyTensor(context->thread_pool(), input, output);
    const int64_t element = static_cast<int64_t>(DataTypeSize(input.dtype));
    const IndexTuples tuples(indices, input.shape, 0, element);
    if (context->input(2)->elements() == 0) return MaceStatus::MACE_SUCCESS;
    const auto how = static_cast<Combination>(attrs_.reduction);
    const uint8_t *src = context->input(2)->data<uint8_t>();
    uint8_t *dst = output->mutable_data<uint8_t>();
    for (int64_t t = 0; t < tuples.count(); ++t) {
      int64_t place = 0, bound = 0;
      const int64_t offset = tuples.Offset(t, &place, &bound);
      if (offset < 0) return Outside(indices, place, bound, input.shape);
      Combine(how, input.dtype, dst + offset, src + t * tuples.block(), tuples.block() / element);
    }
    return MaceStatus::MACE_SUCCESS;
  }

 private:
  ScatterNDAttrs attrs_;
};

void RegisterScatterND(OpRegistryBase *op_registry) {
  RegisterForTypes<ScatterNDOp>(op_registry, "ScatterND", kAllTypes);
}

}  // namespace ops
}  // namespace mace
