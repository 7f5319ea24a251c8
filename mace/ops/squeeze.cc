// SPDX-License-Identifier: Apache-2.0
// Drops dimensions of size 1.
#include <algorithm>

#include "mace/ops/attrs/squeeze.h"
#include "mace/ops/data_movement.h"

namespace mace {
namespace ops {

class SqueezeOp : public AliasOperation {
 public:
  using AliasOperation::AliasOperation;

  MaceStatus Init(OpInitContext *) override { return ParseAttrs(&attrs_); }

  MaceStatus InferShape(OpShapeContext *context) override {
    const Shape &input = context->Input(0).shape;
    std::vector<int> axes;
    MACE_RETURN_IF_ERROR(CheckAxes(attrs_.axis, input.rank(), &axes));
    std::vector<int64_t> dims;
    for (int i = 0; i < input.rank(); ++i) {
      const bool named = std::find(axes.begin(), axes.end(), i) != axes.end();
      if (named && input[i] != 1) {
        return Invalid("axis ", i, " of input shape ", input.ToString(), " is ", input[i],
                       "; only dimensions of size 1 can be dropped");
      }
      if (!named && !(axes.empty() && input[i] == 1)) dims.push_back(input[i]);
    }
    return SetOutput(context, 0, dims);
  }

 private:
  SqueezeAttrs attrs_;
};

void RegisterSqueeze(OpRegistryBase *op_registry) {
  RegisterForTypes<SqueezeOp>(op_registry, "Squeeze", kAllTypes);
}

}  // namespace ops
}  // namespace mace
