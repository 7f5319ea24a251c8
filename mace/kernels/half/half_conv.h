// SPDX-License-Identifier: Apache-2.0
// Convolution of NHWC images with binary16 storage and, on Armv8.2, binary16 arithmetic.
//
// How it works. Output pixels are the rows of a matrix product; below each lie kernel_h * kernel_w
// * channels numbers of the input. Rows are packed 8 at a time, zeros where a window leaves the
// image, so nothing else copies or pads, and met with panels of 16 packed filters. A block of
// packed rows stays in the L2 cache while groups of panels, small enough for L1, go by.
//
// Accuracy: products are summed in binary16 (11 bits), one after the other; the error of a sum of k
// terms grows as sqrt(k) * 2^-11 of its terms. Filters and bias are rounded to binary16.
#ifndef MACE_KERNELS_HALF_HALF_CONV_H_
#define MACE_KERNELS_HALF_HALF_CONV_H_

#include <cstddef>
#include <cstdint>

#include "mace/kernels/conv/conv.h"
#include "mace/kernels/half/half_kernel.h"
#include "mace/kernels/kernel.h"

namespace mace {
namespace kernels {

struct HalfGemmKernel {
  const char *name;
  Isa isa;
  HalfBlockFunction block;
  HalfPackFunction pack;
};
const KernelList<HalfGemmKernel> &HalfGemmKernels();

struct HalfConvertKernel {
  const char *name;
  Isa isa;
  FromHalfFunction from;
  ToHalfFunction to;
};
const KernelList<HalfConvertKernel> &HalfConvertKernels();
// The best for this machine and MACE_ISA; decided at the first call.
const HalfConvertKernel &BestHalfConvert();

// Everything decided for one shape.
struct HalfConvPlan {
  ConvShape shape;
  const HalfGemmKernel *kernel = nullptr;
  int64_t k = 0;             // of a group, through all taps
  int64_t group_panels = 0;  // panels of a group
  int64_t panels = 0;        // of all groups
  int64_t rows = 0;          // output pixels of the batch
  int64_t tile_rows = 0;     // of a tile, a multiple of kHalfRows
  int64_t tile_panels = 0;
  int64_t tiles = 0;
  int64_t block_rows = 0;    // packed at once
  int64_t out_stride = 0;    // numbers from an output pixel to the next, out_c or more
  int64_t packed_size = 0;   // numbers of the packed filters
  size_t scratch_bytes = 0;  // for each thread
};

// What follows the sums; as ConvEpilogue.
struct HalfConvEpilogue {
  float low = 0;
  float high = 0;
  ActivationParams activation;
  const uint16_t *residual = nullptr;
};

HalfConvPlan PlanHalfConv(const ConvShape &shape, uint32_t isas, int threads);
HalfConvPlan PlanHalfConv(const ConvShape &shape, const HalfGemmKernel &kernel, int threads);

// Filters are [out_c][kernel_h][kernel_w][in_c / group] in float32, bias has out_c floats or is
// null; packed is 64-byte aligned and has plan.packed_size numbers. It depends on the kernel's
// size, channels and group alone.
void PackHalfConv(const HalfConvPlan &plan, const float *filter, const float *bias,
                  uint16_t *packed);

// Computes tile `tile` of plan.tiles. input is [batch][in_h][in_w][in_c], output likewise with its
// pixels plan.out_stride apart, as the residual's; scratch has plan.scratch_bytes, 64-byte aligned.
void RunHalfConvTile(const HalfConvPlan &plan, const HalfConvEpilogue &epilogue,
                     const uint16_t *input, const uint16_t *packed, uint16_t *output, int64_t tile,
                     void *scratch);

// out[i] = f(in[i]) in float32 for n numbers in place.
void ApplyActivationHalf(const ActivationParams &activation, uint16_t *numbers, int64_t n);

}  // namespace kernels
}  // namespace mace

#endif  // MACE_KERNELS_HALF_HALF_CONV_H_
