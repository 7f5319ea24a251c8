// SPDX-License-Identifier: Apache-2.0
// Compiled once for each instruction set, with MACE_PEAK naming the function.
#include "mace/kernels/gemm/peak.h"

#include "mace/kernels/simd.h"

namespace mace {
namespace kernels {

int64_t MACE_PEAK(int64_t turns, float *numbers) {
  // Two start in each cycle and take four or five; some registers are left for the factors.
  constexpr int kSums = 12;
  Vector::T sums[kSums];
  const Vector::T x = Vector::Set(numbers[0]), y = Vector::Set(numbers[1]);
  MACE_UNROLL
  for (int i = 0; i < kSums; ++i) sums[i] = Vector::Set(numbers[0] + static_cast<float>(i));
#pragma GCC unroll 1
  for (int64_t turn = 0; turn < turns; ++turn) {
    MACE_UNROLL
    for (int i = 0; i < kSums; ++i) sums[i] = Vector::MulAdd(sums[i], x, y);
  }
  MACE_UNROLL
  for (int i = 1; i < kSums; ++i) sums[0] = Vector::Add(sums[0], sums[i]);
  Vector::StorePart(numbers + 2, sums[0], 1);
  return turns * kSums * Vector::kLanes;
}

}  // namespace kernels
}  // namespace mace
