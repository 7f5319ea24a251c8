// SPDX-License-Identifier: Apache-2.0
// Convolution and transposed convolution of NDHWC volumes in float32: a plan of conv.h computes one
// slice of the output, with taps in several slices of the input. Volumes are padded beforehand, so
// that no tap leaves them; the copy is small beside the products.
#ifndef MACE_KERNELS_CONV_VOLUME_H_
#define MACE_KERNELS_CONV_VOLUME_H_

#include <array>
#include <cstdint>
#include <vector>

#include "mace/kernels/conv/conv.h"

namespace mace {
namespace kernels {

// One dimension: depth, height or width. Everything is at least 1, pad (in front) at least 0.
struct VolumeDimension {
  int64_t in = 1, out = 1, kernel = 1, stride = 1, dilation = 1, pad = 0;
};

struct VolumeShape {
  std::array<VolumeDimension, 3> dims;
  int64_t in_c = 1, out_c = 1;
  int64_t group = 1;
  bool transposed = false;
};

// Slices of the output that meet the same slices of the filters.
struct VolumePhase {
  ConvPlan plan;              // of one slice
  int64_t first = 0;          // offset of the first input slice
  int64_t packed_offset = 0;  // of its filters among the packed ones
};

struct VolumePlan {
  VolumeShape shape;                 // of the padded input
  std::array<int64_t, 3> size;       // of the input as it is
  std::array<int64_t, 3> pad_begin;  // what is added in front
  // One for each remainder of (slice + pad) / stride if transposed, else one.
  std::vector<VolumePhase> phases;
  int64_t packed_floats = 0;
  int64_t padded_floats = 0;   // of one padded image, 0 if it is read in place
  int64_t scratch_floats = 0;  // for each thread
  int64_t tiles = 0;           // of each slice
};

// `threads` is the number that the tiles of one slice should keep busy.
VolumePlan PlanVolume(const VolumeShape &shape, const GemmKernel &gemm, int threads);

// Filters are [out_c][kd][kh][kw][in_c / group], bias has out_c floats or is null; packed is
// 64-byte aligned and has plan.packed_floats, which do not depend on the sizes of in- and output.
void PackVolume(const VolumePlan &plan, const float *filter, const float *bias, float *packed);

// Slice `slice` of the padded input, of shape.dims[0].in ones.
void PadVolumeSlice(const VolumePlan &plan, const float *input, int64_t slice, float *padded);

// Computes tile `tile` of slice `slice` of the output from the (padded) input; scratch is 64-byte
// aligned and has plan.scratch_floats.
void RunVolumeTile(const VolumePlan &plan, const ConvEpilogue &epilogue, const float *input,
                   const float *packed, float *output, int64_t slice, int64_t tile, float *scratch);

}  // namespace kernels
}  // namespace mace

#endif  // MACE_KERNELS_CONV_VOLUME_H_
