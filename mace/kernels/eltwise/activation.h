// SPDX-License-Identifier: Apache-2.0
// Functions of one variable that follow a layer. Operators apply them in place to rows that were
// just computed and still lie in the cache.
#ifndef MACE_KERNELS_ELTWISE_ACTIVATION_H_
#define MACE_KERNELS_ELTWISE_ACTIVATION_H_

#include <cstdint>

namespace mace {
namespace kernels {

// The order of ops::ActivationKind and of ops::ActivationAttrs::Activation, which mace/ops checks.
// With c = coefficient, o = offset:
enum ActivationFunction : int32_t {
  kActivationNoop = 0,
  kActivationRelu,   // max(x, 0)
  kActivationRelux,  // min(max(x, 0), max_limit)
  kActivationTanh,
  kActivationSigmoid,      // 1 / (1 + exp(-x))
  kActivationLeakyRelu,    // x < 0 ? c * x : x
  kActivationHardSigmoid,  // min(max(c * x + o, 0), 1)
  kActivationHardSwish,    // x * min(max(x / 6 + 0.5, 0), 1)
  kActivationElu,          // x < 0 ? c * (exp(x) - 1) : x
  kActivationSilu,         // x / (1 + exp(-x))
  kActivationPrelu,        // x < 0 ? slope * x : x; the slope is not a parameter: see Prelu
  kActivationSoftplus,     // log(1 + exp(x))
  kActivationGelu,         // x * (1 + erf(x / sqrt(2))) / 2
  kActivationMish,         // x * tanh(log(1 + exp(x)))
  kActivationSelu,         // s * (x < 0 ? a * (exp(x) - 1) : x), a = 1.67326324, s = 1.05070098
  kActivationGeluTanh,     // x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x^3))) / 2
  kActivationCount,
};

struct ActivationParams {
  int kind = kActivationNoop;
  float max_limit = 0;
  float coefficient = 0;
  float offset = 0;
};

// out[i] = f(in[i]) for n elements; in == out is allowed, other overlap is not. Any alignment.
// NaN gives NaN, in RELU and RELUX too, as numpy and the frameworks do. PRELU, and kinds that do
// not exist, copy.
void ApplyActivationF32(const ActivationParams &params, const float *in, float *out, int64_t n);

// A library for chosen models whose activations are part of convolutions (NOOP, RELU, RELUX) has a
// table of its own, without the others.
void ApplyAnyActivationF32(const ActivationParams &params, const float *in, float *out, int64_t n);
struct ActivationPart {
  decltype(&ApplyAnyActivationF32) apply;  // null: not in this library
};
extern const ActivationPart kActivationPart;

}  // namespace kernels

using kernels::ActivationParams;
using kernels::ApplyActivationF32;

}  // namespace mace

#endif  // MACE_KERNELS_ELTWISE_ACTIVATION_H_
