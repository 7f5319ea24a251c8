// SPDX-License-Identifier: Apache-2.0
// Resizing on vectors, compiled once for each instruction set with MACE_RESIZE_TABLE naming the
// table.
#include "mace/kernels/resize/resize.h"
#include "mace/kernels/simd_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace mace {
namespace kernels {
namespace {

// Loops over taps and a few channels are written out: g++ leaves them loops, which take longer than
// what is in them.

// kChannels is the number of channels when it is small, else 0.
template <int kTaps, int kChannels>
HWY_INLINE void ResampleFew(const float *in, const int32_t *places, const float *weights, int64_t n,
                            float *out) {
  for (int64_t x = 0; x < n; ++x, places += kTaps, weights += kTaps, out += kChannels) {
    float sum[kChannels];
    HWY_UNROLL(4)
    for (int c = 0; c < kChannels; ++c) sum[c] = weights[0] * in[places[0] * kChannels + c];
    HWY_UNROLL(4)
    for (int t = 1; t < kTaps; ++t) {
      const float *pixel = in + static_cast<int64_t>(places[t]) * kChannels;
      HWY_UNROLL(4)
      for (int c = 0; c < kChannels; ++c) sum[c] += weights[t] * pixel[c];
    }
    HWY_UNROLL(4)
    for (int c = 0; c < kChannels; ++c) out[c] = sum[c];
  }
}

// The sum of what lies at distance i in each of kTaps rows, times its factor.
template <int kTaps>
HWY_INLINE FloatVector TapSum(const float *const *rows, const FloatVector *factors, int64_t i) {
  FloatVector sum = hn::Mul(factors[0], Load(rows[0] + i));
  HWY_UNROLL(4)
  for (int t = 1; t < kTaps; ++t) sum = hn::MulAdd(factors[t], Load(rows[t] + i), sum);
  return sum;
}

// As many whole vectors as fit n numbers, two at a time; returns where they end.
template <int kTaps>
HWY_INLINE int64_t WholeVectors(const float *const *rows, const FloatVector *factors, int64_t n,
                                float *out) {
  int64_t i = 0;
  for (; i <= n - 2 * kLanes; i += 2 * kLanes) {
    const FloatVector first = TapSum<kTaps>(rows, factors, i);
    Store(TapSum<kTaps>(rows, factors, i + kLanes), out + i + kLanes);
    Store(first, out + i);
  }
  for (; i <= n - kLanes; i += kLanes) Store(TapSum<kTaps>(rows, factors, i), out + i);
  return i;
}

// Vectors of four numbers for what is left of a pixel: wider ones would be mostly empty.
using FourFloats = hn::CappedTag<float, 4>;
constexpr FourFloats kFour;

template <int kTaps>
HWY_INLINE void ResampleMany(const float *in, const int32_t *places, const float *weights,
                             int64_t n, int64_t channels, float *out) {
  for (int64_t x = 0; x < n; ++x, places += kTaps, weights += kTaps, out += channels) {
    const float *pixels[kTaps];
    FloatVector factors[kTaps];
    HWY_UNROLL(4)
    for (int t = 0; t < kTaps; ++t) {
      pixels[t] = in + places[t] * channels;
      factors[t] = Set(weights[t]);
    }
    int64_t c = WholeVectors<kTaps>(pixels, factors, channels, out);
    for (; c <= channels - 4; c += 4) {
      auto sum = hn::Mul(hn::Set(kFour, weights[0]), hn::LoadU(kFour, pixels[0] + c));
      HWY_UNROLL(4)
      for (int t = 1; t < kTaps; ++t) {
        sum = hn::MulAdd(hn::Set(kFour, weights[t]), hn::LoadU(kFour, pixels[t] + c), sum);
      }
      hn::StoreU(sum, kFour, out + c);
    }
    for (; c < channels; ++c) {
      float sum = weights[0] * pixels[0][c];
      HWY_UNROLL(4)
      for (int t = 1; t < kTaps; ++t) sum += weights[t] * pixels[t][c];
      out[c] = sum;
    }
  }
}

template <int kTaps>
void ResampleTaps(const float *in, const int32_t *places, const float *weights, int64_t n,
                  int64_t channels, float *out) {
  switch (channels) {
    case 1:
      return ResampleFew<kTaps, 1>(in, places, weights, n, out);
    case 2:
      return ResampleFew<kTaps, 2>(in, places, weights, n, out);
    case 3:
      return ResampleFew<kTaps, 3>(in, places, weights, n, out);
    default:
      return ResampleMany<kTaps>(in, places, weights, n, channels, out);
  }
}

void Resample(const float *in, const int32_t *places, const float *weights, int taps, int64_t n,
              int64_t channels, float *out) {
  if (taps == 2) {
    ResampleTaps<2>(in, places, weights, n, channels, out);
  } else {
    ResampleTaps<4>(in, places, weights, n, channels, out);
  }
}

template <int kChannels>
HWY_INLINE void PickFew(const float *in, const int32_t *places, int64_t n, float *out) {
  for (int64_t x = 0; x < n; ++x, out += kChannels) {
    const float *pixel = in + static_cast<int64_t>(places[x]) * kChannels;
    HWY_UNROLL(4)
    for (int c = 0; c < kChannels; ++c) out[c] = pixel[c];
  }
}

void Pick(const float *in, const int32_t *places, int64_t n, int64_t channels, float *out) {
  if (channels == 1) return PickFew<1>(in, places, n, out);
  if (channels == 3) return PickFew<3>(in, places, n, out);
  for (int64_t x = 0; x < n; ++x, out += channels) {
    const float *pixel = in + places[x] * channels;
    int64_t c = 0;
    for (; c <= channels - 2 * kLanes; c += 2 * kLanes) {
      const FloatVector first = Load(pixel + c);
      Store(Load(pixel + c + kLanes), out + c + kLanes);
      Store(first, out + c);
    }
    for (; c <= channels - 4; c += 4) hn::StoreU(hn::LoadU(kFour, pixel + c), kFour, out + c);
    for (; c < channels; ++c) out[c] = pixel[c];
  }
}

template <int kTaps>
HWY_INLINE void BlendTaps(const float *const *rows, const float *weights, int64_t n, float *out) {
  FloatVector factors[kTaps];
  const float *from[kTaps];
  HWY_UNROLL(4)
  for (int t = 0; t < kTaps; ++t) {
    factors[t] = Set(weights[t]);
    from[t] = rows[t];
  }
  const int64_t i = WholeVectors<kTaps>(from, factors, n, out);
  if (i == n) return;
  FloatVector sum = hn::Mul(factors[0], LoadPart(from[0] + i, n - i));
  HWY_UNROLL(4)
  for (int t = 1; t < kTaps; ++t) sum = hn::MulAdd(factors[t], LoadPart(from[t] + i, n - i), sum);
  StorePart(sum, out + i, n - i);
}

void Blend(const float *const *rows, const float *weights, int taps, int64_t n, float *out) {
  if (taps == 2) {
    BlendTaps<2>(rows, weights, n, out);
  } else {
    BlendTaps<4>(rows, weights, n, out);
  }
}

}  // namespace

extern const ResizeFunctions MACE_RESIZE_TABLE;
const ResizeFunctions MACE_RESIZE_TABLE = {Resample, Pick, Blend};

}  // namespace kernels
}  // namespace mace
HWY_AFTER_NAMESPACE();
