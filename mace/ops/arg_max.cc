// SPDX-License-Identifier: Apache-2.0
// ArgMax: the index of the largest or smallest element along an axis, the first of equals. As in
// numpy, NaN counts as the largest and as the smallest.
#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

#include "mace/ops/attrs/arg_max.h"
#include "mace/ops/broadcast_rows.h"
#include "mace/ops/data_movement.h"

namespace mace {
namespace ops {

class ArgMaxOp : public ShapedOperation {
 public:
  explicit ArgMaxOp(OpConstructContext *context) : ShapedOperation(context) {}

  MaceStatus InferType(const std::vector<DataType> &, std::vector<DataType> *outputs) override {
    MACE_RETURN_IF_ERROR(ParseAttrs(&attrs_));
    if (attrs_.output_type != DT_INT32 && attrs_.output_type != DT_INT64) {
      return Invalid("output_type must be int32 or int64, not ", DataTypeName(attrs_.output_type));
    }
    (*outputs)[0] = attrs_.output_type;
    return MaceStatus();
  }

  MaceStatus InferShape(OpShapeContext *context) override {
    const Shape &input = context->Input(0).shape;
    int axis = 0;
    MACE_RETURN_IF_ERROR(CheckAxis(attrs_.axis, input.rank(), &axis));
    if (input[axis] == 0) {
      return Invalid("the input of shape ", input.ToString(), " has no elements along axis ", axis);
    }
    if (attrs_.output_type == DT_INT32 && input[axis] > std::numeric_limits<int32_t>::max()) {
      return Invalid("indices along axis ", axis, " of ", input.ToString(),
                     " do not fit int32; choose int64 as output_type");
    }
    Shape output;
    for (int i = 0; i < input.rank(); ++i) {
      if (i != axis) {
        output.push_back(input[i]);
      } else if (attrs_.keepdims) {
        output.push_back(1);
      }
    }
    context->SetOutputShape(0, output);
    return MaceStatus();
  }

  MaceStatus Run(OpContext *context) override {
    switch (context->input(0)->dtype) {
      case DT_FLOAT:
        RunTyped<float>(context);
        break;
      case DT_INT32:
        RunTyped<int32_t>(context);
        break;
      default:
        RunTyped<int64_t>(context);
        break;
    }
    return MaceStatus();
  }

 private:
  template <typename T>
  void RunTyped(OpContext *context) const {
    if (attrs_.output_type == DT_INT32) {
      RunTyped<T, int32_t>(context);
    } else {
      RunTyped<T, int64_t>(context);
    }
  }

  template <typename T, typename Index>
  void RunTyped(OpContext *context) const {
    const Shape &shape = context->input(0)->shape;
    int axis = 0;
    NormalizeAxis(attrs_.axis, shape.rank(), &axis);
    const int64_t size = shape[axis], inner = shape.elements(axis + 1, shape.rank());
    const T *in = context->input(0)->data<T>();
    Index *out = context->output(0)->mutable_data<Index>();
    const int64_t grain = std::max<int64_t>(1, kElementGrain / size);
    context->thread_pool()->ParallelFor(
        context->output(0)->elements(), grain, [&](int64_t begin, int64_t end, int) {
          for (int64_t i = begin; i < end; ++i) {
            const T *first = in + i / inner * size * inner + i % inner;
            out[i] = static_cast<Index>(Find(first, size, inner));
          }
        });
  }

  // Both comparisons are false for NaN.
  template <typename T>
  int64_t Find(const T *values, int64_t count, int64_t stride) const {
    T best = values[0];
    int64_t index = 0;
    if (best != best) return 0;
    for (int64_t i = 1; i < count; ++i) {
      const T value = values[i * stride];
      if (attrs_.argmin ? value >= best : value <= best) continue;
      best = value;
      index = i;
      if (best != best) break;
    }
    return index;
  }

  ArgMaxAttrs attrs_;
};

void RegisterArgMax(OpRegistryBase *op_registry) {
  RegisterForTypes<ArgMaxOp>(op_registry, "ArgMax", {DT_FLOAT, DT_INT32, DT_INT64});
}

}  // namespace ops
}  // namespace mace
