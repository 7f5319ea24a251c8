// SPDX-License-Identifier: Apache-2.0
// ONNX Slice: elements from start to end in steps, indices clamped to the input.
#include <algorithm>

#include "mace/ops/data_movement.h"

namespace mace {
namespace ops {

class SliceOp : public RangeOperation {
 public:
  using RangeOperation::RangeOperation;

 protected:
  MaceStatus Ranges(const OpShapeContext &context, std::vector<DimRange> *ranges) const override {
    const Shape &input = context.Input(0).shape;
    std::vector<int64_t> starts, ends, named, steps;
    MACE_RETURN_IF_ERROR(Integers(context, 1, "starts", &starts));
    MACE_RETURN_IF_ERROR(Integers(context, 2, "ends", &ends));
    if (context.HasInput(3)) {
      MACE_RETURN_IF_ERROR(Integers(context, 3, "axes", &named));
    } else {
      for (size_t i = 0; i < starts.size(); ++i) named.push_back(static_cast<int64_t>(i));
    }
    if (context.HasInput(4)) {
      MACE_RETURN_IF_ERROR(Integers(context, 4, "steps", &steps));
    } else {
      steps.assign(starts.size(), 1);
    }
    if (ends.size() != starts.size() || named.size() != starts.size() ||
        steps.size() != starts.size()) {
      return Invalid("there are ", starts.size(), " starts, ", ends.size(), " ends, ", named.size(),
                     " axes and ", steps.size(), " steps; they must be as many");
    }
    std::vector<int> axes;
    MACE_RETURN_IF_ERROR(CheckAxes(named, input.rank(), &axes));
    ranges->clear();
    for (int64_t dim : input) ranges->push_back({0, 1, dim});
    for (size_t i = 0; i < axes.size(); ++i) {
      if (steps[i] == 0) return Invalid("the step along axis ", axes[i], " is 0");
      // ONNX has backward slices that start before the first element start with it.
      const int64_t size = input[axes[i]];
      const int64_t start = steps[i] < 0 ? std::max(starts[i], -size) : starts[i];
      (*ranges)[axes[i]] = ClampedRange(size, start, ends[i], steps[i]);
    }
    return MaceStatus::MACE_SUCCESS;
  }
};

void RegisterSlice(OpRegistryBase *op_registry) {
  RegisterForTypes<SliceOp>(op_registry, "Slice", kAllTypes);
}

}  // namespace ops
}  // namespace mace
