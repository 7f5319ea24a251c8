// SPDX-License-Identifier: Apache-2.0
// TensorFlow's StridedSlice. Bit i of a mask speaks of entry i of begin, end and strides.
#include "mace/ops/attrs/strided_slice.h"

#include <cstdint>

#include "mace/ops/data_movement.h"

namespace mace {
namespace ops {

class StridedSliceOp : public CopyOperation {
 public:
  using CopyOperation::CopyOperation;

  MaceStatus Init(OpInitContext *) override { return ParseAttrs(&attrs_); }

  MaceStatus InferShape(OpShapeContext *context) override {
    std::vector<DimRange> ranges;
    std::vector<int64_t> dims;
    MACE_RETURN_IF_ERROR(Resolve(*context, &ranges, &dims));
    return SetOutput(context, 0, dims);
  }

 protected:
  MaceStatus MakeSteps(const OpShapeContext &context, std::vector<Step> *steps) override {
    std::vector<DimRange> ranges;
    std::vector<int64_t> dims;
    MACE_RETURN_IF_ERROR(Resolve(context, &ranges, &dims));
    const Tensor &input = context.Input(0);
    steps->push_back({0, 0, SliceCopy(input.shape, ElementBytes(context), ranges.data())});
    return MaceStatus::MACE_SUCCESS;
  }

 private:
  static bool Bit(int64_t mask, size_t i) { return ((mask >> i) & 1) != 0; }

  MaceStatus ReadEntries(const OpShapeContext &context, std::vector<int64_t> *begin,
                         std::vector<int64_t> *end, std::vector<int64_t> *strides) const {
    MACE_RETURN_IF_ERROR(Integers(context, 1, "begin", begin));
    MACE_RETURN_IF_ERROR(Integers(context, 2, "end", end));
    if (context.HasInput(3)) {
      MACE_RETURN_IF_ERROR(Integers(context, 3, "strides", strides));
    } else {
      strides->assign(begin->size(), 1);
    }
    if (end->size() != begin->size() || strides->size() != begin->size()) {
      return Invalid("begin has ", begin->size(), " entries, end ", end->size(), " and strides ",
                     strides->size(), "; they must be as many");
    }
    if (begin->size() > 32) {
      return Invalid("begin has ", begin->size(), " entries, the masks have 32 bits");
    }
    return MaceStatus::MACE_SUCCESS;
  }

  // What is taken of each dimension of the input, and the dimensions of the output.
  MaceStatus Resolve(const OpShapeContext &context, std::vector<DimRange> *ranges,
                     std::vector<int64_t> *dims) const {
    std::vector<int64_t> begin, end, strides;
    MACE_RETURN_IF_ERROR(ReadEntries(context, &begin, &end, &strides));
    const Shape &input = context.Input(0).shape;
    int used = 0;
    size_t ellipsis = begin.size();
    for (size_t i = 0; i < begin.size(); ++i) {
      if (Bit(attrs_.ellipsis_mask, i)) {
        if (ellipsis != begin.size()) return Invalid("ellipsis_mask has more than one bit");
        ellipsis = i;
      } else if (!Bit(attrs_.new_axis_mask, i)) {
        ++used;
      }
    }
    if (used > input.rank()) {
      return Invalid("begin indexes ", used, " dimensions of input shape ", input.ToString());
    }
    // Without an ellipsis there is one behind the last entry.
    for (size_t i = 0; i <= begin.size(); ++i) {
      if (i == ellipsis) {
        for (int left = input.rank() - used; left > 0; --left) {
          const int64_t dim = input[static_cast<int>(ranges->size())];
          ranges->push_back({0, 1, dim});
          dims->push_back(dim);
        }
      } else if (i == begin.size()) {
        break;
      } else if (Bit(attrs_.new_axis_mask, i)) {
        dims->push_back(1);
      } else {
        const int axis = static_cast<int>(ranges->size());
        DimRange range;
        MACE_RETURN_IF_ERROR(RangeOf(i, axis, input[axis], begin[i], end[i], strides[i], &range));
        ranges->push_back(range);
        if (!Bit(attrs_.shrink_axis_mask, i)) dims->push_back(range.count);
      }
    }
    return MaceStatus::MACE_SUCCESS;
  }

  MaceStatus RangeOf(size_t entry, int axis, int64_t dim, int64_t begin, int64_t end,
                     int64_t stride, DimRange *range) const {
    if (stride == 0) return Invalid("the stride along axis ", axis, " is 0");
    if (Bit(attrs_.shrink_axis_mask, entry)) {
      if (stride < 0) {
        return Invalid("axis ", axis, " is dropped by shrink_axis_mask, its stride must be 1, not ",
                       stride);
      }
      const int64_t index = begin < 0 ? begin + dim : begin;
      if (index < 0 || index >= dim) {
        return Invalid("index ", begin, " is outside of axis ", axis, ", which has ", dim,
                       " elements");
      }
      *range = {index, 1, 1};
      return MaceStatus::MACE_SUCCESS;
    }
    // What is far outside is clamped to the first or behind the last element.
    if (Bit(attrs_.begin_mask, entry)) begin = stride > 0 ? 0 : INT64_MAX;
    if (Bit(attrs_.end_mask, entry)) end = stride > 0 ? INT64_MAX : INT64_MIN;
    *range = ClampedRange(dim, begin, end, stride);
    return MaceStatus::MACE_SUCCESS;
  }

  StridedSliceAttrs attrs_;
};

void RegisterStridedSlice(OpRegistryBase *op_registry) {
  RegisterForTypes<StridedSliceOp>(op_registry, "StridedSlice", kAllTypes);
}

}  // namespace ops
}  // namespace mace
