// SPDX-License-Identifier: Apache-2.0
// Depthwise convolution of NHWC images in float32: each channel with its own filters.
//
// How it works. Channels are the lanes of vectors and pixels are never rearranged. A kernel keeps a
// group of output pixels, of two rows, in registers while the input pixels below them go by: each
// is loaded once and multiplied with every weight that it meets in the group (up to 6 times for a
// 3x3 window). Windows that leave the image skip what is not there; nothing is padded or copied.
//
// A channel multiplier M is M equal copies of each input channel: a band of rows is copied so into
// scratch, and the same kernels follow.
//
// Work is cut into tiles, bands of output rows; a thread needs its own scratch.
#ifndef MACE_KERNELS_DWCONV_DWCONV_H_
#define MACE_KERNELS_DWCONV_DWCONV_H_

#include <cstdint>

#include "mace/kernels/dwconv/dwconv_kernel.h"
#include "mace/kernels/eltwise/activation.h"
#include "mace/kernels/kernel.h"

namespace mace {
namespace kernels {

struct DwconvKernel {
  const char *name;
  Isa isa;
  DwconvFunction function;
  int window;  // height and width, 0: any
  int stride;  // in both directions; 0: any
  int rows;    // of the output, that a call computes
  int lanes;
};

// The kernels of this build, whether this machine can run them or not.
const KernelList<DwconvKernel> &DwconvKernels();

// Geometry; everything is at least 1, paddings at least 0. Paddings at the bottom and right follow
// from the output's size. Channel c of the output is made of channel c / multiplier of the input.
struct DwconvShape {
  int64_t batch = 1;
  int64_t in_h = 1, in_w = 1, in_c = 1;
  int64_t multiplier = 1;
  int64_t out_h = 1, out_w = 1;
  int64_t kernel_h = 1, kernel_w = 1;
  int64_t stride_h = 1, stride_w = 1;
  int64_t dilation_h = 1, dilation_w = 1;
  int64_t pad_top = 0, pad_left = 0;

  int64_t out_c() const { return in_c * multiplier; }
};

// Whether a kernel can compute this shape, given weights packed for its lanes.
bool DwconvFits(const DwconvKernel &kernel, const DwconvShape &shape);
// Lanes to pack weights of this many output channels for, on a machine with these instruction sets:
// the most that any kernel has and the channels fill.
int DwconvLanes(uint32_t isas, int64_t out_c);

int64_t PackedDwconvFloats(int lanes, int64_t taps, int64_t out_c);
// Filters are [kernel_h][kernel_w][out_c], taps = kernel_h * kernel_w; bias has out_c floats or is
// null.
void PackDwconv(int lanes, int64_t taps, int64_t out_c, const float *filter, const float *bias,
                float *packed);

struct DwconvPlan {
  DwconvShape shape;
  const DwconvKernel *kernel = nullptr;
  const DwconvKernel *one_row = nullptr;  // for the same weights
  int64_t bands = 1;                      // of output rows, each a tile
  int64_t tiles = 0;
  int64_t scratch_floats = 0;  // for each thread
};

// A plan for weights that were packed for `lanes`; `isas` must be those that gave the lanes.
DwconvPlan PlanDwconv(const DwconvShape &shape, uint32_t isas, int lanes, int threads);
// The same with a kernel that fits.
DwconvPlan PlanDwconv(const DwconvShape &shape, const DwconvKernel &kernel, int threads);

struct DwconvEpilogue {
  float low = 0;
  float high = 0;
  ActivationParams activation;  // after the clamp, unless kActivationNoop
};

// The truth for tests: sums in double as the definition says, and the sum of absolute terms of each
// output.
void DwconvReference(const DwconvShape &shape, const float *input, const float *filter,
                     const float *bias, double *output, double *magnitude);

// Computes tile `tile` of plan.tiles. input is [batch][in_h][in_w][in_c], output has out_c
// channels.
void RunDwconvTile(const DwconvPlan &plan, const DwconvEpilogue &epilogue, const float *input,
                   const float *packed, float *output, int64_t tile, float *scratch);

// Computes rows [begin, end) of the output of one image, whose row 0 would lie at `input` and
// `output`; of the input only the rows below them need be there. Not with a multiplier.
void RunDwconvRows(const DwconvPlan &plan, const DwconvEpilogue &epilogue, const float *input,
                   const float *packed, float *output, int64_t begin, int64_t end);

}  // namespace kernels
}  // namespace mace

#endif  // MACE_KERNELS_DWCONV_DWCONV_H_
