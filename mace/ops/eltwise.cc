// SPDX-License-Identifier: Apache-2.0
// Eltwise: two tensors combined element by element; float32 by the vector kernels, all other types
// (and what is rare of float32) in 64 bits.
#include "mace/kernels/eltwise/eltwise.h"

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "mace/base/chosen.h"
#include "mace/kernels/half/half_conv.h"
#include "mace/ops/activation_params.h"
#include "mace/ops/attrs/eltwise.h"
#include "mace/ops/broadcast_rows.h"
#include "mace/ops/data_movement.h"
#include "mace/ops/eltwise_wide.h"
#include "mace/ops/wide.h"

namespace mace {
namespace ops {

#define MACE_SAME_FUNCTION(kernel_function, name)                                       \
  static_assert(static_cast<int>(EltwiseAttrs::Type::name) == kernels::kernel_function, \
                "kernels and ops.yml number functions alike")
MACE_SAME_FUNCTION(kBinarySum, kSum);
MACE_SAME_FUNCTION(kBinarySub, kSub);
MACE_SAME_FUNCTION(kBinaryProd, kProd);
MACE_SAME_FUNCTION(kBinaryDiv, kDiv);
MACE_SAME_FUNCTION(kBinaryMin, kMin);
MACE_SAME_FUNCTION(kBinaryMax, kMax);
MACE_SAME_FUNCTION(kBinaryPow, kPow);
MACE_SAME_FUNCTION(kBinarySqrDiff, kSqrDiff);
MACE_SAME_FUNCTION(kBinaryFloorDiv, kFloorDiv);
MACE_SAME_FUNCTION(kBinaryMod, kMod);
MACE_SAME_FUNCTION(kBinaryEqual, kEqual);
MACE_SAME_FUNCTION(kBinaryNotEqual, kNotEqual);
MACE_SAME_FUNCTION(kBinaryLess, kLess);
MACE_SAME_FUNCTION(kBinaryLessEqual, kLessEqual);
MACE_SAME_FUNCTION(kBinaryGreater, kGreater);
MACE_SAME_FUNCTION(kBinaryGreaterEqual, kGreaterEqual);
MACE_SAME_FUNCTION(kBinaryAnd, kAnd);
MACE_SAME_FUNCTION(kBinaryOr, kOr);
MACE_SAME_FUNCTION(kBinaryXor, kXor);
#undef MACE_SAME_FUNCTION

namespace {

using kernels::BinaryFunction;
using kernels::RowStep;
using Type = EltwiseAttrs::Type;

}  // namespace

class EltwiseOp : public ShapedOperation {
 public:
  explicit EltwiseOp(OpConstructContext *context) : ShapedOperation(context) {}

  MaceStatus InferType(const std::vector<DataType> &inputs,
                       std::vector<DataType> *outputs) override {
    MACE_RETURN_IF_ERROR(CheckSameTypes(inputs));
    EltwiseAttrs attrs;
    MACE_RETURN_IF_ERROR(ParseAttrs(&attrs));
    (*outputs)[0] = IsPredicate(attrs.type) ? DT_BOOL : inputs[0];
    return MaceStatus();
  }

  MaceStatus Init(OpInitContext *context) override {
    EltwiseAttrs attrs;
    MACE_RETURN_IF_ERROR(ParseAttrs(&attrs));
    type_ = attrs.type;
    dtype_ = context->InputType(0);
    params_ = MakeActivationParams(attrs);
    const char *problem = ActivationProblem(params_);
    if (problem != nullptr) return Invalid(problem);
    const bool plain = params_.kind == kernels::kActivationNoop;
    if (!plain && ((dtype_ != DT_FLOAT && dtype_ != DT_HALF) ||
                   static_cast<int>(type_) >= kernels::kBinaryEqual)) {
      return NotSupported("an activation after a result that is not float32 or float16");
    }
    if (static_cast<int>(type_) < kernels::kBinaryCount &&
        !Contains(kChosen.binary, static_cast<int>(type_))) {
      return Invalid("this function: ", kNotChosen);
    }
    if (dtype_ == DT_BOOL && !IsPredicate(type_)) {
      return NotSupported("arithmetic of bools; cast the inputs to int32");
    }
    if (IsFloatType(dtype_) ? IsBitwise(type_) : IsForFloats(type_)) {
      return NotSupported("this function of ", DataTypeName(dtype_), "; cast the inputs");
    }
    if (attrs.coeff.empty()) return MaceStatus();
    if (type_ != Type::kSum) return Invalid("only SUM takes coeff");
    if (attrs.coeff.size() != 2) {
      return Invalid("coeff has ", attrs.coeff.size(), " factors for 2 inputs");
    }
    weighted_ = attrs.coeff[0] != 1 || attrs.coeff[1] != 1;
    if (weighted_ && dtype_ != DT_FLOAT) return NotSupported("coeff with integer inputs");
    factors_[0] = attrs.coeff[0];
    factors_[1] = attrs.coeff[1];
    return MaceStatus();
  }

