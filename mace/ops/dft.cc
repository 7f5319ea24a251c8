// SPDX-License-Identifier: Apache-2.0
// Discrete Fourier transform of any length along an axis, in double: by halving where the length is
// a power of two, else as a convolution of such a length (Bluestein, "A linear filtering approach
// to the computation of discrete Fourier transform", 1970).
#include "mace/ops/attrs/dft.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>
#include <vector>

#include "mace/base/checked.h"
#include "mace/ops/data_movement.h"
#include "mace/runtimes/cpu/thread_pool.h"

namespace mace {
namespace ops {

namespace {

struct Complex {
  double re;
  double im;
};

Complex Multiply(Complex a, Complex b) {
  return {a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}

Complex Conjugate(Complex a) { return {a.re, -a.im}; }

// exp(-i pi k / n)
Complex HalfTurn(int64_t k, int64_t n) {
  constexpr double kPi = 3.14159265358979323846;
  const double angle = -kPi * static_cast<double>(k) / static_cast<double>(n);
  return {std::cos(angle), std::sin(angle)};
}

struct DftState : public OpState {
  int64_t length = 0;           // of the transform
  int64_t padded = 0;           // power of two that is worked on
  std::vector<Complex> roots;   // exp(-2 i pi k / padded), k < padded / 2
  std::vector<Complex> chirp;   // exp(-i pi k^2 / length); empty when length is padded
  std::vector<Complex> filter;  // transform of its conjugate, over padded

  void Make(int64_t n) {
    length = n;
    padded = 1;
    while (padded < n) padded *= 2;
    const bool exact = padded == n;
    while (!exact && padded < 2 * n - 1) padded *= 2;
    for (int64_t k = 0; k < padded / 2; ++k) roots.push_back(HalfTurn(2 * k, padded));
    if (exact) return;
    filter.resize(static_cast<size_t>(padded));
    for (int64_t k = 0; k < n; ++k) {
      // k^2 modulo 2 n keeps the angle small; n is below 2^28.
      const Complex turn = HalfTurn(k * k % (2 * n), n);
      chirp.push_back(turn);
      filter[static_cast<size_t>(k)] = Conjugate(turn);
      filter[static_cast<size_t>((padded - k) % padded)] = Conjugate(turn);
    }
    Halve(filter.data());
  }

  // Forward transform over padded numbers in place.
  void Halve(Complex *x) const {
    const int64_t n = padded;
    for (int64_t i = 1, j = 0; i < n; ++i) {
      int64_t bit = n / 2;
      for (; (j & bit) != 0; bit /= 2) j ^= bit;
      j ^= bit;
      if (i < j) std::swap(x[i], x[j]);
    }
    for (int64_t half = 1; half < n; half *= 2) {
      const int64_t stride = n / (2 * half);
      for (int64_t start = 0; start < n; start += 2 * half) {
        for (int64_t k = 0; k < half; ++k) {
          Complex *low = x + start + k, *high = low + half;
          const Complex turned = Multiply(*high, roots[static_cast<size_t>(k * stride)]);
          *high = {low->re - turned.re, low->im - turned.im};
          *low = {low->re + turned.re, low->im + turned.im};
        }
      }
    }
  }

  // Forward transform of the first `length` of padded numbers; the others are working memory.
  void Transform(Complex *x) const {
    if (chirp.empty()) return Halve(x);
    for (int64_t k = 0; k < length; ++k) x[k] = Multiply(x[k], chirp[static_cast<size_t>(k)]);
    std::fill(x + length, x + padded, Complex{0, 0});
    Halve(x);
    // The inverse transform is the forward one of conjugates.
    for (int64_t k = 0; k < padded; ++k) {
      x[k] = Conjugate(Multiply(x[k], filter[static_cast<size_t>(k)]));
    }
    Halve(x);
    const double scale = 1.0 / static_cast<double>(padded);
    for (int64_t k = 0; k < length; ++k) {
      const Complex value = Multiply(Conjugate(x[k]), chirp[static_cast<size_t>(k)]);
      x[k] = {value.re * scale, value.im * scale};
    }
  }
};

}  // namespace

class DFTOp : public ShapedOperation {
 public:
  using ShapedOperation::ShapedOperation;

  MaceStatus Init(OpInitContext *) override { return ParseAttrs(&attrs_); }

