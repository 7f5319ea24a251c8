// SPDX-License-Identifier: Apache-2.0
// Depthwise kernels of AVX2. 16 registers: 8 accumulators, 6 weights of two rows, a pixel.
#include "mace/kernels/dwconv/dwconv_tile.h"

namespace mace {
namespace kernels {

void dwconv_f32_3x3s1_4x2__avx2(const DwconvRows &rows) { Window<Vector, 3, 1, 4>(rows); }
void dwconv_f32_3x3s2_4x2__avx2(const DwconvRows &rows) { Window<Vector, 3, 2, 4>(rows); }
void dwconv_f32_5x5s1_4x2__avx2(const DwconvRows &rows) { Window<Vector, 5, 1, 4>(rows); }
void dwconv_f32_5x5s2_4x2__avx2(const DwconvRows &rows) { Window<Vector, 5, 2, 4>(rows); }
void dwconv_f32_any__avx2(const DwconvRows &rows) { AnyWindow<Vector>(rows); }

}  // namespace kernels
}  // namespace mace
