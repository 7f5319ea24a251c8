// SPDX-License-Identifier: Apache-2.0
// The elementwise row functions on vectors, compiled once for each instruction set with
// MACE_ELTWISE_TABLE naming the table.
#include "mace/base/chosen.h"
#include "mace/kernels/eltwise/eltwise.h"
#include "mace/kernels/simd_math-inl.h"

// A case of a switch that has no code where the function is not chosen.
#define MACE_CASE(set, function) \
  case function:                 \
    if ((kChosen.set >> (function)&1) == 0) NotChosen()

HWY_BEFORE_NAMESPACE();
namespace mace {
namespace kernels {
namespace {

// out[i] = function(a[i], b[i]), where kStepA or kStepB is 0 if a or b is one number.
template <int kStepA, int kStepB, class Function>
HWY_INLINE void ForEachPair(const float *a, const float *b, float *out, int64_t n,
                            const Function &function) {
  if (n == 0) return;
  const FloatVector one_a = Set(a[0]), one_b = Set(b[0]);
  int64_t i = 0;
  for (; i <= n - kLanes; i += kLanes) {
    Store(function(kStepA == 0 ? one_a : Load(a + i), kStepB == 0 ? one_b : Load(b + i)), out + i);
  }
  if (i == n) return;
  StorePart(function(kStepA == 0 ? one_a : LoadPart(a + i, n - i),
                     kStepB == 0 ? one_b : LoadPart(b + i, n - i)),
            out + i, n - i);
}

template <class Function>
HWY_INLINE void ForEachPair(RowStep step, const float *a, const float *b, float *out, int64_t n,
                            const Function &function) {
  switch (step) {
    case RowStep::kBoth:
      return ForEachPair<1, 1>(a, b, out, n, function);
    case RowStep::kFirst:
      return ForEachPair<1, 0>(a, b, out, n, function);
    case RowStep::kSecond:
      return ForEachPair<0, 1>(a, b, out, n, function);
  }
}

// The same for what has no vector form.
template <class Function>
HWY_INLINE void ForEachNumber(RowStep step, const float *a, const float *b, float *out, int64_t n,
                              const Function &function) {
  const int step_a = step != RowStep::kSecond, step_b = step != RowStep::kFirst;
  const float one_a = n == 0 ? 0 : a[0], one_b = n == 0 ? 0 : b[0];
  for (int64_t i = 0; i < n; ++i) {
    out[i] = function(step_a == 0 ? one_a : a[i], step_b == 0 ? one_b : b[i]);
  }
}

void Pow(RowStep step, const float *a, const float *b, float *out, int64_t n) {
  if (step == RowStep::kFirst && n > 0) {
    const float exponent = b[0];
    if (exponent == 1.0f) {
      return ForEach(a, out, n, [](FloatVector x) { return x; });
    }
    if (exponent == 2.0f) {
      return ForEach(a, out, n, [](FloatVector x) { return hn::Mul(x, x); });
    }
    if (exponent == 3.0f) {
      return ForEach(a, out, n, [](FloatVector x) { return hn::Mul(hn::Mul(x, x), x); });
    }
    if (exponent == 0.5f) {
      // Unlike the root, the power of -0 is +0 and that of minus infinity is infinite.
      return ForEach(a, out, n, [](FloatVector x) {
        const FloatVector root = SqrtExact(hn::Add(x, hn::Zero(kFloats)));
        const FloatVector infinity = Set(HUGE_VALF);
        return hn::IfThenElse(hn::Eq(hn::Abs(x), infinity), infinity, root);
      });
    }
  }
  ForEachNumber(step, a, b, out, n, [](float x, float y) { return powf(x, y); });
}

float ModOf(float a, float b) {
  const float r = fmodf(a, b);
  if (r == 0) return copysignf(0.0f, b);
  return (r < 0) != (b < 0) ? r + b : r;
}

void Binary(BinaryFunction function, RowStep step, const float *a, const float *b, float *out,
            int64_t n) {
  using V = FloatVector;
  switch (function) {
    MACE_CASE(binary, kBinarySum);
    return ForEachPair(step, a, b, out, n, [](V x, V y) { return hn::Add(x, y); });
    MACE_CASE(binary, kBinarySub);
    return ForEachPair(step, a, b, out, n, [](V x, V y) { return hn::Sub(x, y); });
    MACE_CASE(binary, kBinaryProd);
    return ForEachPair(step, a, b, out, n, [](V x, V y) { return hn::Mul(x, y); });
    MACE_CASE(binary, kBinaryDiv);
    return ForEachPair(step, a, b, out, n, [](V x, V y) { return DivExact(x, y); });
    MACE_CASE(binary, kBinaryMin);
    return ForEachPair(step, a, b, out, n, [](V x, V y) { return MinNan(x, y); });
    MACE_CASE(binary, kBinaryMax);
    return ForEachPair(step, a, b, out, n, [](V x, V y) { return MaxNan(x, y); });
    MACE_CASE(binary, kBinaryPow);
    return Pow(step, a, b, out, n);
    MACE_CASE(binary, kBinarySqrDiff);
    return ForEachPair(step, a, b, out, n, [](V x, V y) {
      const V difference = hn::Sub(x, y);
      return hn::Mul(difference, difference);
    });
    MACE_CASE(binary, kBinaryFloorDiv);
    return ForEachPair(step, a, b, out, n, [](V x, V y) { return hn::Floor(DivExact(x, y)); });
    MACE_CASE(binary, kBinaryMod);
    return ForEachNumber(step, a, b, out, n, ModOf);
    default:
      return;
  }
}

// Of a comparison given for vectors and for numbers.
template <class Vectors, class Numbers>
HWY_INLINE void CompareRow(RowStep step, const float *a, const float *b, uint8_t *out, int64_t n,
                           const Vectors &vectors, const Numbers &numbers) {
  if (n == 0) return;
  const bool step_a = step != RowStep::kSecond, step_b = step != RowStep::kFirst;
  constexpr hn::Rebind<int32_t, Floats> ints;
  constexpr hn::Rebind<uint8_t, Floats> bytes;
  const FloatVector one_a = Set(a[0]), one_b = Set(b[0]);
  const auto one = hn::Set(ints, 1);
  int64_t i = 0;
  for (; i <= n - kLanes; i += kLanes) {
    const FloatMask mask = vectors(step_a ? Load(a + i) : one_a, step_b ? Load(b + i) : one_b);
    const auto result = hn::IfThenElseZero(hn::RebindMask(ints, mask), one);
    hn::StoreU(hn::DemoteTo(bytes, result), bytes, out + i);
  }
  for (; i < n; ++i) out[i] = numbers(a[step_a ? i : 0], b[step_b ? i : 0]);
}

// Highway's Ne says for AVX2 that NaN does not differ.
HWY_INLINE FloatMask Differ(FloatVector x, FloatVector y) { return hn::Not(hn::Eq(x, y)); }

void Compare(BinaryFunction function, RowStep step, const float *a, const float *b, uint8_t *out,
             int64_t n) {
  using V = FloatVector;
  const auto set = [](V x) { return Differ(x, hn::Zero(kFloats)); };
  switch (function) {
    MACE_CASE(binary, kBinaryEqual);
    return CompareRow(
        step, a, b, out, n, [](V x, V y) { return hn::Eq(x, y); },
        [](float x, float y) { return x == y; });
    MACE_CASE(binary, kBinaryNotEqual);
    return CompareRow(
        step, a, b, out, n, [](V x, V y) { return Differ(x, y); },
        [](float x, float y) { return x != y; });
    MACE_CASE(binary, kBinaryLess);
    return CompareRow(
        step, a, b, out, n, [](V x, V y) { return hn::Lt(x, y); },
        [](float x, float y) { return x < y; });
    MACE_CASE(binary, kBinaryLessEqual);
    return CompareRow(
        step, a, b, out, n, [](V x, V y) { return hn::Le(x, y); },
        [](float x, float y) { return x <= y; });
    MACE_CASE(binary, kBinaryGreater);
    return CompareRow(
        step, a, b, out, n, [](V x, V y) { return hn::Gt(x, y); },
        [](float x, float y) { return x > y; });
    MACE_CASE(binary, kBinaryGreaterEqual);
    return CompareRow(
        step, a, b, out, n, [](V x, V y) { return hn::Ge(x, y); },
        [](float x, float y) { return x >= y; });
    MACE_CASE(binary, kBinaryAnd);
    return CompareRow(
        step, a, b, out, n, [set](V x, V y) { return hn::And(set(x), set(y)); },
        [](float x, float y) { return x != 0 && y != 0; });
    MACE_CASE(binary, kBinaryOr);
    return CompareRow(
        step, a, b, out, n, [set](V x, V y) { return hn::Or(set(x), set(y)); },
        [](float x, float y) { return x != 0 || y != 0; });
    MACE_CASE(binary, kBinaryXor);
    return CompareRow(
        step, a, b, out, n, [set](V x, V y) { return hn::Xor(set(x), set(y)); },
        [](float x, float y) { return (x != 0) != (y != 0); });
    default:
      return;
  }
}

void WeightedSum(RowStep step, float factor_a, const float *a, float factor_b, const float *b,
                 float *out, int64_t n) {
  const FloatVector fa = Set(factor_a), fb = Set(factor_b);
  ForEachPair(step, a, b, out, n,
              [fa, fb](FloatVector x, FloatVector y) { return hn::MulAdd(fb, y, hn::Mul(fa, x)); });
}

// Highway reduces arguments to 39000 with a product that fits; the C library does the others.
template <class Vectors>
HWY_INLINE void Periodic(const float *in, float *out, int64_t n, const Vectors &vectors,
                         float (*number)(float)) {
  const FloatVector limit = Set(39000.0f);
  int64_t i = 0;
  for (; i <= n - kLanes; i += kLanes) {
    const FloatVector x = Load(in + i);
    if (hn::AllTrue(kFloats, hn::Le(hn::Abs(x), limit))) {
      Store(vectors(x), out + i);
    } else {
      for (int64_t j = i; j < i + kLanes; ++j) out[j] = number(in[j]);
    }
  }
  for (; i < n; ++i) out[i] = number(in[i]);
}

FloatVector SignOf(FloatVector x) {
  const FloatVector one = hn::CopySign(Set(1.0f), x);
  return hn::IfThenElse(hn::Gt(hn::Abs(x), hn::Zero(kFloats)), one, x);
}

void Unary(UnaryFunction function, const float *in, float *out, int64_t n) {
  using V = FloatVector;
  switch (function) {
    MACE_CASE(unary, kUnaryNeg);
    return ForEach(in, out, n, [](V x) { return hn::Neg(x); });
    MACE_CASE(unary, kUnaryAbs);
    return ForEach(in, out, n, [](V x) { return hn::Abs(x); });
    MACE_CASE(unary, kUnarySqrt);
    return ForEach(in, out, n, [](V x) { return SqrtExact(x); });
    MACE_CASE(unary, kUnaryRsqrt);
    return ForEach(in, out, n, [](V x) { return DivExact(Set(1.0f), SqrtExact(x)); });
    MACE_CASE(unary, kUnarySquare);
    return ForEach(in, out, n, [](V x) { return hn::Mul(x, x); });
    MACE_CASE(unary, kUnaryReciprocal);
    return ForEach(in, out, n, [](V x) { return DivExact(Set(1.0f), x); });
    MACE_CASE(unary, kUnaryExp);
    return ForEach(in, out, n, ExpOf);
    MACE_CASE(unary, kUnaryLog);
    return ForEach(in, out, n, LogOf);
    MACE_CASE(unary, kUnaryFloor);
    return ForEach(in, out, n, [](V x) { return hn::Floor(x); });
    MACE_CASE(unary, kUnaryCeil);
    return ForEach(in, out, n, [](V x) { return hn::Ceil(x); });
    MACE_CASE(unary, kUnaryRound);
    return ForEach(in, out, n, [](V x) { return hn::Round(x); });
    MACE_CASE(unary, kUnarySign);
    return ForEach(in, out, n, SignOf);
    MACE_CASE(unary, kUnaryErf);
    return ForEach(in, out, n, ErfOf);
    MACE_CASE(unary, kUnarySin);
    return Periodic(
        in, out, n, [](V x) { return hn::Sin(kFloats, x); }, sinf);
    MACE_CASE(unary, kUnaryCos);
    return Periodic(
        in, out, n, [](V x) { return hn::Cos(kFloats, x); }, cosf);
    default:
      return;
  }
}

FloatVector SoftplusOf(FloatVector x) {
  const FloatVector tail = hn::Log1p(kFloats, ExpOf(hn::Neg(hn::Abs(x))));
  return hn::Add(MaxOf(hn::Zero(kFloats), x), tail);
}

// x * tanh(log(1 + e)) with e = exp(x) is x * (e^2 + 2 e) / (e^2 + 2 e + 2), which is x for x > 20
// in float.
FloatVector MishOf(FloatVector x) {
  const FloatVector e = ExpOf(MinOf(Set(20.0f), x));
  const FloatVector n = hn::Mul(e, hn::Add(e, Set(2.0f)));
  return hn::Mul(x, hn::Div(n, hn::Add(n, Set(2.0f))));
}

HWY_INLINE FloatVector EluOf(FloatVector x, FloatVector coefficient) {
  const FloatVector zero = hn::Zero(kFloats);
  const FloatVector negative = hn::Mul(coefficient, Expm1OfNegative(MinOf(zero, x)));
  return hn::IfThenElse(hn::Lt(x, zero), negative, x);
}

void Activate(const ActivationParams &params, const float *in, float *out, int64_t n) {
  using V = FloatVector;
  const V zero = hn::Zero(kFloats), one = Set(1.0f), c = Set(params.coefficient);
  switch (params.kind) {
    MACE_CASE(activations, kActivationRelu);
    return ForEach(in, out, n, [zero](V x) { return MaxOf(zero, x); });
    MACE_CASE(activations, kActivationRelux);
    {
      const V limit = Set(params.max_limit);
      return ForEach(in, out, n, [=](V x) { return MinOf(limit, MaxOf(zero, x)); });
    }
    MACE_CASE(activations, kActivationTanh);
    return ForEach(in, out, n, TanhOf);
    MACE_CASE(activations, kActivationSigmoid);
    return ForEach(in, out, n, SigmoidOf);
    MACE_CASE(activations, kActivationLeakyRelu);
    return ForEach(in, out, n,
                   [=](V x) { return hn::IfThenElse(hn::Lt(x, zero), hn::Mul(c, x), x); });
    MACE_CASE(activations, kActivationHardSigmoid);
    {
      const V offset = Set(params.offset);
      return ForEach(in, out, n,
                     [=](V x) { return MinOf(one, MaxOf(zero, hn::MulAdd(c, x, offset))); });
    }
    MACE_CASE(activations, kActivationHardSwish);
    {
      const V sixth = Set(1.0f / 6.0f), half = Set(0.5f);
      return ForEach(in, out, n, [=](V x) {
        return hn::Mul(x, MinOf(one, MaxOf(zero, hn::MulAdd(x, sixth, half))));
      });
    }
    MACE_CASE(activations, kActivationElu);
    return ForEach(in, out, n, [c](V x) { return EluOf(x, c); });
    MACE_CASE(activations, kActivationSilu);
    return ForEach(in, out, n, [=](V x) { return hn::Div(x, hn::Add(one, ExpOf(hn::Neg(x)))); });
    MACE_CASE(activations, kActivationSoftplus);
    return ForEach(in, out, n, SoftplusOf);
    MACE_CASE(activations, kActivationGelu);
    {
      const V root_half = Set(0.70710678f), half = Set(0.5f);
      return ForEach(in, out, n, [=](V x) {
        return hn::Mul(hn::Mul(half, x), hn::Add(one, ErfOf(hn::Mul(x, root_half))));
      });
    }
    MACE_CASE(activations, kActivationMish);
    return ForEach(in, out, n, MishOf);
    MACE_CASE(activations, kActivationSelu);
    {
      const V alpha = Set(1.67326324f), scale = Set(1.05070098f);
      return ForEach(in, out, n, [=](V x) { return hn::Mul(scale, EluOf(x, alpha)); });
    }
    MACE_CASE(activations, kActivationGeluTanh);
    {
      // (1 + tanh(z)) / 2 is 1 / (1 + exp(-2 z)).
      const V linear = Set(-1.5957691f), cubic = Set(-0.071354816f);
      return ForEach(in, out, n, [=](V x) {
        const V power = hn::Mul(x, hn::MulAdd(cubic, hn::Mul(x, x), linear));
        return hn::Div(x, hn::Add(one, ExpOf(power)));
      });
    }
    default:
      if (in != out) memcpy(out, in, static_cast<size_t>(n) * sizeof(float));
      return;
  }
}

void Prelu(RowStep step, const float *in, const float *slope, float *out, int64_t n) {
  ForEachPair(step, in, slope, out, n, [](FloatVector x, FloatVector y) {
    return hn::IfThenElse(hn::Lt(x, hn::Zero(kFloats)), hn::Mul(x, y), x);
  });
}

void ScaleOffset(const float *in, const float *scale, const float *offset, float *out, int64_t n) {
  int64_t i = 0;
  for (; i <= n - kLanes; i += kLanes) {
    Store(hn::MulAdd(Load(in + i), Load(scale + i), Load(offset + i)), out + i);
  }
  const int64_t rest = n - i;
  if (rest == 0) return;
  StorePart(
      hn::MulAdd(LoadPart(in + i, rest), LoadPart(scale + i, rest), LoadPart(offset + i, rest)),
      out + i, rest);
}

}  // namespace

#define MACE_JOIN(a, b) a##b
#define MACE_NAMED(table, suffix) MACE_JOIN(table, suffix)
// By a name of its own too, for activation.cc.
void MACE_NAMED(MACE_ELTWISE_TABLE, _activate)(const ActivationParams &params, const float *in,
                                               float *out, int64_t n);
void MACE_NAMED(MACE_ELTWISE_TABLE, _activate)(const ActivationParams &params, const float *in,
                                               float *out, int64_t n) {
  Activate(params, in, out, n);
}

extern const EltwiseFunctions MACE_ELTWISE_TABLE;
const EltwiseFunctions MACE_ELTWISE_TABLE = {
    Binary, Compare,    WeightedSum, Unary, MACE_NAMED(MACE_ELTWISE_TABLE, _activate),
    Prelu,  ScaleOffset};

}  // namespace kernels
}  // namespace mace
HWY_AFTER_NAMESPACE();
