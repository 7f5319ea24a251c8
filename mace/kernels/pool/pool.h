// SPDX-License-Identifier: Apache-2.0
// Pooling of NHWC images in float32: the largest element or the mean of each window.
//
// How it works. Channels are the lanes of vectors; a kernel goes over the pixels of a row and keeps
// the result of up to four vectors of channels in registers while the window goes by. Windows are
// cut to what lies in the image, so nothing is padded.
#ifndef MACE_KERNELS_POOL_POOL_H_
#define MACE_KERNELS_POOL_POOL_H_

#include <cstdint>

#include "mace/kernels/kernel.h"
#include "mace/kernels/pool/pool_kernel.h"

namespace mace {
namespace kernels {

struct PoolKernel {
  const char *name;
  Isa isa;
  PoolFunction function;
  bool max;
  int lanes;
};

// The kernels of this build, whether this machine can run them or not.
const KernelList<PoolKernel> &PoolKernels();
// The best for these instruction sets.
const PoolKernel &BestPool(uint32_t isas, bool max, int64_t channels);

// Geometry; everything is at least 1, paddings at least 0. Windows may reach beyond the padding at
// the bottom and right (output sizes rounded up); what is there never counts.
struct PoolShape {
  int64_t batch = 1;
  int64_t in_h = 1, in_w = 1, channels = 1;
  int64_t out_h = 1, out_w = 1;
  int64_t kernel_h = 1, kernel_w = 1;
  int64_t stride_h = 1, stride_w = 1;
  int64_t dilation_h = 1, dilation_w = 1;
  int64_t pad_top = 0, pad_bottom = 0, pad_left = 0, pad_right = 0;
  // Whether the divisor of a mean counts elements of the padding.
  bool count_include_pad = false;
  // Whether that divisor is the size of the window, wherever it lies.
  bool count_all = false;
};

// Rows [begin, end) of the output, counted through the batch: of batch * out_h rows. input is
// [batch][in_h][in_w][channels], output likewise.
void RunPoolRows(const PoolKernel &kernel, const PoolShape &shape, const float *input,
                 float *output, int64_t begin, int64_t end);

}  // namespace kernels
}  // namespace mace

#endif  // MACE_KERNELS_POOL_POOL_H_
