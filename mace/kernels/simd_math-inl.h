// SPDX-License-Identifier: Apache-2.0
// What sources that are compiled once for each instruction set share: vectors of float32 of the
// instruction set's full width, and functions that Highway's own leave undefined for some numbers.
// Everything has internal linkage: a function compiled for AVX-512 must not serve other machines.
#ifndef MACE_KERNELS_SIMD_MATH_INL_H_
#define MACE_KERNELS_SIMD_MATH_INL_H_

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "hwy/contrib/math/math-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace mace {
namespace kernels {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

using Floats = hn::ScalableTag<float>;
using FloatVector = hn::Vec<Floats>;
using FloatMask = hn::Mask<Floats>;
constexpr Floats kFloats;
constexpr int64_t kLanes = static_cast<int64_t>(HWY_LANES(float));

HWY_INLINE FloatVector Set(float x) { return hn::Set(kFloats, x); }
HWY_INLINE FloatVector Load(const float *p) { return hn::LoadU(kFloats, p); }
HWY_INLINE void Store(FloatVector v, float *p) { hn::StoreU(v, kFloats, p); }

// n of 1 to kLanes - 1 lanes and no byte more; the other lanes are 0.
HWY_INLINE FloatVector LoadPart(const float *p, int64_t n) {
#if HWY_TARGET <= HWY_AVX2  // loads with a mask do not touch what is masked
  return hn::MaskedLoad(hn::FirstN(kFloats, static_cast<size_t>(n)), kFloats, p);
#else
  HWY_ALIGN float lanes[kLanes] = {};
  for (int64_t i = 0; i < n; ++i) lanes[i] = p[i];
  return hn::Load(kFloats, lanes);
#endif
}

HWY_INLINE void StorePart(FloatVector v, float *p, int64_t n) {
#if HWY_TARGET <= HWY_AVX2
  hn::BlendedStore(v, hn::FirstN(kFloats, static_cast<size_t>(n)), kFloats, p);
#else
  HWY_ALIGN float lanes[kLanes];
  hn::Store(v, kFloats, lanes);
  for (int64_t i = 0; i < n; ++i) p[i] = lanes[i];
#endif
}

// out[i] = function(in[i])
template <class Function>
HWY_INLINE void ForEach(const float *in, float *out, int64_t n, const Function &function) {
  int64_t i = 0;
  for (; i <= n - kLanes; i += kLanes) Store(function(Load(in + i)), out + i);
  if (i < n) StorePart(function(LoadPart(in + i, n - i)), out + i, n - i);
}

HWY_INLINE FloatMask IsNumber(FloatVector x) { return hn::Eq(x, x); }

// MaxOf, MinOf: NaN if the second operand is NaN; of no meaning if only the first is.
// MaxNan, MinNan: NaN if one of them is.
#if HWY_TARGET == HWY_NEON
// Highway takes the instructions that prefer numbers to NaN on 64-bit Arm.
HWY_INLINE FloatVector MaxOf(FloatVector a, FloatVector b) {
  return FloatVector(vmaxq_f32(a.raw, b.raw));
}
HWY_INLINE FloatVector MinOf(FloatVector a, FloatVector b) {
  return FloatVector(vminq_f32(a.raw, b.raw));
}
HWY_INLINE FloatVector MaxNan(FloatVector a, FloatVector b) { return MaxOf(a, b); }
HWY_INLINE FloatVector MinNan(FloatVector a, FloatVector b) { return MinOf(a, b); }
#else
HWY_INLINE FloatVector MaxOf(FloatVector a, FloatVector b) { return hn::Max(a, b); }
HWY_INLINE FloatVector MinOf(FloatVector a, FloatVector b) { return hn::Min(a, b); }
HWY_INLINE FloatVector MaxNan(FloatVector a, FloatVector b) {
  return hn::IfThenElse(IsNumber(a), hn::Max(a, b), a);
}
HWY_INLINE FloatVector MinNan(FloatVector a, FloatVector b) {
  return hn::IfThenElse(IsNumber(a), hn::Min(a, b), a);
}
#endif

// The one home of exp. x = n ln 2 + r with a whole n, so |r| <= ln(2) / 2, and exp(x) is
// 2^n (1 + (exp(r) - 1)). This gives exp(r) - 1, as r + r^2 q(r) with a polynomial q fitted for the
// least relative error of exp(r): 1.05e-7, or 3.1e-9 if kFine. `shifted` becomes 1.5 * 2^23 + bias
// + n, whose lowest bits as an integer are bias + n, and `whole` n. ln 2 is taken away in two
// parts, the first with few enough bits that n times it is exact.
template <bool kFine>
HWY_INLINE FloatVector Expm1OfRest(FloatVector x, float bias, FloatVector *shifted,
                                   FloatVector *whole) {
  const FloatVector magic = Set(12582912.0f + bias);
  *shifted = hn::MulAdd(x, Set(1.44269504f), magic);
  *whole = hn::Sub(*shifted, magic);
  FloatVector r = hn::NegMulAdd(*whole, Set(0.693359375f), x);
  r = hn::NegMulAdd(*whole, Set(-2.12194440e-4f), r);
  FloatVector q = Set(kFine ? 8.368745446e-03f : 8.312505670e-03f);
  if (kFine) q = hn::MulAdd(Set(1.381453592e-03f), r, q);
  q = hn::MulAdd(q, r, Set(kFine ? 4.166839272e-02f : 4.189033806e-02f));
  q = hn::MulAdd(q, r, Set(kFine ? 1.666652113e-01f : 1.666711569e-01f));
  q = hn::MulAdd(q, r, Set(kFine ? 4.999999404e-01f : 4.999923110e-01f));
  return hn::MulAdd(q, hn::Mul(r, r), r);
}

#if HWY_TARGET <= HWY_AVX3
// x * 2^n of whole n. With a mask of all lanes: g++ 12 takes the form without one for a read of
// uninitialized memory.
HWY_INLINE FloatVector Scale(FloatVector x, FloatVector n) {
  return FloatVector{_mm512_maskz_scalef_ps(0xffff, x.raw, n.raw)};
}
#else
using FloatBits = hn::Vec<hn::RebindToSigned<Floats>>;
HWY_INLINE FloatBits BitsOf(FloatVector x) { return hn::BitCast(hn::RebindToSigned<Floats>(), x); }
// 2^(e - 127) of 0 < e < 255 in the lowest bits.
HWY_INLINE FloatVector PowerOf2(FloatBits e) { return hn::BitCast(kFloats, hn::ShiftLeft<23>(e)); }
#endif

// exp of any number. Relative error below 2e-7 (for results that are not denormal); 0 below -104.
HWY_INLINE FloatVector ExpOf(FloatVector x) {
  // exp(104) is infinite already. NaN stays what it is.
  x = MinOf(Set(104.0f), MaxOf(Set(-104.0f), x));
  FloatVector shifted, n;
#if HWY_TARGET <= HWY_AVX3
  const FloatVector rest = Expm1OfRest<false>(x, 0, &shifted, &n);
  return Scale(hn::Add(Set(1.0f), rest), n);
#else
  // By two factors, as 2^n may not be a float of full precision where the result is.
  const FloatVector rest = Expm1OfRest<false>(x, 254, &shifted, &n);
  const FloatBits e = BitsOf(shifted), half = hn::ShiftRight<1>(e);
  const FloatVector factor = PowerOf2(half);
  return hn::Mul(hn::MulAdd(factor, rest, factor), PowerOf2(hn::Sub(e, half)));
#endif
}

// exp of x <= 0 or NaN, as exact.
HWY_INLINE FloatVector ExpOfNegative(FloatVector x) {
  x = MaxOf(Set(-104.0f), x);
  FloatVector shifted, n;
#if HWY_TARGET <= HWY_AVX3
  const FloatVector rest = Expm1OfRest<false>(x, 0, &shifted, &n);
  return Scale(hn::Add(Set(1.0f), rest), n);
#else
  const FloatVector rest = Expm1OfRest<false>(x, 127 + 24, &shifted, &n);
  const FloatVector factor = PowerOf2(BitsOf(shifted));
  return hn::Mul(hn::MulAdd(factor, rest, factor), Set(0x1p-24f));
#endif
}

// exp(x) - 1 of |x| <= 80 or NaN. Relative error below 4e-7.
HWY_INLINE FloatVector Expm1Of(FloatVector x) {
  FloatVector shifted, n;
#if HWY_TARGET <= HWY_AVX3
  const FloatVector rest = Expm1OfRest<true>(x, 0, &shifted, &n);
  const FloatVector factor = Scale(Set(1.0f), n);
#else
  const FloatVector rest = Expm1OfRest<true>(x, 127, &shifted, &n);
  const FloatVector factor = PowerOf2(BitsOf(shifted));
#endif
  return hn::MulAdd(factor, rest, hn::Sub(factor, Set(1.0f)));
}

// exp(x) - 1 of x <= 0 or NaN. It is -1 below -20.
HWY_INLINE FloatVector Expm1OfNegative(FloatVector x) { return Expm1Of(MaxOf(Set(-20.0f), x)); }

HWY_INLINE FloatVector LogOf(FloatVector x) {
  const FloatVector zero = hn::Zero(kFloats), infinity = Set(HUGE_VALF);
  FloatVector y = hn::Log(kFloats, x);
  y = hn::IfThenElse(hn::Eq(x, zero), Set(-HUGE_VALF), y);
  y = hn::IfThenElse(hn::Eq(x, infinity), infinity, y);
  return hn::IfThenElse(hn::Ge(x, zero), y, Set(NAN));
}

// a / b. 32-bit Arm has no vector division: Highway's is an approximation there, wrong for zero,
// infinite and very large divisors.
HWY_INLINE FloatVector DivExact(FloatVector a, FloatVector b) {
#if HWY_ARCH_ARM_V7
  HWY_ALIGN float x[kLanes], y[kLanes];
  hn::Store(a, kFloats, x);
  hn::Store(b, kFloats, y);
  for (int64_t i = 0; i < kLanes; ++i) x[i] /= y[i];
  return hn::Load(kFloats, x);
#else
  return hn::Div(a, b);
#endif
}

HWY_INLINE FloatVector SqrtExact(FloatVector a) {
#if HWY_ARCH_ARM_V7
  HWY_ALIGN float x[kLanes];
  hn::Store(a, kFloats, x);
  for (int64_t i = 0; i < kLanes; ++i) x[i] = sqrtf(x[i]);
  return hn::Load(kFloats, x);
#else
  return hn::Sqrt(a);
#endif
}

// 1 / (1 + exp(-x))
HWY_INLINE FloatVector SigmoidOf(FloatVector x) {
  const FloatVector one = Set(1.0f);
  return hn::Div(one, hn::Add(one, ExpOf(hn::Neg(x))));
}

HWY_INLINE FloatVector TanhOf(FloatVector x) {
  const FloatVector magnitude = MinOf(Set(9.1f), hn::Abs(x));  // tanh(9.1) rounds to 1
  const FloatVector y = Expm1Of(hn::Add(magnitude, magnitude));
  return hn::CopySign(hn::Div(y, hn::Add(y, Set(2.0f))), x);
}

// Polynomials fitted by least squares on Chebyshev nodes: erf(x) / x in x^2 for |x| <= 1 (relative
// error 2.2e-7), and log(1 - erf(x)) in x above (absolute error of erf 8.4e-8).
HWY_INLINE FloatVector ErfOf(FloatVector x) {
  const FloatVector magnitude = hn::Abs(x);
  const FloatVector square = hn::Mul(x, x);
  FloatVector low = Set(-5.657663083e-04f);
  low = hn::MulAdd(low, square, Set(4.927169980e-03f));
  low = hn::MulAdd(low, square, Set(-2.672317626e-02f));
  low = hn::MulAdd(low, square, Set(1.128077495e-01f));
  low = hn::MulAdd(low, square, Set(-3.761243508e-01f));
  low = hn::MulAdd(low, square, Set(1.128379163e+00f));
  const FloatVector t = hn::Min(magnitude, Set(4.0f));
  FloatVector high = Set(-9.576266793e-04f);
  high = hn::MulAdd(high, t, Set(1.340464350e-02f));
  high = hn::MulAdd(high, t, Set(-8.482585491e-02f));
  high = hn::MulAdd(high, t, Set(-6.596302700e-01f));
  high = hn::MulAdd(high, t, Set(-1.114056185e+00f));
  high = hn::MulAdd(high, t, Set(-3.539870564e-03f));
  const FloatVector far = hn::Sub(Set(1.0f), ExpOf(high));
  const FloatVector y =
      hn::IfThenElse(hn::Le(magnitude, Set(1.0f)), hn::Mul(low, x), hn::CopySign(far, x));
  return hn::IfThenElse(IsNumber(x), y, x);
}

}  // namespace
}  // namespace kernels
}  // namespace mace
HWY_AFTER_NAMESPACE();

#endif  // MACE_KERNELS_SIMD_MATH_INL_H_
