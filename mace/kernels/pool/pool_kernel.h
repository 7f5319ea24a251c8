// SPDX-License-Identifier: Apache-2.0
// The contract of a pooling kernel: a function that computes one row of the output. pool.h has the
// loops around it. Sources of one instruction set include nothing else of the library.
#ifndef MACE_KERNELS_POOL_POOL_KERNEL_H_
#define MACE_KERNELS_POOL_POOL_KERNEL_H_

#include <stdint.h>

namespace mace {
namespace kernels {

// A row of the output of pooling one NHWC image. The window of pixel x is made of the input rows
// in + u * in_row for u < rows, all inside the image, and of the columns x * stride_w - pad_left +
// v * dilation_w for v < kernel_w that lie in [0, in_w). Channels are at least the kernel's lanes.
//
// A maximum over nothing is -infinity. Whether a NaN wins or is passed over is not defined.
// A mean is the sum times 1 / (row_count * columns), columns being those v whose column is below
// count_w (in_w: padding does not count; in_w + padding at the right: it does, and then v below 0
// counts too). A mean over nothing is 0.
struct PoolRow {
  const float *in;
  int64_t in_row;
  int64_t rows;
  int64_t in_w;
  int64_t pixel;  // floats from one pixel to the next, of input and output
  int64_t channels;
  float *out;
  int64_t out_w;
  int64_t kernel_w;
  int64_t stride_w;
  int64_t dilation_w;
  int64_t pad_left;
  int64_t row_count;
  int64_t count_w;
  bool count_padding;
};

using PoolFunction = void (*)(const PoolRow &row);

#define MACE_POOL_KERNEL(name, isa, max, lanes) void name(const PoolRow &row);
#include "mace/kernels/pool/kernels.inc"
#undef MACE_POOL_KERNEL

}  // namespace kernels
}  // namespace mace

#endif  // MACE_KERNELS_POOL_POOL_KERNEL_H_
