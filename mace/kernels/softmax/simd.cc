// SPDX-License-Identifier: Apache-2.0
// Softmax on vectors, compiled once for each instruction set with MACE_SOFTMAX_TABLE naming the
// table.
#include "mace/kernels/simd_math-inl.h"
#include "mace/kernels/softmax/softmax.h"

HWY_BEFORE_NAMESPACE();
namespace mace {
namespace kernels {
namespace {

// Four side by side, as a maximum takes four cycles.
float Max(const float *in, int64_t n) {
  FloatVector max0 = Set(-HUGE_VALF), max1 = max0, max2 = max0, max3 = max0;
  int64_t i = 0;
  for (; i <= n - 4 * kLanes; i += 4 * kLanes) {
    max0 = hn::Max(max0, Load(in + i));
    max1 = hn::Max(max1, Load(in + i + kLanes));
    max2 = hn::Max(max2, Load(in + i + 2 * kLanes));
    max3 = hn::Max(max3, Load(in + i + 3 * kLanes));
  }
  for (; i <= n - kLanes; i += kLanes) max0 = hn::Max(max0, Load(in + i));
  if (i < n && n >= kLanes) {  // some a second time
    max1 = hn::Max(max1, Load(in + n - kLanes));
    i = n;
  }
  max0 = hn::Max(hn::Max(max0, max1), hn::Max(max2, max3));
  float max = hn::GetLane(hn::MaxOfLanes(kFloats, max0));
  for (; i < n; ++i) max = in[i] > max ? in[i] : max;
  return max;
}

// Sum of exp(in - max), which are stored when kStore. Several sums side by side: each stays short,
// and so its rounding errors small.
template <bool kStore>
HWY_INLINE float ExpSum(const float *in, float max, float *out, int64_t n) {
  const FloatVector shift = Set(max);
  const auto whole = [=](int64_t i) {
    const FloatVector e = ExpOfNegative(hn::Sub(Load(in + i), shift));
    if (kStore) Store(e, out + i);
    return e;
  };
  FloatVector sum0 = hn::Zero(kFloats), sum1 = sum0, sum2 = sum0, sum3 = sum0;
  int64_t i = 0;
  for (; i <= n - 4 * kLanes; i += 4 * kLanes) {
    sum0 = hn::Add(sum0, whole(i));
    sum1 = hn::Add(sum1, whole(i + kLanes));
    sum2 = hn::Add(sum2, whole(i + 2 * kLanes));
    sum3 = hn::Add(sum3, whole(i + 3 * kLanes));
  }
  for (; i <= n - kLanes; i += kLanes) sum0 = hn::Add(sum0, whole(i));
  if (i < n) {
    const FloatVector e = ExpOfNegative(hn::Sub(LoadPart(in + i, n - i), shift));
    if (kStore) StorePart(e, out + i, n - i);
    const FloatMask used = hn::FirstN(kFloats, static_cast<size_t>(n - i));
    sum1 = hn::Add(sum1, hn::IfThenElseZero(used, e));
  }
  const FloatVector total = hn::Add(hn::Add(sum0, sum1), hn::Add(sum2, sum3));
  return hn::GetLane(hn::SumOfLanes(kFloats, total));
}

void Row(bool log, const float *in, float *out, int64_t n) {
  const float max = Max(in, n);
  if (log) {
    const FloatVector shift = Set(max), log_sum = Set(logf(ExpSum<false>(in, max, out, n)));
    ForEach(in, out, n, [=](FloatVector x) { return hn::Sub(hn::Sub(x, shift), log_sum); });
  } else {
    const FloatVector factor = Set(1.0f / ExpSum<true>(in, max, out, n));
    ForEach(out, out, n, [=](FloatVector x) { return hn::Mul(x, factor); });
  }
}

// The first `width` lanes of one vector of columns; kWhole when these are all lanes.
template <bool kWhole>
HWY_INLINE void Column(bool log, const float *in, float *out, int64_t n, int64_t stride,
                       int64_t width) {
  const auto load = [=](const float *p) { return kWhole ? Load(p) : LoadPart(p, width); };
  const auto store = [=](FloatVector v, float *p) {
    if (kWhole) {
      Store(v, p);
    } else {
      StorePart(v, p, width);
    }
  };
  FloatVector max = Set(-HUGE_VALF), sum = hn::Zero(kFloats);
  for (int64_t i = 0; i < n; ++i) max = hn::Max(max, load(in + i * stride));
  for (int64_t i = 0; i < n; ++i) {
    const FloatVector e = ExpOfNegative(hn::Sub(load(in + i * stride), max));
    sum = hn::Add(sum, e);
    if (!log) store(e, out + i * stride);
  }
  const FloatVector last = log ? LogOf(sum) : hn::Div(Set(1.0f), sum);
  for (int64_t i = 0; i < n; ++i) {
    const FloatVector x = load((log ? in : out) + i * stride);
    store(log ? hn::Sub(hn::Sub(x, max), last) : hn::Mul(x, last), out + i * stride);
  }
}

void Columns(bool log, const float *in, float *out, int64_t n, int64_t stride, int64_t width) {
  int64_t c = 0;
  for (; c <= width - kLanes; c += kLanes) Column<true>(log, in + c, out + c, n, stride, kLanes);
  if (c < width) Column<false>(log, in + c, out + c, n, stride, width - c);
}

// Rows of a few elements, such as the two classes of a detector: turned into columns, a block of
// rows at a time, since a vector would hold more than a row.
constexpr int64_t kShortRow = 12;
constexpr int64_t kBlockRows = 64;

void ShortRows(bool log, const float *in, float *out, int64_t count, int64_t n) {
  float block[kShortRow * kBlockRows];
  for (int64_t first = 0; first < count; first += kBlockRows) {
    const int64_t rows = count - first < kBlockRows ? count - first : kBlockRows;
    const float *from = in + first * n;
    float *to = out + first * n;
    for (int64_t i = 0; i < n; ++i) {
      for (int64_t r = 0; r < rows; ++r) block[i * kBlockRows + r] = from[r * n + i];
    }
    Columns(log, block, block, n, kBlockRows, rows);
    for (int64_t i = 0; i < n; ++i) {
      for (int64_t r = 0; r < rows; ++r) to[r * n + i] = block[i * kBlockRows + r];
    }
  }
}

void Rows(bool log, const float *in, float *out, int64_t count, int64_t n) {
  if (n <= kShortRow && count > 1) return ShortRows(log, in, out, count, n);
  for (int64_t i = 0; i < count; ++i) Row(log, in + i * n, out + i * n, n);
}

}  // namespace

extern const SoftmaxFunctions MACE_SOFTMAX_TABLE;
const SoftmaxFunctions MACE_SOFTMAX_TABLE = {Rows, Columns};

}  // namespace kernels
}  // namespace mace
HWY_AFTER_NAMESPACE();
