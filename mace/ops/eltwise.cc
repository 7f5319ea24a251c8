// SPDX-License-Identifier: Apache-2.0
// Eltwise: two tensors combined element by element. Integers are computed as C++ does, wrapping
// around; what the processor would trap on is defined: x / 0 is 0, x % 0 is 0, and an integer power
// with a negative exponent is 0 unless the base is 1 or -1.
#include "mace/kernels/eltwise/eltwise.h"
#include "mace/ops/attrs/eltwise.h"

#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include "mace/ops/activation_params.h"
#include "mace/ops/broadcast_rows.h"
#include "mace/ops/data_movement.h"

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

bool IsPredicate(BinaryFunction function) { return function >= kernels::kBinaryEqual; }

template <typename T>
T DivOf(T a, T b) {
  if (b == 0) return 0;
  // The one quotient that does not fit.
  if (b == -1) return static_cast<T>(0 - static_cast<std::make_unsigned_t<T>>(a));
  return a / b;
}

template <typename T>
T ModOf(T a, T b) {
  if (b == 0 || b == -1) return 0;
  const T r = a % b;
  return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}

template <typename T>
T FloorDivOf(T a, T b) {
  const T quotient = DivOf(a, b);
  return ModOf(a, b) != 0 && (a < 0) != (b < 0) ? quotient - 1 : quotient;
}

template <typename T>
T PowOf(T base, T exponent) {
  using U = std::make_unsigned_t<T>;
  if (exponent < 0) {
    if (base == 1) return 1;
    return base == -1 ? (exponent % 2 == 0 ? 1 : -1) : 0;
  }
  U result = 1, factor = static_cast<U>(base);
  for (U rest = static_cast<U>(exponent); rest != 0; rest >>= 1) {
    if ((rest & 1) != 0) result *= factor;
    factor *= factor;
  }
  return static_cast<T>(result);
}

template <typename T, typename R, typename Function>
void ForRow(RowStep step, const T *a, const T *b, R *out, int64_t n, const Function &function) {
  switch (step) {
    case RowStep::kBoth:
      for (int64_t i = 0; i < n; ++i) out[i] = function(a[i], b[i]);
      return;
    case RowStep::kFirst: {
      const T one = b[0];
      for (int64_t i = 0; i < n; ++i) out[i] = function(a[i], one);
      return;
    }
    case RowStep::kSecond: {
      const T one = a[0];
      for (int64_t i = 0; i < n; ++i) out[i] = function(one, b[i]);
      return;
    }
  }
}

// Arithmetic of int32 and int64.
template <typename T>
void IntegerRow(BinaryFunction function, RowStep step, const T *a, const T *b, T *out, int64_t n) {
  using U = std::make_unsigned_t<T>;
  switch (function) {
    case kernels::kBinarySum:
      return ForRow(step, a, b, out, n, [](U x, U y) { return static_cast<T>(x + y); });
    case kernels::kBinarySub:
      return ForRow(step, a, b, out, n, [](U x, U y) { return static_cast<T>(x - y); });
    case kernels::kBinaryProd:
      return ForRow(step, a, b, out, n, [](U x, U y) { return static_cast<T>(x * y); });
    case kernels::kBinaryDiv:
      return ForRow(step, a, b, out, n, DivOf<T>);
    case kernels::kBinaryMin:
      return ForRow(step, a, b, out, n, [](T x, T y) { return x < y ? x : y; });
    case kernels::kBinaryMax:
      return ForRow(step, a, b, out, n, [](T x, T y) { return x > y ? x : y; });
    case kernels::kBinaryPow:
      return ForRow(step, a, b, out, n, PowOf<T>);
    case kernels::kBinarySqrDiff:
      return ForRow(step, a, b, out, n, [](U x, U y) {
        const U difference = x - y;
        return static_cast<T>(difference * difference);
      });
    case kernels::kBinaryFloorDiv:
      return ForRow(step, a, b, out, n, FloorDivOf<T>);
    case kernels::kBinaryMod:
      return ForRow(step, a, b, out, n, ModOf<T>);
    default:
      return;
  }
}

// Comparisons and logic of integers and bools.
template <typename T>
void PredicateRow(BinaryFunction function, RowStep step, const T *a, const T *b, uint8_t *out,
                  int64_t n) {
  switch (function) {
    case kernels::kBinaryEqual:
      return ForRow(step, a, b, out, n, [](T x, T y) { return x == y; });
    case kernels::kBinaryNotEqual:
      return ForRow(step, a, b, out, n, [](T x, T y) { return x != y; });
    case kernels::kBinaryLess:
      return ForRow(step, a, b, out, n, [](T x, T y) { return x < y; });
    case kernels::kBinaryLessEqual:
      return ForRow(step, a, b, out, n, [](T x, T y) { return x <= y; });
    case kernels::kBinaryGreater:
      return ForRow(step, a, b, out, n, [](T x, T y) { return x > y; });
    case kernels::kBinaryGreaterEqual:
      return ForRow(step, a, b, out, n, [](T x, T y) { return x >= y; });
    case kernels::kBinaryAnd:
      return ForRow(step, a, b, out, n, [](T x, T y) { return x != 0 && y != 0; });
    case kernels::kBinaryOr:
      return ForRow(step, a, b, out, n, [](T x, T y) { return x != 0 || y != 0; });
    case kernels::kBinaryXor:
      return ForRow(step, a, b, out, n, [](T x, T y) { return (x != 0) != (y != 0); });
    default:
      return;
  }
}

}  // namespace

