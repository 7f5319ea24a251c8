// SPDX-License-Identifier: Apache-2.0
// What LayerNorm and GroupNorm have in common: inputs scale and offset that may be absent.
#ifndef MACE_OPS_NORMALIZATION_H_
#define MACE_OPS_NORMALIZATION_H_

#include <cstdint>

#include "mace/ops/data_movement.h"

namespace mace {
namespace ops {

template <typename Attrs>
class NormalizationOperation : public ShapedOperation {
 public:
  using ShapedOperation::ShapedOperation;

  MaceStatus Init(OpInitContext *context) override {
    MACE_RETURN_IF_ERROR(ParseAttrs(&attrs_));
    for (int i : {1, 2}) {
      const DataType dtype = context->InputType(i);
      if (dtype == DT_INVALID || dtype == DT_FLOAT) continue;
      return Invalid(kNames[i], " must be float32, not ", DataTypeName(dtype));
    }
    return MaceStatus();
  }

  MaceStatus Plan(OpPlanContext *context) override {
    context->AllowInPlace(0, 0);
    return MaceStatus();
  }

 protected:
  // The first of inputs 1 and 2 that is there without having n elements; 0 if both are right.
  static int WrongSize(const OpShapeContext &context, int64_t n) {
    for (int i : {1, 2}) {
      if (context.HasInput(i) && context.Input(i).shape.elements() != n) return i;
    }
    return 0;
  }

  // Null if the input is absent.
  static const float *Optional(const OpContext *context, int i) {
    const bool present = i < context->input_count() && context->input(i) != nullptr;
    return present ? context->input(i)->data<float>() : nullptr;
  }

  static constexpr const char *kNames[] = {"input", "scale", "offset"};

  Attrs attrs_;
};

}  // namespace ops
}  // namespace mace

#endif  // MACE_OPS_NORMALIZATION_H_
