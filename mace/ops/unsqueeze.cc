// SPDX-License-Identifier: Apache-2.0
// Inserts dimensions of size 1.
#include <algorithm>

#include "mace/ops/attrs/unsqueeze.h"
#include "mace/ops/data_movement.h"

namespace mace {
namespace ops {

class UnsqueezeOp : public AliasOperation {
 public:
  using AliasOperation::AliasOperation;

  MaceStatus Init(OpInitContext *) override { return ParseAttrs(&attrs_); }

  MaceStatus InferShape(OpShapeContext *context) override {
    const Shape &input = context->Input(0).shape;
    if (attrs_.axis.size() > static_cast<size_t>(kMaxRank - input.rank())) {
      return NotSupported(attrs_.axis.size(), " more dimensions for input shape ", input.ToString(),
                          " are too many, the most are ", kMaxRank);
    }
    const int rank = input.rank() + static_cast<int>(attrs_.axis.size());
    std::vector<int> axes;
    MACE_RETURN_IF_ERROR(CheckAxes(attrs_.axis, rank, &axes));
    std::vector<int64_t> dims;
    int next = 0;
    for (int i = 0; i < rank; ++i) {
      const bool inserted = std::find(axes.begin(), axes.end(), i) != axes.end();
      dims.push_back(inserted ? 1 : input[next++]);
    }
    return SetOutput(context, 0, dims);
  }

 private:
  UnsqueezeAttrs attrs_;
};

void RegisterUnsqueeze(OpRegistryBase *op_registry) {
  RegisterForTypes<UnsqueezeOp>(op_registry, "Unsqueeze", kAllTypes);
}

}  // namespace ops
}  // namespace mace
