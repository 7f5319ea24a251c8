// SPDX-License-Identifier: Apache-2.0
// Depthwise kernels of Arm. arm64 has 32 registers, armv7 16.
#include "mace/kernels/dwconv/dwconv_tile_neon.h"

namespace mace {
namespace kernels {

#if defined(__aarch64__)
void dwconv_f32_3x3s1_7x2__neon(const DwconvRows &rows) { Rows3x3<1, 7>(rows); }
void dwconv_f32_3x3s2_4x2__neon(const DwconvRows &rows) { Rows3x3<2, 4>(rows); }
void dwconv_f32_5x5s1_4x2__neon(const DwconvRows &rows) { Window<Vector, 5, 1, 4>(rows); }
void dwconv_f32_5x5s2_4x2__neon(const DwconvRows &rows) { Window<Vector, 5, 2, 4>(rows); }
#else
void dwconv_f32_3x3s1_3x2__neon(const DwconvRows &rows) { Rows3x3<1, 3>(rows); }
void dwconv_f32_3x3s2_3x2__neon(const DwconvRows &rows) { Rows3x3<2, 3>(rows); }
#endif
void dwconv_f32_any__neon(const DwconvRows &rows) { AnyWindow<Vector>(rows); }

}  // namespace kernels
}  // namespace mace
