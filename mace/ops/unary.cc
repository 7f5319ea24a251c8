// SPDX-License-Identifier: Apache-2.0
// Unary: a mathematical function of each element; of float32 by the vector kernels where they have
// it, else in 64 bits. Integers wrap around; functions whose result is no integer are for floats
// alone. NOT is for bool alone.
#include "mace/ops/attrs/unary.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "mace/base/chosen.h"
#include "mace/kernels/eltwise/eltwise.h"
#include "mace/ops/broadcast_rows.h"
#include "mace/ops/data_movement.h"
#include "mace/ops/wide.h"

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

using Type = UnaryAttrs::Type;
using kernels::UnaryFunction;

bool IsForIntegers(Type type) {
  switch (type) {
    case Type::kNeg:
    case Type::kAbs:
    case Type::kSquare:
    case Type::kFloor:
    case Type::kCeil:
    case Type::kRound:
    case Type::kSign:
    case Type::kBitNot:
      return true;
    default:
      return false;
  }
}

int64_t Apply(Type type, DataType dtype, int64_t x) {
  const uint64_t bits = static_cast<uint64_t>(x);
  const bool negative = x < 0 && !IsUnsigned64(dtype);
  switch (type) {
    case Type::kNeg:
      return static_cast<int64_t>(0 - bits);
    case Type::kAbs:
      return static_cast<int64_t>(negative ? 0 - bits : bits);
    case Type::kSquare:
      return static_cast<int64_t>(bits * bits);
    case Type::kSign:
      return negative ? -1 : (x != 0 ? 1 : 0);
    case Type::kBitNot:
      return ~x;
    default:
      return x;
  }
}

using Function = double (*)(double);

// In the order of UnaryAttrs::Type.
const Function kFunctions[] = {
    [](double x) { return -x; },
    [](double x) { return std::fabs(x); },
    [](double x) { return std::sqrt(x); },
    [](double x) { return 1 / std::sqrt(x); },
    [](double x) { return x * x; },
    [](double x) { return 1 / x; },
    [](double x) { return std::exp(x); },
    [](double x) { return std::log(x); },
    [](double x) { return std::floor(x); },
    [](double x) { return std::ceil(x); },
    [](double x) { return std::nearbyint(x); },
    [](double x) { return x != x ? x : static_cast<double>((x > 0) - (x < 0)); },
    [](double x) { return std::erf(x); },
    [](double x) { return std::sin(x); },
    [](double x) { return std::cos(x); },
    nullptr,  // NOT
    [](double x) { return std::tan(x); },
    [](double x) { return std::asin(x); },
    [](double x) { return std::acos(x); },
    [](double x) { return std::atan(x); },
    [](double x) { return std::sinh(x); },
    [](double x) { return std::cosh(x); },
    [](double x) { return std::asinh(x); },
    [](double x) { return std::acosh(x); },
    [](double x) { return std::atanh(x); },
    [](double x) { return std::expm1(x); },
    [](double x) { return std::log1p(x); },
    nullptr,  // BIT_NOT
};
static_assert(sizeof(kFunctions) / sizeof(kFunctions[0]) == static_cast<int>(Type::kBitNot) + 1,
              "each function has its place");

}  // namespace

class UnaryOp : public Operation {
 public:
  explicit UnaryOp(OpConstructContext *context) : Operation(context) {}

  MaceStatus Init(OpInitContext *context) override {
    UnaryAttrs attrs;
    MACE_RETURN_IF_ERROR(ParseAttrs(&attrs));
    type_ = attrs.type;
    dtype_ = context->InputType(0);
    if ((type_ == Type::kNot) != (dtype_ == DT_BOOL)) {
      return NotSupported(dtype_ == DT_BOOL ? "NOT is the only function of bool"
                                            : "NOT is for bool; cast the input");
    }
    if (static_cast<int>(type_) < kernels::kUnaryCount &&
        !Contains(kChosen.unary, static_cast<int>(type_))) {
      return Invalid("this function: ", kNotChosen);
    }
    if (IsFloatType(dtype_)) {
      if (type_ == Type::kBitNot) return NotSupported("the bits of ", DataTypeName(dtype_));
    } else if (dtype_ != DT_BOOL && !IsForIntegers(type_)) {
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
    const void *in = context->input(0)->raw;
    void *out = context->output(0)->raw;
    context->thread_pool()->ParallelFor(
        context->output(0)->elements(), kElementGrain, [&](int64_t begin, int64_t end, int) {
          const void *from = ElementAt(in, dtype_, begin);
          void *to = ElementAt(out, dtype_, begin);
          if (dtype_ == DT_FLOAT && static_cast<int>(type_) < kernels::kUnaryCount) {
            kernels::Eltwise().unary(static_cast<UnaryFunction>(type_),
                                     static_cast<const float *>(from), static_cast<float *>(to),
                                     end - begin);
          } else {
            RunWide(from, to, end - begin);
          }
        });
    return MaceStatus();
  }

 private:
  void RunWide(const void *in, void *out, int64_t n) const {
    int64_t integers[kWideBlock];
    double floats[kWideBlock];
    const Function function = kFunctions[static_cast<int>(type_)];
    for (int64_t first = 0; first < n; first += kWideBlock) {
      const int64_t count = std::min(n - first, kWideBlock);
      const void *from = ElementAt(in, dtype_, first);
      void *to = ElementAt(out, dtype_, first);
      if (IsFloatType(dtype_)) {
        Widen(dtype_, from, 1, count, floats);
        for (int64_t i = 0; i < count; ++i) floats[i] = function(floats[i]);
        Narrow(dtype_, floats, count, to);
        continue;
      }
      Widen(dtype_, from, 1, count, integers);
      for (int64_t i = 0; i < count; ++i) {
        integers[i] = type_ == Type::kNot ? integers[i] == 0 : Apply(type_, dtype_, integers[i]);
      }
      Narrow(dtype_, integers, false, count, to);
    }
  }

  Type type_ = Type::kNeg;
  DataType dtype_ = DT_FLOAT;
};

void RegisterUnary(OpRegistryBase *op_registry) {
  RegisterForTypes<UnaryOp>(op_registry, "Unary", kAllTypes);
}

}  // namespace ops
}  // namespace mace
