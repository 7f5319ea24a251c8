// SPDX-License-Identifier: Apache-2.0
// Products of bfloat16 for all. Weak: the table of a library for chosen models takes its place.
#include "mace/kernels/bf16/bf16_gemm.h"

namespace mace {
namespace kernels {

extern const Bf16Part kBf16Part __attribute__((weak));
const Bf16Part kBf16Part = {BestBf16Gemm};

}  // namespace kernels
}  // namespace mace
