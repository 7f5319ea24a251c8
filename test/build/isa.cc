// SPDX-License-Identifier: Apache-2.0
// Compiled once for each instruction set, with ISA_FUNCTION naming the function.
#include "test/build/isa.h"

#include "hwy/highway.h"

namespace mace {

const char *ISA_FUNCTION() {
  return ""
#ifdef __SSE4_1__
         "sse4 "
#endif
#ifdef __AVX2__
         "avx2 "
#endif
#ifdef __FMA__
         "fma "
#endif
#ifdef __F16C__
         "f16c "
#endif
#ifdef __AVX512F__
         "avx512 "
#endif
#ifdef __AVX512VNNI__
         "avx512vnni "
#endif
#ifdef __AVXVNNI__
         "avxvnni "
#endif
#ifdef __ARM_NEON
         "neon "
#endif
#ifdef __ARM_FEATURE_DOTPROD
         "neondot "
#endif
#ifdef __ARM_FEATURE_FP16_VECTOR_ARITHMETIC
         "neonfp16 "
#endif
#ifdef __ARM_FEATURE_MATMUL_INT8
         "neoni8mm "
#endif
#if HWY_TARGET == HWY_AVX3
         "hwy:64"
#elif HWY_TARGET == HWY_AVX2
         "hwy:32"
#elif HWY_TARGET == HWY_SSE4 || HWY_TARGET == HWY_NEON
         "hwy:16"
#endif
      ;
}

}  // namespace mace
