// SPDX-License-Identifier: Apache-2.0
// Convolutions of halves by the matrix units of NVIDIA's GPUs, in buffers and images.
#ifndef MACE_OPS_OPENCL_CONVOLUTION_MMA_H_
#define MACE_OPS_OPENCL_CONVOLUTION_MMA_H_

#include <string>
#include <vector>

#include "mace/ops/opencl/builder.h"

namespace mace {
namespace opencl {

// Warps of conv_mma.cl: each computes 16 * mt pixels x 32 channels; of a work-group, nw lie along
// the channels and ks share the depth.
struct MmaTile {
  int mt, nw, ks;
};

// Whether the device, the storage type and the convolution are such that it can be used.
bool MmaTakes(const GpuOpContext &context, const Convolution &conv);
// Whether it is expected to be the fastest; then *tile is what is expected to be its best.
bool PrefersMma(const GpuOpContext &context, const Convolution &conv, MmaTile *tile);
// "mma_mt2_nw1_ks4": all that are worth trying, none if !MmaTakes.
std::vector<std::string> MmaVariants(const GpuOpContext &context, const Convolution &conv);
// False if the name is of another kind or no tile that can be made.
bool ParseMma(const std::string &name, MmaTile *tile);
void BuildMma(const GpuOpContext &context, const Convolution &conv, const MmaTile &tile,
              GpuStep *step);

}  // namespace opencl
}  // namespace mace

#endif  // MACE_OPS_OPENCL_CONVOLUTION_MMA_H_
