// SPDX-License-Identifier: Apache-2.0
// Depthwise convolution of NHWC images in binary16, without a channel multiplier and with at least
// 8 channels; see dwconv.h for how it works.
#ifndef MACE_KERNELS_HALF_HALF_DWCONV_H_
#define MACE_KERNELS_HALF_HALF_DWCONV_H_

#include <cstdint>

#include "mace/kernels/dwconv/dwconv.h"
#include "mace/kernels/half/half_kernel.h"
#include "mace/kernels/kernel.h"

namespace mace {
namespace kernels {

struct HalfDwconvKernel {
  const char *name;
  Isa isa;
  HalfDwconvFunction function;
  int window;  // height and width, 0: any
  int stride;  // in both directions; 0: any
  int rows;    // of the output, that a call computes
  int pixels;  // of a row of the output, at least
};
const KernelList<HalfDwconvKernel> &HalfDwconvKernels();

bool HalfDwconvFits(const HalfDwconvKernel &kernel, const DwconvShape &shape);

int64_t PackedHalfDwconvSize(int64_t taps, int64_t channels);
// Filters are [kernel_h][kernel_w][channels] in float32, bias has that many floats or is null.
void PackHalfDwconv(int64_t taps, int64_t channels, const float *filter, const float *bias,
                    uint16_t *packed);

struct HalfDwconvPlan {
  DwconvShape shape;
  const HalfDwconvKernel *kernel = nullptr;
  int64_t bands = 1;  // of output rows, each a tile
  int64_t tiles = 0;
};
HalfDwconvPlan PlanHalfDwconv(const DwconvShape &shape, uint32_t isas, int threads);
HalfDwconvPlan PlanHalfDwconv(const DwconvShape &shape, const HalfDwconvKernel &kernel,
                              int threads);

// Computes tile `tile` of plan.tiles.
void RunHalfDwconvTile(const HalfDwconvPlan &plan, const DwconvEpilogue &epilogue,
                       const uint16_t *input, const uint16_t *packed, uint16_t *output,
                       int64_t tile);

}  // namespace kernels
}  // namespace mace

#endif  // MACE_KERNELS_HALF_HALF_DWCONV_H_
