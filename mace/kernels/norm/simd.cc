// SPDX-License-Identifier: Apache-2.0
// Normalizations on vectors, compiled once for each instruction set with MACE_NORM_TABLE naming
// the table.
#include "mace/kernels/norm/norm.h"
#include "mace/kernels/simd_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace mace {
namespace kernels {
namespace {

// Sum of map(in[i]); several sums side by side keep each short.
template <class Map>
HWY_INLINE float SumOf(const float *in, int64_t n, const Map &map) {
  FloatVector sum[4] = {hn::Zero(kFloats), hn::Zero(kFloats), hn::Zero(kFloats), hn::Zero(kFloats)};
  int64_t i = 0;
  for (; i <= n - 4 * kLanes; i += 4 * kLanes) {
    for (int k = 0; k < 4; ++k) sum[k] = hn::Add(sum[k], map(Load(in + i + k * kLanes)));
  }
  for (; i <= n - kLanes; i += kLanes) sum[0] = hn::Add(sum[0], map(Load(in + i)));
  if (i < n) {
    const FloatMask used = hn::FirstN(kFloats, static_cast<size_t>(n - i));
    sum[1] = hn::Add(sum[1], hn::IfThenElseZero(used, map(LoadPart(in + i, n - i))));
  }
  const FloatVector total = hn::Add(hn::Add(sum[0], sum[1]), hn::Add(sum[2], sum[3]));
  return hn::GetLane(hn::SumOfLanes(kFloats, total));
}

template <bool kScale, bool kOffset>
HWY_INLINE void Normalized(const float *in, const float *scale, const float *offset, float mean,
                           float factor, int64_t n, float *out) {
  const FloatVector shift = Set(mean), f = Set(factor);
  int64_t i = 0;
  for (; i <= n - kLanes; i += kLanes) {
    FloatVector y = hn::Mul(hn::Sub(Load(in + i), shift), f);
    if (kScale) y = hn::Mul(y, Load(scale + i));
    if (kOffset) y = hn::Add(y, Load(offset + i));
    Store(y, out + i);
  }
  if (i == n) return;
  FloatVector y = hn::Mul(hn::Sub(LoadPart(in + i, n - i), shift), f);
  if (kScale) y = hn::Mul(y, LoadPart(scale + i, n - i));
  if (kOffset) y = hn::Add(y, LoadPart(offset + i, n - i));
  StorePart(y, out + i, n - i);
}

void LayerNorm(const float *in, const float *scale, const float *offset, float epsilon, int64_t n,
               float *out) {
  const float count = static_cast<float>(n);
  const float mean = SumOf(in, n, [](FloatVector x) { return x; }) / count;
  const FloatVector shift = Set(mean);
  // Of differences: squares of the numbers themselves would cancel when the mean is large.
  const float variance = SumOf(in, n,
                               [shift](FloatVector x) {
                                 const FloatVector difference = hn::Sub(x, shift);
                                 return hn::Mul(difference, difference);
                               }) /
                         count;
  const float factor = 1.0f / sqrtf(variance + epsilon);
  if (scale != nullptr) {
    if (offset != nullptr) {
      Normalized<true, true>(in, scale, offset, mean, factor, n, out);
    } else {
      Normalized<true, false>(in, scale, offset, mean, factor, n, out);
    }
  } else if (offset != nullptr) {
    Normalized<false, true>(in, scale, offset, mean, factor, n, out);
  } else {
    Normalized<false, false>(in, scale, offset, mean, factor, n, out);
  }
}

// base^-beta, where 0.5 and 0.75, the exponents of the well-known networks, are roots.
HWY_INLINE FloatVector InversePower(FloatVector base, float beta) {
  const FloatVector one = Set(1.0f);
  if (beta == 1.0f) return DivExact(one, base);
  if (beta == 0.5f) return DivExact(one, SqrtExact(base));
  if (beta == 0.75f) {
    const FloatVector root = SqrtExact(base);
    return DivExact(one, hn::Mul(root, SqrtExact(root)));
  }
  return ExpOf(hn::Mul(Set(-beta), LogOf(base)));
}

void LocalResponseRow(const LocalResponse &params, const float *in, int64_t n, float *squares,
                      float *out) {
  const int64_t radius = params.radius;
  memset(squares, 0, static_cast<size_t>(radius) * sizeof(float));
  memset(squares + radius + n, 0, static_cast<size_t>(radius) * sizeof(float));
  ForEach(in, squares + radius, n, [](FloatVector x) { return hn::Mul(x, x); });
  const FloatVector bias = Set(params.bias), alpha = Set(params.alpha);
  // squares[i] is the first of the window of channel i.
  int64_t i = 0;
  for (; i <= n - kLanes; i += kLanes) {
    FloatVector sum = Load(squares + i);
    for (int64_t j = 1; j <= 2 * radius; ++j) sum = hn::Add(sum, Load(squares + i + j));
    const FloatVector base = hn::MulAdd(alpha, sum, bias);
    Store(hn::Mul(Load(in + i), InversePower(base, params.beta)), out + i);
  }
  if (i == n) return;
  FloatVector sum = LoadPart(squares + i, n - i);
  for (int64_t j = 1; j <= 2 * radius; ++j) sum = hn::Add(sum, LoadPart(squares + i + j, n - i));
  const FloatVector base = hn::MulAdd(alpha, sum, bias);
  StorePart(hn::Mul(LoadPart(in + i, n - i), InversePower(base, params.beta)), out + i, n - i);
}

void Scale(const float *in, float factor, const float *scale, bool one_scale, int64_t n,
           float *out) {
  const FloatVector f = Set(one_scale ? factor * scale[0] : factor);
  if (one_scale) return ForEach(in, out, n, [f](FloatVector x) { return hn::Mul(x, f); });
  Normalized<true, false>(in, scale, nullptr, 0.0f, factor, n, out);
}

}  // namespace

extern const NormFunctions MACE_NORM_TABLE;
const NormFunctions MACE_NORM_TABLE = {LayerNorm, LocalResponseRow, Scale};

}  // namespace kernels
}  // namespace mace
HWY_AFTER_NAMESPACE();
