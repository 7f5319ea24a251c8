// SPDX-License-Identifier: Apache-2.0
// Cuts a window out of the input.
#include "mace/ops/attrs/crop.h"

#include "mace/ops/data_movement.h"

namespace mace {
namespace ops {

class CropOp : public RangeOperation {
 public:
  using RangeOperation::RangeOperation;

  MaceStatus Init(OpInitContext *) override { return ParseAttrs(&attrs_); }

 protected:
  MaceStatus Ranges(const OpShapeContext &context, std::vector<DimRange> *ranges) const override {
    const Shape &input = context.Input(0).shape;
    const bool has_like = context.HasInput(1);
    const std::vector<int64_t> sizes = has_like ? context.Input(1).shape.ToVector() : attrs_.size;
    const size_t rank = static_cast<size_t>(input.rank());
    if (attrs_.offset.size() != rank || sizes.size() != rank) {
      return Invalid("offset has ", attrs_.offset.size(), " entries and the size ", sizes.size(),
                     ", but input shape ", input.ToString(), " has ", rank, " dimensions");
    }
    for (int i = 0; i < input.rank(); ++i) {
      const int64_t offset = attrs_.offset[i];
      DimRange range = {0, 1, input[i]};
      if (offset != -1) {
        const int64_t rest = input[i] - offset;
        range = {offset, 1, !has_like && sizes[i] == -1 ? rest : sizes[i]};
        if (offset < 0 || rest < 0 || range.count < 0 || range.count > rest) {
          return Invalid("a window of ", sizes[i], " from ", offset, " on does not fit dimension ",
                         i, " of input shape ", input.ToString());
        }
      }
      ranges->push_back(range);
    }
    return MaceStatus::MACE_SUCCESS;
  }

 private:
  CropAttrs attrs_;
};

void RegisterCrop(OpRegistryBase *op_registry) {
  RegisterForTypes<CropOp>(op_registry, "Crop", {DT_FLOAT});
}

}  // namespace ops
}  // namespace mace
