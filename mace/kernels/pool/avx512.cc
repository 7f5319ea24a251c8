// SPDX-License-Identifier: Apache-2.0
// Pooling kernels of AVX-512.
#include "mace/kernels/pool/pool_max3.h"

namespace mace {
namespace kernels {

void pool_f32_max__avx512(const PoolRow &row) { MaxRow<Vector>(row); }
void pool_f32_avg__avx512(const PoolRow &row) { Row<Vector, false>(row); }

}  // namespace kernels
}  // namespace mace
