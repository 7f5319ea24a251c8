// SPDX-License-Identifier: Apache-2.0
// Products by tiles, and 3x3 convolutions by Winograd's algorithm with them.
#ifndef MACE_OPS_OPENCL_WINOGRAD_H_
#define MACE_OPS_OPENCL_WINOGRAD_H_

#include "mace/ops/opencl/builder.h"

namespace mace {
namespace opencl {

// A tile of conv_gemm.cl.
struct GemmTile {
  int bm, bn, bk;  // results and depth of a work-group
  int tm, tn;      // results of a thread
  int ks;          // slices of a work-group that share the depth
  int parts = 1;   // work-groups that share the depth

  int64_t threads() const { return int64_t{1} * (bm / tm) * (bn / tn) * ks; }
  int64_t local_bytes() const {
    const int64_t tiles = int64_t{2} * ks * bk * (bm + 4 + bn) * 4;
    return tiles + (ks > 1 ? threads() * 16 : 0);
  }
};

// Whether the kernel can be made with it.
bool IsTile(const GemmTile &tile);
// A launch without arguments and sizes.
KernelLaunch NewGemmLaunch(const GpuOpContext &context, const GemmTile &tile);

// F(2x2, 3x3) or F(4x4, 3x3) of Lavin and Gray (arXiv 1509.09308): transforms tiles of the input,
// multiplies 16 or 36 matrices, transforms back. Buffers, 3x3 with stride 1, whole blocks of four.
bool WinogradTakes(const GpuOpContext &context, const Convolution &conv);
void BuildWinograd(const GpuOpContext &context, const Convolution &conv, int size,
                   const GemmTile &tile, GpuStep *step);

}  // namespace opencl
}  // namespace mace

#endif  // MACE_OPS_OPENCL_WINOGRAD_H_
