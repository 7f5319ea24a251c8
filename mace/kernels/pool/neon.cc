// SPDX-License-Identifier: Apache-2.0
// Pooling kernels of Arm.
#include "mace/kernels/pool/pool_max3_neon.h"

namespace mace {
namespace kernels {

void pool_f32_max__neon(const PoolRow &row) {
  if (!Max3Row(row)) Row<Vector, true>(row);
}
void pool_f32_avg__neon(const PoolRow &row) { Row<Vector, false>(row); }

}  // namespace kernels
}  // namespace mace
