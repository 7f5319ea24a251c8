// SPDX-License-Identifier: Apache-2.0
// The transforms of Winograd convolution by their matrices.
#include "mace/kernels/winograd/winograd.h"

namespace mace {
namespace kernels {

namespace {

constexpr float kInput[kWinogradIn][kWinogradIn] = {
    {4, 0, -5, 0, 1, 0},  {0, -4, -4, 1, 1, 0}, {0, 4, -4, -1, 1, 0},
    {0, -2, -1, 2, 1, 0}, {0, 2, -1, -2, 1, 0}, {0, 4, 0, -5, 0, 1},
};
constexpr float kOutput[kWinogradOut][kWinogradIn] = {
    {1, 1, 1, 1, 1, 0}, {0, 1, -1, 2, -2, 0}, {0, 1, 1, 4, 4, 0}, {0, 1, -1, 8, -8, 1}};

}  // namespace

void winograd_f32_4x3__reference_input(const WinogradInput &tile) {
  for (intptr_t c = 0; c < tile.channels; ++c) {
    for (int position = 0; position < kWinogradPositions; ++position) {
      float sum = 0;
      for (int y = 0; y < kWinogradIn; ++y) {
        for (int x = 0; x < kWinogradIn; ++x) {
          sum += kInput[position / kWinogradIn][y] * kInput[position % kWinogradIn][x] *
                 tile.in[y * tile.in_row + x * tile.in_pixel + c];
        }
      }
      tile.out[position * tile.position + c / 4 * tile.quad + c % 4] = sum;
    }
  }
}

void winograd_f32_4x3__reference_output(const WinogradOutput &tile) {
  for (intptr_t c = 0; c < tile.channels; ++c) {
    for (int y = 0; y < tile.rows; ++y) {
      for (int x = 0; x < tile.columns; ++x) {
        float sum = 0;
        for (int position = 0; position < kWinogradPositions; ++position) {
          sum += kOutput[y][position / kWinogradIn] * kOutput[x][position % kWinogradIn] *
                 tile.in[position * tile.position + c];
        }
        if (sum < tile.low) sum = tile.low;
        if (sum > tile.high) sum = tile.high;
        tile.out[y * tile.out_row + x * tile.out_pixel + c] = sum;
      }
    }
  }
}

}  // namespace kernels
}  // namespace mace
