// SPDX-License-Identifier: Apache-2.0
// Repeats the input along each dimension.
#include "mace/base/checked.h"
#include "mace/ops/data_movement.h"

namespace mace {
namespace ops {

class TileOp : public CopyOperation {
 public:
  using CopyOperation::CopyOperation;

  MaceStatus InferShape(OpShapeContext *context) override {
    const Shape &input = context->Input(0).shape;
    std::vector<int64_t> repeats;
    MACE_RETURN_IF_ERROR(Integers(*context, 1, "repeats", &repeats));
    if (repeats.size() != static_cast<size_t>(input.rank())) {
      return Invalid("repeats has ", repeats.size(), " entries for input shape ", input.ToString());
    }
    std::vector<int64_t> dims;
    for (int i = 0; i < input.rank(); ++i) {
      int64_t dim = 0;
      if (repeats[i] < 0 || !CheckedMultiply(input[i], repeats[i], &dim)) {
        return Invalid("dimension ", i, " of input shape ", input.ToString(),
                       " cannot be repeated ", repeats[i], " times");
      }
      dims.push_back(dim);
    }
    return SetOutput(context, 0, dims);
  }

 protected:
  MaceStatus MakeSteps(const OpShapeContext &context, std::vector<Step> *steps) override {
    const Shape &input = context.Input(0).shape, &output = context.OutputShape(0);
    const int64_t bytes = ElementBytes(context);
    const Strides src = ByteStrides(input, bytes), dst = ByteStrides(output, bytes);
    kernels::StridedCopy copy(bytes);
    for (int i = 0; i < input.rank(); ++i) {
      copy.Add(input[i], src[i], dst[i]);
      copy.Add(output[i] / input[i], 0, input[i] * dst[i]);
    }
    steps->push_back({0, 0, copy});
    return MaceStatus::MACE_SUCCESS;
  }
};

void RegisterTile(OpRegistryBase *op_registry) {
  RegisterForTypes<TileOp>(op_registry, "Tile", kAllTypes);
}

}  // namespace ops
}  // namespace mace
