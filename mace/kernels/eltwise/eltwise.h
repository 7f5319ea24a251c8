// SPDX-License-Identifier: Apache-2.0
// Functions of one or two numbers over rows of contiguous elements. Broadcasting (broadcast.h) cuts
// tensors into such rows; here nothing knows of shapes, memory or threads.
#ifndef MACE_KERNELS_ELTWISE_ELTWISE_H_
#define MACE_KERNELS_ELTWISE_ELTWISE_H_

#include <cstdint>

#include "mace/base/isa.h"
#include "mace/kernels/eltwise/activation.h"
#include "mace/kernels/function_kernel.h"
#include "mace/kernels/kernel.h"

namespace mace {
namespace kernels {

// The order of ops::EltwiseAttrs::Type, which mace/ops checks.
enum BinaryFunction : int32_t {
  kBinarySum = 0,
  kBinarySub,
  kBinaryProd,
  kBinaryDiv,
  kBinaryMin,  // NaN if one of the numbers is, as numpy.minimum
  kBinaryMax,
  kBinaryPow,
  kBinarySqrDiff,   // (a - b)^2
  kBinaryFloorDiv,  // floor(a / b)
  kBinaryMod,       // has the sign of b, as Python's %
  kBinaryEqual,     // from here on the result is 0 or 1
  kBinaryNotEqual,
  kBinaryLess,
  kBinaryLessEqual,
  kBinaryGreater,
  kBinaryGreaterEqual,
  kBinaryAnd,  // of a != 0, b != 0
  kBinaryOr,
  kBinaryXor,
  kBinaryCount,
};

// The order of ops::UnaryAttrs::Type, which mace/ops checks.
enum UnaryFunction : int32_t {
  kUnaryNeg = 0,
  kUnaryAbs,
  kUnarySqrt,
  kUnaryRsqrt,
  kUnarySquare,
  kUnaryReciprocal,
  kUnaryExp,
  kUnaryLog,
  kUnaryFloor,
  kUnaryCeil,
  kUnaryRound,  // half to even
  kUnarySign,   // of NaN: NaN
  kUnaryErf,
  kUnarySin,
  kUnaryCos,
  kUnaryNot,  // of bool alone: not in EltwiseFunctions::unary
  kUnaryCount,
};

// Which of two inputs are rows; the other one is one number.
enum class RowStep : int32_t { kBoth, kFirst, kSecond };

// The row functions of one instruction set, all on float32. n may be 0; rows need no alignment. An
// output may be one of the inputs, other overlap is not allowed. Nothing past n elements is read or
// written.
//
// Errors against the exact result: correctly rounded, but for: POW, EXP, LOG, TANH, SIGMOID, ELU,
// SOFTPLUS 2e-6 relative; ERF, GELU, SIN, COS, MISH 1e-6 absolute (times |x| where x is a factor).
// On 32-bit Arm vectors take subnormal numbers for zero.
struct EltwiseFunctions {
  // kBinarySum to kBinaryMod.
  void (*binary)(BinaryFunction function, RowStep step, const float *a, const float *b, float *out,
                 int64_t n);
  // kBinaryEqual to kBinaryXor.
  void (*compare)(BinaryFunction function, RowStep step, const float *a, const float *b,
                  uint8_t *out, int64_t n);
  // factor_a * a[i] + factor_b * b[i]
  void (*weighted_sum)(RowStep step, float factor_a, const float *a, float factor_b, const float *b,
                       float *out, int64_t n);
  void (*unary)(UnaryFunction function, const float *in, float *out, int64_t n);
  void (*activate)(const ActivationParams &params, const float *in, float *out, int64_t n);
  // in[i] < 0 ? slope[i] * in[i] : in[i], with kFirst slope[0]
  void (*prelu)(RowStep step, const float *in, const float *slope, float *out, int64_t n);
  // in[i] * scale[i] + offset[i]
  void (*scale_offset)(const float *in, const float *scale, const float *offset, float *out,
                       int64_t n);
};

using EltwiseKernel = FunctionKernel<EltwiseFunctions>;

KernelList<EltwiseKernel> EltwiseKernels();
// The best for this machine and MACE_ISA.
const EltwiseFunctions &Eltwise();

}  // namespace kernels
}  // namespace mace

#endif  // MACE_KERNELS_ELTWISE_ELTWISE_H_
