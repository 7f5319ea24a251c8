// SPDX-License-Identifier: Apache-2.0
// The elementwise functions in double, one number at a time: the truth for all other kernels.
#include <cmath>
#include <limits>

#include "mace/base/chosen.h"
#include "mace/kernels/eltwise/eltwise.h"

namespace mace {
namespace kernels {
namespace {

constexpr double kSeluAlpha = 1.6732632423543772;
constexpr double kSeluScale = 1.0507009873554805;

double Min(double a, double b) { return std::isnan(a) || a < b ? a : b; }
double Max(double a, double b) { return std::isnan(a) || a > b ? a : b; }

double Mod(double a, double b) {
  const double r = std::fmod(a, b);
  if (r == 0) return std::copysign(0.0, b);
  return (r < 0) != (b < 0) ? r + b : r;
}

double Apply(BinaryFunction function, double a, double b) {
  switch (function) {
    case kBinarySum:
      return a + b;
    case kBinarySub:
      return a - b;
    case kBinaryProd:
      return a * b;
    case kBinaryDiv:
      return a / b;
    case kBinaryMin:
      return Min(a, b);
    case kBinaryMax:
      return Max(a, b);
    case kBinaryPow:
      return std::pow(a, b);
    case kBinarySqrDiff:
      return static_cast<double>(static_cast<float>(a - b)) * (a - b);
    // Rounded before floor, as a division of floats.
    case kBinaryFloorDiv:
      return std::floor(static_cast<float>(a / b));
    case kBinaryMod:
      return Mod(a, b);
    default:
      return std::numeric_limits<double>::quiet_NaN();
  }
}

bool Compare(BinaryFunction function, float a, float b) {
  switch (function) {
    case kBinaryEqual:
      return a == b;
    case kBinaryNotEqual:
      return a != b;
    case kBinaryLess:
      return a < b;
    case kBinaryLessEqual:
      return a <= b;
    case kBinaryGreater:
      return a > b;
    case kBinaryGreaterEqual:
      return a >= b;
    case kBinaryAnd:
      return a != 0 && b != 0;
    case kBinaryOr:
      return a != 0 || b != 0;
    case kBinaryXor:
      return (a != 0) != (b != 0);
    default:
      return false;
  }
}

double Apply(UnaryFunction function, double x) {
  switch (function) {
    case kUnaryNeg:
      return -x;
    case kUnaryAbs:
      return std::fabs(x);
    case kUnarySqrt:
      return std::sqrt(x);
    case kUnaryRsqrt:
      return 1 / std::sqrt(x);
    case kUnarySquare:
      return x * x;
    case kUnaryReciprocal:
      return 1 / x;
    case kUnaryExp:
      return std::exp(x);
    case kUnaryLog:
      return std::log(x);
    case kUnaryFloor:
      return std::floor(x);
    case kUnaryCeil:
      return std::ceil(x);
    case kUnaryRound:
      return std::nearbyint(x);  // the default rounding mode is to even
    case kUnarySign:
      return std::isnan(x) ? x : (x > 0) - (x < 0);
    case kUnaryErf:
      return std::erf(x);
    case kUnarySin:
      return std::sin(x);
    case kUnaryCos:
      return std::cos(x);
    default:
      return std::numeric_limits<double>::quiet_NaN();
  }
}

double Sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
double Softplus(double x) { return Max(x, 0) + std::log1p(std::exp(-std::fabs(x))); }

double Apply(const ActivationParams &params, double x) {
  const double c = params.coefficient;
  switch (params.kind) {
    case kActivationRelu:
      return Max(x, 0);
    case kActivationRelux:
      return Min(Max(x, 0), params.max_limit);
    case kActivationTanh:
      return std::tanh(x);
    case kActivationSigmoid:
      return Sigmoid(x);
    case kActivationLeakyRelu:
      return x < 0 ? c * x : x;
    case kActivationHardSigmoid:
      return Min(Max(c * x + params.offset, 0), 1);
    case kActivationHardSwish:
      return x * Min(Max(x / 6 + 0.5, 0), 1);
    case kActivationElu:
      return x < 0 ? c * std::expm1(x) : x;
    case kActivationSilu:
      return x / (1 + std::exp(-x));
    case kActivationSoftplus:
      return Softplus(x);
    case kActivationGelu:
      return x * (1 + std::erf(x / std::sqrt(2.0))) / 2;
    case kActivationMish:
      return x * std::tanh(Softplus(x));
    case kActivationSelu:
      return kSeluScale * (x < 0 ? kSeluAlpha * std::expm1(x) : x);
    case kActivationGeluTanh:
      return x * Sigmoid(std::sqrt(8 / M_PI) * (x + 0.044715 * x * x * x));
    default:
      return x;
  }
}

void Binary(BinaryFunction function, RowStep step, const float *a, const float *b, float *out,
            int64_t n) {
  const int step_a = step != RowStep::kSecond, step_b = step != RowStep::kFirst;
  for (int64_t i = 0; i < n; ++i) {
    out[i] = static_cast<float>(
        Apply(function, static_cast<double>(a[i * step_a]), static_cast<double>(b[i * step_b])));
  }
}

void CompareRow(BinaryFunction function, RowStep step, const float *a, const float *b, uint8_t *out,
                int64_t n) {
  if ((kChosen.binary >> kBinaryEqual) == 0) NotChosen();
  const int step_a = step != RowStep::kSecond, step_b = step != RowStep::kFirst;
  for (int64_t i = 0; i < n; ++i) out[i] = Compare(function, a[i * step_a], b[i * step_b]);
}

void WeightedSum(RowStep step, float factor_a, const float *a, float factor_b, const float *b,
                 float *out, int64_t n) {
  const int step_a = step != RowStep::kSecond, step_b = step != RowStep::kFirst;
  for (int64_t i = 0; i < n; ++i) {
    out[i] = static_cast<float>(static_cast<double>(factor_a) * a[i * step_a] +
                                static_cast<double>(factor_b) * b[i * step_b]);
  }
}

void Unary(UnaryFunction function, const float *in, float *out, int64_t n) {
  if (kChosen.unary == 0) NotChosen();
  for (int64_t i = 0; i < n; ++i) {
    out[i] = static_cast<float>(Apply(function, static_cast<double>(in[i])));
  }
}

void Prelu(RowStep step, const float *in, const float *slope, float *out, int64_t n) {
  const int step_slope = step != RowStep::kFirst;
  for (int64_t i = 0; i < n; ++i) out[i] = in[i] < 0 ? slope[i * step_slope] * in[i] : in[i];
}

void ScaleOffset(const float *in, const float *scale, const float *offset, float *out, int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    out[i] = static_cast<float>(static_cast<double>(in[i]) * scale[i] + offset[i]);
  }
}

}  // namespace

// By a name of its own too, for activation.cc.
void eltwise_f32__reference_activate(const ActivationParams &params, const float *in, float *out,
                                     int64_t n);
void eltwise_f32__reference_activate(const ActivationParams &params, const float *in, float *out,
                                     int64_t n) {
  if (kChosen.activations == 0) NotChosen();
  for (int64_t i = 0; i < n; ++i) {
    out[i] = static_cast<float>(Apply(params, static_cast<double>(in[i])));
  }
}

extern const EltwiseFunctions eltwise_f32__reference;
const EltwiseFunctions eltwise_f32__reference = {
    Binary, CompareRow, WeightedSum, Unary, eltwise_f32__reference_activate, Prelu, ScaleOffset};

}  // namespace kernels
}  // namespace mace