class EltwiseOp : public ShapedOperation {
 public:
  explicit EltwiseOp(OpConstructContext *context) : ShapedOperation(context) {}

  MaceStatus InferType(const std::vector<DataType> &inputs,
                       std::vector<DataType> *outputs) override {
    MACE_RETURN_IF_ERROR(CheckSameTypes(inputs));
    EltwiseAttrs attrs;
    MACE_RETURN_IF_ERROR(ParseAttrs(&attrs));
    const bool predicate = IsPredicate(static_cast<BinaryFunction>(attrs.type));
    (*outputs)[0] = predicate ? DT_BOOL : inputs[0];
    return MaceStatus();
  }

  MaceStatus Init(OpInitContext *context) override {
    EltwiseAttrs attrs;
    MACE_RETURN_IF_ERROR(ParseAttrs(&attrs));
    function_ = static_cast<BinaryFunction>(attrs.type);
    dtype_ = context->InputType(0);
    params_ = MakeActivationParams(attrs);
    const char *problem = ActivationProblem(params_);
    if (problem != nullptr) return Invalid(problem, ", not ", params_.max_limit);
    const bool plain = params_.kind == kernels::kActivationNoop;
    if (!plain && (dtype_ != DT_FLOAT || IsPredicate(function_))) {
      return NotSupported("an activation after a result that is not float32");
    }
    if (dtype_ == DT_BOOL && !IsPredicate(function_)) {
      return NotSupported("arithmetic of bools; cast the inputs to int32");
    }
    if (attrs.coeff.empty()) return MaceStatus();
    if (function_ != kernels::kBinarySum) return Invalid("only SUM takes coeff");
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
    const bool same_size = !IsPredicate(function_) || dtype_ == DT_BOOL;
    for (int i = 0; i < 2; ++i) {
      if (same_size && rows->SameAsOutput(i)) context->AllowInPlace(0, i);
    }
    context->SetState(std::move(rows));
    return MaceStatus();
  }

  MaceStatus Run(OpContext *context) override {
    switch (dtype_) {
      case DT_FLOAT:
        RunFloat(context);
        break;
      case DT_INT32:
        RunIntegers<int32_t>(context);
        break;
      case DT_INT64:
        RunIntegers<int64_t>(context);
        break;
      default:
        RunPredicate<uint8_t>(context);
        break;
    }
    return MaceStatus();
  }

 private:
  void RunFloat(OpContext *context) const {
    if (IsPredicate(function_)) return RunFloatPredicate(context);
    const kernels::EltwiseFunctions &kernel = kernels::Eltwise();
    float *out = context->output(0)->mutable_data<float>();
    ForRows<float>(context,
                   [&](RowStep step, const float *a, const float *b, int64_t first, int64_t n) {
                     float *row = out + first;
                     if (weighted_) {
                       kernel.weighted_sum(step, factors_[0], a, factors_[1], b, row, n);
                     } else {
                       kernel.binary(function_, step, a, b, row, n);
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
                     kernel.compare(function_, step, a, b, out + first, n);
                   });
  }

  template <typename T>
  void RunIntegers(OpContext *context) const {
    if (IsPredicate(function_)) return RunPredicate<T>(context);
    T *out = context->output(0)->mutable_data<T>();
    ForRows<T>(context, [&](RowStep step, const T *a, const T *b, int64_t first, int64_t n) {
      IntegerRow(function_, step, a, b, out + first, n);
    });
  }

  template <typename T>
  void RunPredicate(OpContext *context) const {
    uint8_t *out = context->output(0)->mutable_data<uint8_t>();
    ForRows<T>(context, [&](RowStep step, const T *a, const T *b, int64_t first, int64_t n) {
      PredicateRow(function_, step, a, b, out + first, n);
    });
  }

  template <typename T, typename Row>
  static void ForRows(OpContext *context, const Row &row) {
    static_cast<const BroadcastRows *>(context->state())
        ->Run(context->thread_pool(), context->input(0)->data<T>(), context->input(1)->data<T>(),
              context->scratch(), row);
  }

  BinaryFunction function_ = kernels::kBinarySum;
  DataType dtype_ = DT_FLOAT;
  kernels::ActivationParams params_;
  bool weighted_ = false;
  float factors_[2] = {1, 1};
};

void RegisterEltwise(OpRegistryBase *op_registry) {
  RegisterForTypes<EltwiseOp>(op_registry, "Eltwise", {DT_FLOAT, DT_INT32, DT_INT64, DT_BOOL});
}

}  // namespace ops
}  // namespace mace
