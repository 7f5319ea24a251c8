// SPDX-License-Identifier: Apache-2.0
// The contract of a depthwise kernel: a function that computes one or two rows of the output.
// dwconv.h has the loops around it. Sources of one instruction set include nothing else of ours.
#ifndef MACE_KERNELS_DWCONV_DWCONV_KERNEL_H_
#define MACE_KERNELS_DWCONV_DWCONV_KERNEL_H_

#include <stdint.h>

namespace mace {
namespace kernels {

// Rows of the output of a depthwise convolution of one NHWC image: as many as the kernel's `rows`.
// Row y, pixel x, channel c is
//
//   min(max(bias[c] + sum over u, v of in[y * stride + u][x * stride_w - pad_left + v *
//   dilation_w][c]
//                                     * w[u][v][c], low), high)
//
// where in[t] is the input row at in + t * in_row. Pixels outside of [0, in_w) and rows outside of
// [row_begin, row_end) are zeros and not read. (In a kernel for any window, rows is 1 and the
// caller has put the vertical dilation into in_row.)
//
// Weights are packed in blocks of the kernel's lanes L: [channels / L][bias, then each (u, v)][L],
// rounded up. Channels are at least L; the last block holds the last L channels, so that part of
// them may be in two blocks, and no vector is loaded or stored in part.
struct DwconvRows {
  const float *in;
  int64_t in_row;
  int64_t row_begin;
  int64_t row_end;
  int64_t in_w;
  int64_t channels;
  const float *packed;
  float *out;
  int64_t out_row;
  int64_t out_w;
  int64_t pad_left;
  int64_t kernel_h;
  int64_t kernel_w;
  int64_t stride_w;
  int64_t dilation_w;
  float low;
  float high;
};

using DwconvFunction = void (*)(const DwconvRows &rows);

#define MACE_DWCONV_KERNEL(name, isa, window, stride, rows, lanes) \
  void name(const DwconvRows &arguments);
#include "mace/kernels/dwconv/kernels.inc"
#undef MACE_DWCONV_KERNEL

}  // namespace kernels
}  // namespace mace

#endif  // MACE_KERNELS_DWCONV_DWCONV_KERNEL_H_
