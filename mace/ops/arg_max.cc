// SPDX-License-Identifier: Apache-2.0
// ArgMax: the index of the largest or smallest element along an axis, the first of equals. As in
// numpy, NaN counts as the largest and as the smallest.
#include "mace/ops/attrs/arg_max.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

#include "mace/ops/broadcast_rows.h"
#include "mace/ops/data_movement.h"
#include "mace/ops/wide.h"

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
    const DataType dtype = context->input(0)->dtype;
    if (IsFloatType(dtype)) {
      RunWide<double, double>(context);
    } else if (IsUnsigned64(dtype)) {
      RunWide<int64_t, uint64_t>(context);
    } else {
      RunWide<int64_t, int64_t>(context);
    }
    return MaceStatus();
  }

 private:
  template <typename Stored, typename W>
  void RunWide(OpContext *context) const {
    const Tensor &input = *context->input(0);
    int axis = 0;
    NormalizeAxis(attrs_.axis, input.shape.rank(), &axis);
    const int64_t size = input.shape[axis];
    const int64_t inner = input.shape.elements(axis + 1, input.shape.rank());
    void *out = context->output(0)->raw;
    const int64_t grain = std::max<int64_t>(1, kElementGrain / size);
    context->thread_pool()->ParallelFor(
        context->output(0)->elements(), grain, [&](int64_t begin, int64_t end, int) {
          for (int64_t i = begin; i < end; ++i) {
            const int64_t first = i / inner * size * inner + i % inner;
            const int64_t index = Find<Stored, W>(input, first, size, inner);
            Narrow(attrs_.output_type, &index, false, 1, ElementAt(out, attrs_.output_type, i));
          }
        });
  }

  // Both comparisons are false for NaN. Elements are widened to Stored and compared as W.
  template <typename Stored, typename W>
  int64_t Find(const Tensor &input, int64_t first, int64_t count, int64_t stride) const {
    Stored block[kWideBlock];
    W best = 0;
    int64_t index = -1;
    for (int64_t i = 0; i < count; i += kWideBlock) {
      const int64_t n = std::min(count - i, kWideBlock);
      Widen(input.dtype, ElementAt(input.raw, input.dtype, first + i * stride), stride, n, block);
      for (int64_t k = 0; k < n; ++k) {
        const W value = static_cast<W>(block[k]);
        if (index >= 0 && (attrs_.argmin ? value >= best : value <= best)) continue;
        best = value;
        index = i + k;
        if (best != best) return index;
      }
    }
    return index;
  }

  ArgMaxAttrs attrs_;
};

void RegisterArgMax(OpRegistryBase *op_registry) {
  RegisterForTypes<ArgMaxOp>(op_registry, "ArgMax", kAllTypes);
}

}  // namespace ops
}  // namespace mace
