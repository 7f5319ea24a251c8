// SPDX-License-Identifier: Apache-2.0
// Reductions on vectors, compiled once for each instruction set with MACE_REDUCE_TABLE naming the
// table.
#include "mace/base/chosen.h"
#include "mace/kernels/reduce/reduce.h"
#include "mace/kernels/simd_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace mace {
namespace kernels {
namespace {

// What a function starts from, makes of each number, and how it combines two results.
struct Sum {
  static constexpr float kStart = 0;
  static HWY_INLINE FloatVector Map(FloatVector x) { return x; }
  static HWY_INLINE FloatVector Combine(FloatVector a, FloatVector b) { return hn::Add(a, b); }
  static HWY_INLINE float Combine(float a, float b) { return a + b; }
};
struct SumSquare : Sum {
  static HWY_INLINE FloatVector Map(FloatVector x) { return hn::Mul(x, x); }
};
struct SumAbs : Sum {
  static HWY_INLINE FloatVector Map(FloatVector x) { return hn::Abs(x); }
};
struct Prod {
  static constexpr float kStart = 1;
  static HWY_INLINE FloatVector Map(FloatVector x) { return x; }
  static HWY_INLINE FloatVector Combine(FloatVector a, FloatVector b) { return hn::Mul(a, b); }
  static HWY_INLINE float Combine(float a, float b) { return a * b; }
};
struct Min {
  static constexpr float kStart = HUGE_VALF;
  static HWY_INLINE FloatVector Map(FloatVector x) { return x; }
  static HWY_INLINE FloatVector Combine(FloatVector a, FloatVector b) { return MinNan(a, b); }
  static HWY_INLINE float Combine(float a, float b) { return a < b || a != a ? a : b; }
};
struct Max {
  static constexpr float kStart = -HUGE_VALF;
  static HWY_INLINE FloatVector Map(FloatVector x) { return x; }
  static HWY_INLINE FloatVector Combine(FloatVector a, FloatVector b) { return MaxNan(a, b); }
  static HWY_INLINE float Combine(float a, float b) { return a > b || a != a ? a : b; }
};

// How many numbers are added up in one lane before the result moves on.
constexpr int64_t kRun = 128;
constexpr int kChains = 4;

// Up to kRun vectors for each chain, and what is left at the end.
template <class F>
HWY_INLINE FloatVector RowRun(const float *in, int64_t n) {
  const FloatVector start = Set(F::kStart);
  FloatVector result[kChains] = {start, start, start, start};
  int64_t i = 0;
  for (; i <= n - kChains * kLanes; i += kChains * kLanes) {
    for (int k = 0; k < kChains; ++k) {
      result[k] = F::Combine(result[k], F::Map(Load(in + i + k * kLanes)));
    }
  }
  for (; i <= n - kLanes; i += kLanes) result[0] = F::Combine(result[0], F::Map(Load(in + i)));
  if (i < n) {
    const FloatVector x = F::Map(LoadPart(in + i, n - i));
    const FloatMask used = hn::FirstN(kFloats, static_cast<size_t>(n - i));
    result[1] = F::Combine(result[1], hn::IfThenElse(used, x, start));
  }
  return F::Combine(F::Combine(result[0], result[1]), F::Combine(result[2], result[3]));
}

template <class F>
float RowOf(const float *in, int64_t n) {
  constexpr int64_t kStretch = kRun * kChains * kLanes;
  FloatVector result = Set(F::kStart);
  for (int64_t i = 0; i < n; i += kStretch) {
    const int64_t count = n - i < kStretch ? n - i : kStretch;
    result = F::Combine(result, RowRun<F>(in + i, count));
  }
  HWY_ALIGN float lanes[kLanes];
  hn::Store(result, kFloats, lanes);
  for (int64_t step = kLanes / 2; step > 0; step /= 2) {
    for (int64_t i = 0; i < step; ++i) lanes[i] = F::Combine(lanes[i], lanes[i + step]);
  }
  return lanes[0];
}

// kVectors vectors side by side, the last one of `part` lanes unless that is 0.
template <class F, int kVectors>
HWY_INLINE void ColumnGroup(const float *in, int64_t rows, int64_t stride, int64_t part,
                            float *out) {
  const auto load = [part](const float *p) { return part == 0 ? Load(p) : LoadPart(p, part); };
  FloatVector total[kVectors];
  for (int k = 0; k < kVectors; ++k) total[k] = Set(F::kStart);
  for (int64_t first = 0; first < rows; first += kRun) {
    const int64_t last = rows - first < kRun ? rows : first + kRun;
    FloatVector result[kVectors];
    for (int k = 0; k < kVectors; ++k) result[k] = Set(F::kStart);
    for (int64_t r = first; r < last; ++r) {
      const float *row = in + r * stride;
      for (int k = 0; k < kVectors - 1; ++k) {
        result[k] = F::Combine(result[k], F::Map(Load(row + k * kLanes)));
      }
      result[kVectors - 1] =
          F::Combine(result[kVectors - 1], F::Map(load(row + (kVectors - 1) * kLanes)));
    }
    for (int k = 0; k < kVectors; ++k) total[k] = F::Combine(total[k], result[k]);
  }
  for (int k = 0; k < kVectors - 1; ++k) Store(total[k], out + k * kLanes);
  float *end = out + (kVectors - 1) * kLanes;
  if (part == 0) {
    Store(total[kVectors - 1], end);
  } else {
    StorePart(total[kVectors - 1], end, part);
  }
}

template <class F>
void ColumnsOf(const float *in, int64_t rows, int64_t stride, int64_t width, float *out) {
  int64_t c = 0;
  for (; c <= width - 4 * kLanes; c += 4 * kLanes) {
    ColumnGroup<F, 4>(in + c, rows, stride, 0, out + c);
  }
  for (; c <= width - kLanes; c += kLanes) ColumnGroup<F, 1>(in + c, rows, stride, 0, out + c);
  if (c < width) ColumnGroup<F, 1>(in + c, rows, stride, width - c, out + c);
}

// Few columns that lie close: several rows are taken for one, then their results combined.
template <class F>
void NarrowColumns(const float *in, int64_t rows, int64_t width, float *out) {
  constexpr int64_t kWide = 4 * kLanes;
  float wide[kWide];
  const int64_t joined = kWide / width;
  const int64_t whole = rows / joined * joined;
  ColumnsOf<F>(in, rows / joined, joined * width, joined * width, wide);
  for (int64_t c = 0; c < width; ++c) {
    float result = wide[c];
    for (int64_t j = 1; j < joined; ++j) result = F::Combine(result, wide[j * width + c]);
    out[c] = result;
  }
  if (whole == rows) return;
  ColumnsOf<F>(in + whole * width, rows - whole, width, width, wide);
  for (int64_t c = 0; c < width; ++c) out[c] = F::Combine(out[c], wide[c]);
}

template <class F>
void Columns(const float *in, int64_t rows, int64_t stride, int64_t width, float *out) {
  if (stride == width && width < kLanes && rows > 4 * kLanes) {
    NarrowColumns<F>(in, rows, width, out);
  } else {
    ColumnsOf<F>(in, rows, stride, width, out);
  }
}

// A case of a switch that has no code where the function is not chosen.
#define MACE_CASE(function) \
  case function:            \
    if ((kChosen.reductions >> (function)&1) == 0) NotChosen()

float Row(ReduceFunction function, const float *in, int64_t n) {
  switch (function) {
    MACE_CASE(kReduceMin);
    return RowOf<Min>(in, n);
    MACE_CASE(kReduceMax);
    return RowOf<Max>(in, n);
    MACE_CASE(kReduceProd);
    return RowOf<Prod>(in, n);
    MACE_CASE(kReduceSumSquare);
    return RowOf<SumSquare>(in, n);
    MACE_CASE(kReduceSumAbs);
    return RowOf<SumAbs>(in, n);
    default:
      return RowOf<Sum>(in, n);
  }
}

void Columns(ReduceFunction function, const float *in, int64_t rows, int64_t stride, int64_t width,
             float *out) {
  switch (function) {
    MACE_CASE(kReduceMin);
    return Columns<Min>(in, rows, stride, width, out);
    MACE_CASE(kReduceMax);
    return Columns<Max>(in, rows, stride, width, out);
    MACE_CASE(kReduceProd);
    return Columns<Prod>(in, rows, stride, width, out);
    MACE_CASE(kReduceSumSquare);
    return Columns<SumSquare>(in, rows, stride, width, out);
    MACE_CASE(kReduceSumAbs);
    return Columns<SumAbs>(in, rows, stride, width, out);
    default:
      return Columns<Sum>(in, rows, stride, width, out);
  }
}

}  // namespace

extern const ReduceFunctions MACE_REDUCE_TABLE;
const ReduceFunctions MACE_REDUCE_TABLE = {Row, Columns};

}  // namespace kernels
}  // namespace mace
HWY_AFTER_NAMESPACE();
