// SPDX-License-Identifier: Apache-2.0
// Cuts a tensor along an axis.
#include "mace/ops/attrs/split.h"

#include "mace/base/checked.h"
#include "mace/ops/data_movement.h"

namespace mace {
namespace ops {

class SplitOp : public CopyOperation {
 public:
  using CopyOperation::CopyOperation;

  MaceStatus Init(OpInitContext *) override { return ParseAttrs(&attrs_); }

  MaceStatus InferShape(OpShapeContext *context) override {
    const Shape &input = context->Input(0).shape;
    int axis = 0;
    MACE_RETURN_IF_ERROR(CheckAxis(attrs_.axis, input.rank(), &axis));
    std::vector<int64_t> sizes = attrs_.sizes;
    if (context->HasInput(1)) MACE_RETURN_IF_ERROR(Integers(*context, 1, "sizes", &sizes));
    MACE_RETURN_IF_ERROR(CompleteSizes(input[axis], context->OutputCount(), &sizes));
    for (int i = 0; i < context->OutputCount(); ++i) {
      std::vector<int64_t> dims = input.ToVector();
      dims[axis] = sizes[i];
      MACE_RETURN_IF_ERROR(SetOutput(context, i, dims));
    }
    return MaceStatus::MACE_SUCCESS;
  }

 protected:
  MaceStatus MakeSteps(const OpShapeContext &context, std::vector<Step> *steps) override {
    const Shape &input = context.Input(0).shape;
    int axis = 0;
    MACE_RETURN_IF_ERROR(CheckAxis(attrs_.axis, input.rank(), &axis));
    DimRange ranges[kMaxRank];
    for (int d = 0; d < input.rank(); ++d) ranges[d] = {0, 1, input[d]};
    for (int i = 0; i < context.OutputCount(); ++i) {
      ranges[axis].count = context.OutputShape(i)[axis];
      steps->push_back({0, i, SliceCopy(input, ElementBytes(context), ranges)});
      ranges[axis].start += ranges[axis].count;
    }
    return MaceStatus::MACE_SUCCESS;
  }

 private:
  // Fills in what is not given: equal parts with a smaller last one (ONNX), or the one that is -1
  // (TensorFlow).
  MaceStatus CompleteSizes(int64_t dim, int outputs, std::vector<int64_t> *sizes) const {
    if (sizes->empty()) {
      const int64_t part = (dim + outputs - 1) / outputs;
      sizes->assign(outputs, part);
      sizes->back() = dim - part * (outputs - 1);
      if (sizes->back() < 0) {
        return Invalid("a dimension of ", dim, " cannot be cut into ", outputs, " parts of ", part);
      }
    }
    if (sizes->size() != static_cast<size_t>(outputs)) {
      return Invalid("there are ", sizes->size(), " sizes for ", outputs, " outputs");
    }
    int64_t sum = 0;
    int64_t *unknown = nullptr;
    for (int64_t &size : *sizes) {
      if (size == -1 && unknown == nullptr) {
        unknown = &size;
      } else if (size < 0 || !CheckedAdd(sum, size, &sum)) {
        return Invalid("a size of ", size, " cannot be cut from a dimension of ", dim);
      }
    }
    if (unknown != nullptr && sum <= dim) {
      *unknown = dim - sum;
    } else if (unknown != nullptr || sum != dim) {
      return Invalid("the sizes add up to ", sum, ", but the dimension to be cut is ", dim);
    }
    return MaceStatus::MACE_SUCCESS;
  }

  SplitAttrs attrs_;
};

void RegisterSplit(OpRegistryBase *op_registry) {
  RegisterForTypes<SplitOp>(op_registry, "Split", kAllTypes);
}

}  // namespace ops
}  // namespace mace