  MaceStatus InferShape(OpShapeContext *context) override {
    const Shape &a = context->Input(0).shape, &b = context->Input(1).shape;
    Shape output;
    if (!kernels::BroadcastShapes(a, b, &output)) {
      return Invalid("shapes ", a.ToString(), " and ", b.ToString(),
                     " cannot be broadcast with each other");
    }
    return SetOutput(context, 0, output.ToVector());
  }

  MaceStatus Plan(OpPlanContext *context) override {
    auto rows = std::make_unique<BroadcastRows>(context->OutputShape(0), context->Input(0).shape,
                                                context->Input(1).shape);
    context->RequestScratch(rows->scratch_bytes(DataTypeSize(dtype_)));
    const bool same_size = !IsPredicate(type_) || dtype_ == DT_BOOL;
    for (int i = 0; i < 2; ++i) {
      if (same_size && rows->SameAsOutput(i)) context->AllowInPlace(0, i);
    }
    context->SetState(std::move(rows));
    return MaceStatus();
  }

  MaceStatus Run(OpContext *context) override {
    if (dtype_ == DT_FLOAT && static_cast<int>(type_) < kernels::kBinaryCount) {
      RunFloat(context);
      return MaceStatus();
    }
    Tensor *out = context->output(0);
    ForRows<void>(
        context, [&](RowStep step, const void *a, const void *b, int64_t first, int64_t n) {
          void *row = ElementAt(out->raw, out->dtype, first);
          WideEltwiseRow(type_, dtype_, step, a, b, row, n);
          if (Contains(kChosen.types, DT_HALF) && params_.kind != kernels::kActivationNoop) {
            kernels::ApplyActivationHalf(params_, static_cast<uint16_t *>(row), n);
          }
        });
    return MaceStatus();
  }

 private:
  void RunFloat(OpContext *context) const {
    if (IsPredicate(type_)) return RunFloatPredicate(context);
    const kernels::EltwiseFunctions &kernel = kernels::Eltwise();
    float *out = context->output(0)->mutable_data<float>();
    ForRows<float>(context,
                   [&](RowStep step, const float *a, const float *b, int64_t first, int64_t n) {
                     float *row = out + first;
                     if (weighted_) {
                       kernel.weighted_sum(step, factors_[0], a, factors_[1], b, row, n);
                     } else {
                       kernel.binary(function(), step, a, b, row, n);
                     }
                     if (params_.kind != kernels::kActivationNoop)
                       kernel.activate(params_, row, row, n);
                   });
  }

  void RunFloatPredicate(OpContext *context) const {
    const kernels::EltwiseFunctions &kernel = kernels::Eltwise();
    uint8_t *out = context->output(0)->mutable_data<uint8_t>();
    ForRows<float>(context,
                   [&](RowStep step, const float *a, const float *b, int64_t first, int64_t n) {
                     kernel.compare(function(), step, a, b, out + first, n);
                   });
  }

  template <typename T, typename Row>
  void ForRows(OpContext *context, const Row &row) const {
    static_cast<const BroadcastRows *>(context->state())
        ->Run(context->thread_pool(), static_cast<const T *>(context->input(0)->raw),
              static_cast<const T *>(context->input(1)->raw), DataTypeSize(dtype_),
              context->scratch(), row);
  }

  BinaryFunction function() const { return static_cast<BinaryFunction>(type_); }

  Type type_ = Type::kSum;
  DataType dtype_ = DT_FLOAT;
  kernels::ActivationParams params_;
  bool weighted_ = false;
  float factors_[2] = {1, 1};
};

void RegisterEltwise(OpRegistryBase *op_registry) {
  RegisterForTypes<EltwiseOp>(op_registry, "Eltwise", kAllTypes);
}

}  // namespace ops
}  // namespace mace