  MaceStatus InferShape(OpShapeContext *context) override {
    Shape shape = context->Input(0).shape;
    const int rank = shape.rank();
    int axis = 0;
    MACE_RETURN_IF_ERROR(CheckAxis(attrs_.axis, rank, &axis));
    if (rank < 2 || axis == rank - 1 || (shape[rank - 1] != 1 && shape[rank - 1] != 2)) {
      return Invalid("input shape ", shape.ToString(),
                     " must have real numbers (1) or pairs of real and imaginary part (2) in its "
                     "last dimension, which cannot be axis ",
                     attrs_.axis);
    }
    std::vector<int64_t> given;
    if (context->InputCount() > 1 && context->HasInput(1)) {
      MACE_RETURN_IF_ERROR(Integers(*context, 1, "length", &given));
    }
    const bool to_real = attrs_.inverse && attrs_.onesided;
    int64_t length = to_real ? 2 * (shape[axis] - 1) : shape[axis];
    if (!given.empty()) length = given[0];
    if (given.size() > 1 || length < 1 || length > kMostLength) {
      return Invalid("the length ", length, " of the transform must be from 1 to ", kMostLength);
    }
    shape[axis] = attrs_.onesided && !attrs_.inverse ? length / 2 + 1 : length;
    shape[rank - 1] = to_real ? 1 : 2;
    length_ = length;
    return SetOutput(context, 0, shape.ToVector());
  }

  MaceStatus Plan(OpPlanContext *context) override {
    auto state = std::make_unique<DftState>();
    state->Make(length_);
    size_t bytes = 0;
    if (!CheckedBytes(Shape{context->thread_pool()->num_threads(), state->padded}, sizeof(Complex),
                      &bytes)) {
      return OutOfResources(type(), " '", name(), "': length ", length_, " is too large");
    }
    context->RequestScratch(bytes);
    context->SetState(std::move(state));
    return MaceStatus::MACE_SUCCESS;
  }

  MaceStatus Run(OpContext *context) override {
    const auto &state = *static_cast<const DftState *>(context->state());
    const Shape &input = context->input(0)->shape;
    if (context->output(0)->elements() == 0) return MaceStatus::MACE_SUCCESS;
    int axis = 0;
    MACE_RETURN_IF_ERROR(CheckAxis(attrs_.axis, input.rank(), &axis));
    const int64_t inner = input.elements(axis + 1, input.rank() - 1);
    context->thread_pool()->ParallelFor(
        input.elements(0, axis) * inner, std::max<int64_t>(1, kGrain / state.padded),
        [&](int64_t begin, int64_t end, int thread) {
          Complex *line = static_cast<Complex *>(context->scratch()) + thread * state.padded;
          for (int64_t i = begin; i < end; ++i) {
            Line(context, state, axis, i / inner, i % inner, inner, line);
          }
        });
    return MaceStatus::MACE_SUCCESS;
  }

 private:
  static constexpr int64_t kMostLength = int64_t{1} << 27;
  static constexpr int64_t kGrain = 4 * 1024;

  void Line(OpContext *context, const DftState &state, int axis, int64_t outer, int64_t place,
            int64_t inner, Complex *x) const {
    const Shape &input = context->input(0)->shape, &output = context->output(0)->shape;
    const int64_t n = state.length, have = input[axis], parts = input.dim(-1);
    const float *in = context->input(0)->data<float>() + (outer * have * inner + place) * parts;
    for (int64_t k = 0; k < n; ++k) {
      // What is missing of half a spectrum are the conjugates of the other half.
      const bool mirrored = attrs_.inverse && attrs_.onesided && k > n / 2;
      const int64_t from = mirrored ? n - k : k;
      x[k] = {0, 0};
      if (from >= have) continue;
      x[k].re = in[from * inner * parts];
      if (parts == 2) x[k].im = in[from * inner * parts + 1];
      if (mirrored != attrs_.inverse) x[k].im = -x[k].im;
    }
    state.Transform(x);
    const int64_t parts_out = output.dim(-1), count = output[axis];
    float *out =
        context->output(0)->mutable_data<float>() + (outer * count * inner + place) * parts_out;
    // The inverse is the conjugate of the transform of conjugates.
    const double scale = attrs_.inverse ? 1.0 / static_cast<double>(n) : 1.0;
    const double sign = attrs_.inverse ? -scale : scale;
    for (int64_t k = 0; k < count; ++k) {
      out[k * inner * parts_out] = static_cast<float>(x[k].re * scale);
      if (parts_out == 2) out[k * inner * 2 + 1] = static_cast<float>(x[k].im * sign);
    }
  }

  DFTAttrs attrs_;
  int64_t length_ = 1;  // from InferShape to Plan
};

void RegisterDFT(OpRegistryBase *op_registry) {
  RegisterForTypes<DFTOp>(op_registry, "DFT", {DT_FLOAT});
}

}  // namespace ops
}  // namespace mace
