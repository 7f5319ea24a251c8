// SPDX-License-Identifier: Apache-2.0
// Unary: a mathematical function of each element. Integers wrap around; functions whose result is
// no integer are for float32 alone. NOT is for bool alone.
#include <cstdint>
#include <type_traits>

#include "mace/kernels/eltwise/eltwise.h"
#include "mace/ops/attrs/unary.h"
#include "mace/ops/broadcast_rows.h"
#include "mace/ops/data_movement.h"

namespace mace {
namespace ops {

#define MACE_SAME_FUNCTION(kernel_function, name)                                     \
  static_assert(static_cast<int>(UnaryAttrs::Type::name) == kernels::kernel_function, \
                "kernels and ops.yml number functions alike")
MACE_SAME_FUNCTION(kUnaryNeg, kNeg);
MACE_SAME_FUNCTION(kUnaryAbs, kAbs);
MACE_SAME_FUNCTION(kUnarySqrt, kSqrt);
MACE_SAME_FUNCTION(kUnaryRsqrt, kRsqrt);
MACE_SAME_FUNCTION(kUnarySquare, kSquare);
MACE_SAME_FUNCTION(kUnaryReciprocal, kReciprocal);
MACE_SAME_FUNCTION(kUnaryExp, kExp);
MACE_SAME_FUNCTION(kUnaryLog, kLog);
MACE_SAME_FUNCTION(kUnaryFloor, kFloor);
MACE_SAME_FUNCTION(kUnaryCeil, kCeil);
MACE_SAME_FUNCTION(kUnaryRound, kRound);
MACE_SAME_FUNCTION(kUnarySign, kSign);
MACE_SAME_FUNCTION(kUnaryErf, kErf);
MACE_SAME_FUNCTION(kUnarySin, kSin);
MACE_SAME_FUNCTION(kUnaryCos, kCos);
MACE_SAME_FUNCTION(kUnaryNot, kNot);
#undef MACE_SAME_FUNCTION

namespace {

using kernels::UnaryFunction;

bool IsForIntegers(UnaryFunction function) {
  switch (function) {
    case kernels::kUnaryNeg:
    case kernels::kUnaryAbs:
    case kernels::kUnarySquare:
    case kernels::kUnaryFloor:
    case kernels::kUnaryCeil:
    case kernels::kUnaryRound:
    case kernels::kUnarySign:
      return true;
    default:
      return false;
  }
}

template <typename T>
T Apply(UnaryFunction function, T x) {
  using U = std::make_unsigned_t<T>;
  switch (function) {
    case kernels::kUnaryNeg:
      return static_cast<T>(0 - static_cast<U>(x));
    case kernels::kUnaryAbs:
      return x < 0 ? static_cast<T>(0 - static_cast<U>(x)) : x;
    case kernels::kUnarySquare:
      return static_cast<T>(static_cast<U>(x) * static_cast<U>(x));
    case kernels::kUnarySign:
      return (x > 0) - (x < 0);
    default:
      return x;
  }
}

}  // namespace

class UnaryOp : public Operation {
 public:
  explicit UnaryOp(OpConstructContext *context) : Operation(context) {}

  MaceStatus Init(OpInitContext *context) override {
    UnaryAttrs attrs;
    MACE_RETURN_IF_ERROR(ParseAttrs(&attrs));
    function_ = static_cast<UnaryFunction>(attrs.type);
    dtype_ = context->InputType(0);
    if ((function_ == kernels::kUnaryNot) != (dtype_ == DT_BOOL)) {
      return NotSupported(dtype_ == DT_BOOL ? "NOT is the only function of bool"
                                            : "NOT is for bool; cast the input");
    }
    if ((dtype_ == DT_INT32 || dtype_ == DT_INT64) && !IsForIntegers(function_)) {
      return NotSupported("this function of ", DataTypeName(dtype_),
                          " does not give integers; cast the input to float32");
    }
    return MaceStatus();
  }

  MaceStatus Plan(OpPlanContext *context) override {
    context->AllowInPlace(0, 0);
    return MaceStatus();
  }

  MaceStatus Run(OpContext *context) override {
    switch (dtype_) {
      case DT_FLOAT: {
        const kernels::EltwiseFunctions &kernel = kernels::Eltwise();
        ForRanges<float>(context, [&](const float *in, float *out, int64_t n) {
          kernel.unary(function_, in, out, n);
        });
        break;
      }
      case DT_INT32:
        RunIntegers<int32_t>(context);
        break;
      case DT_INT64:
        RunIntegers<int64_t>(context);
        break;
      default:
        ForRanges<uint8_t>(context, [](const uint8_t *in, uint8_t *out, int64_t n) {
          for (int64_t i = 0; i < n; ++i) out[i] = in[i] == 0;
        });
        break;
    }
    return MaceStatus();
  }

 private:
  template <typename T, typename Row>
  static void ForRanges(OpContext *context, const Row &row) {
    const T *in = context->input(0)->data<T>();
    T *out = context->output(0)->mutable_data<T>();
    context->thread_pool()->ParallelFor(
        context->output(0)->elements(), kElementGrain,
        [&](int64_t begin, int64_t end, int) { row(in + begin, out + begin, end - begin); });
  }

  template <typename T>
  void RunIntegers(OpContext *context) const {
    ForRanges<T>(context, [this](const T *in, T *out, int64_t n) {
      for (int64_t i = 0; i < n; ++i) out[i] = Apply(function_, in[i]);
    });
  }

  UnaryFunction function_ = kernels::kUnaryNeg;
  DataType dtype_ = DT_FLOAT;
};

void RegisterUnary(OpRegistryBase *op_registry) {
  RegisterForTypes<UnaryOp>(op_registry, "Unary", {DT_FLOAT, DT_INT32, DT_INT64, DT_BOOL});
}

}  // namespace ops
}  // namespace mace
