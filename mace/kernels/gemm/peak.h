// SPDX-License-Identifier: Apache-2.0
// Loops of multiply-adds that touch no memory: what the registers of an instruction set can do.
#ifndef MACE_KERNELS_GEMM_PEAK_H_
#define MACE_KERNELS_GEMM_PEAK_H_

#include <stdint.h>

namespace mace {
namespace kernels {

// Makes `turns` turns of multiply-adds that do not wait for each other, and returns how many of
// single numbers these were. `numbers` are two to calculate with, and room for a result.
using PeakFunction = int64_t (*)(int64_t turns, float *numbers);

int64_t peak_f32__avx2(int64_t turns, float *numbers);
int64_t peak_f32__avx512(int64_t turns, float *numbers);
int64_t peak_f32__sse4(int64_t turns, float *numbers);

}  // namespace kernels
}  // namespace mace

#endif  // MACE_KERNELS_GEMM_PEAK_H_
