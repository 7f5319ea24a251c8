// SPDX-License-Identifier: Apache-2.0
// The contract of the transforms of Winograd convolution F(4x4, 3x3). Sources of one instruction
// set include this and nothing of the library.
#ifndef MACE_KERNELS_WINOGRAD_WINOGRAD_KERNEL_H_
#define MACE_KERNELS_WINOGRAD_WINOGRAD_KERNEL_H_

#include <stdint.h>

namespace mace {
namespace kernels {

constexpr int kWinogradOut = 4;                     // rows and columns of outputs of a tile
constexpr int kWinogradIn = 6;                      // of the input below them
constexpr int kWinogradPositions = 6 * 6;           // products of a tile, for each pair of channels
constexpr int kWinogradOnes = kWinogradIn * 1 + 1;  // the position that all outputs add once

// B^T d B of a 6x6 tile of input, for each channel: position p of channel c goes to
// out[p * position + c / 4 * quad + c % 4]. Channels are a multiple of 4.
struct WinogradInput {
  const float *in;
  intptr_t in_row, in_pixel;  // floats
  intptr_t channels;
  float *out;
  intptr_t position, quad;
};

// min(max(A^T m A, low), high) of the products of a tile: position p of channel c lies at
// in[p * position + c]. Writes the first `rows` x `columns` of the 4x4 pixels. Channels are a
// multiple of 4.
struct WinogradOutput {
  const float *in;
  intptr_t position;
  intptr_t channels;
  float *out;
  intptr_t out_row, out_pixel;  // floats
  int rows, columns;            // 1 to 4
  float low, high;
};

using WinogradInputFunction = void (*)(const WinogradInput &tile);
using WinogradOutputFunction = void (*)(const WinogradOutput &tile);

#define MACE_WINOGRAD_KERNEL(name, isa)         \
  void name##_input(const WinogradInput &tile); \
  void name##_output(const WinogradOutput &tile);
#include "mace/kernels/winograd/kernels.inc"
#undef MACE_WINOGRAD_KERNEL

}  // namespace kernels
}  // namespace mace

#endif  // MACE_KERNELS_WINOGRAD_WINOGRAD_KERNEL_H_
