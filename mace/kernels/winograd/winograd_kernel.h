// SPDX-License-Identifier: Apache-2.0
// The contract of the transforms of Winograd convolution F(4x4, 3x3) and F(2x2, 3x3). Sources of
// one instruction set include this and nothing of the library.
#ifndef MACE_KERNELS_WINOGRAD_WINOGRAD_KERNEL_H_
#define MACE_KERNELS_WINOGRAD_WINOGRAD_KERNEL_H_

#include <stdint.h>

namespace mace {
namespace kernels {

// A tile has `side` rows and columns of outputs, 4 or 2, and two more of the input below them. Each
// position of the latter is a product for each pair of channels.
constexpr int kWinogradMaxIn = 6;
constexpr int WinogradIn(int side) { return side + 2; }
constexpr int WinogradPositions(int side) { return WinogradIn(side) * WinogradIn(side); }
// The position that all outputs add once.
constexpr int WinogradOnes(int side) { return WinogradIn(side) + 1; }

// B^T d B of a tile of input, for each channel: position p of channel c goes to
// out[p * position + c / 4 * quad + c % 4]. On Arm, where rows of products are packed, channels are
// a multiple of 4. Elsewhere quad is 4, and there are as many channels as a vector has lanes or
// more.
struct WinogradInput {
  const float *in;
  intptr_t in_row, in_pixel;  // floats
  intptr_t channels;
  float *out;
  intptr_t position, quad;
};

// min(max(A^T m A, low), high) of the products of a tile: position p of channel c lies at
// in[p * position + c]. Writes the first `rows` x `columns` of the tile's pixels. Channels
// are as above.
struct WinogradOutput {
  const float *in;
  intptr_t position;
  intptr_t channels;
  float *out;
  intptr_t out_row, out_pixel;  // floats
  int rows, columns;            // 1 to side
  float low, high;
};

using WinogradInputFunction = void (*)(const WinogradInput &tile);
using WinogradOutputFunction = void (*)(const WinogradOutput &tile);

#define MACE_WINOGRAD_KERNEL(name, isa, side)   \
  void name##_input(const WinogradInput &tile); \
  void name##_output(const WinogradOutput &tile);
#include "mace/kernels/winograd/kernels.inc"
#undef MACE_WINOGRAD_KERNEL

}  // namespace kernels
}  // namespace mace

#endif  // MACE_KERNELS_WINOGRAD_WINOGRAD_KERNEL_H_
