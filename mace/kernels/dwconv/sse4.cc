// SPDX-License-Identifier: Apache-2.0
// Depthwise kernels of SSE4. Without fused multiply-add nothing is gained by more than these.
#include "mace/kernels/dwconv/dwconv_tile.h"

namespace mace {
namespace kernels {

void dwconv_f32_3x3s1_4x2__sse4(const DwconvRows &rows) { Window<Vector, 3, 1, 4>(rows); }
void dwconv_f32_3x3s2_4x2__sse4(const DwconvRows &rows) { Window<Vector, 3, 2, 4>(rows); }
void dwconv_f32_any__sse4(const DwconvRows &rows) { AnyWindow<Vector>(rows); }

}  // namespace kernels
}  // namespace mace
