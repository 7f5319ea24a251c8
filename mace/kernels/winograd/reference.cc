// SPDX-License-Identifier: Apache-2.0
// The transforms of Winograd convolution by their matrices.
#include "mace/kernels/winograd/winograd.h"

namespace mace {
namespace kernels {

namespace {

// B^T and A^T of a tile of 4x4 and of 2x2 outputs.
struct Matrices4 {
  static constexpr float kInput[6][6] = {
      {4, 0, -5, 0, 1, 0},  {0, -4, -4, 1, 1, 0}, {0, 4, -4, -1, 1, 0},
      {0, -2, -1, 2, 1, 0}, {0, 2, -1, -2, 1, 0}, {0, 4, 0, -5, 0, 1},
  };
  static constexpr float kOutput[4][6] = {
      {1, 1, 1, 1, 1, 0}, {0, 1, -1, 2, -2, 0}, {0, 1, 1, 4, 4, 0}, {0, 1, -1, 8, -8, 1}};
};
struct Matrices2 {
  static constexpr float kInput[4][4] = {{1, 0, -1, 0}, {0, 1, 1, 0}, {0, -1, 1, 0}, {0, 1, 0, -1}};
  static constexpr float kOutput[2][4] = {{1, 1, 1, 0}, {0, 1, -1, -1}};
};

template <typename Matrices, int kSide>
void InputTile(const WinogradInput &tile) {
  constexpr int kIn = WinogradIn(kSide);
  for (intptr_t c = 0; c < tile.channels; ++c) {
    for (int position = 0; position < WinogradPositions(kSide); ++position) {
      float sum = 0;
      for (int y = 0; y < kIn; ++y) {
        for (int x = 0; x < kIn; ++x) {
          sum += Matrices::kInput[position / kIn][y] * Matrices::kInput[position % kIn][x] *
                 tile.in[y * tile.in_row + x * tile.in_pixel + c];
        }
      }
      tile.out[position * tile.position + c / 4 * tile.quad + c % 4] = sum;
    }
  }
}

template <typename Matrices, int kSide>
void OutputTile(const WinogradOutput &tile) {
  constexpr int kIn = WinogradIn(kSide);
  for (intptr_t c = 0; c < tile.channels; ++c) {
    for (int y = 0; y < tile.rows; ++y) {
      for (int x = 0; x < tile.columns; ++x) {
        float sum = 0;
        for (int position = 0; position < WinogradPositions(kSide); ++position) {
          sum += Matrices::kOutput[y][position / kIn] * Matrices::kOutput[x][position % kIn] *
                 tile.in[position * tile.position + c];
        }
        if (sum < tile.low) sum = tile.low;
        if (sum > tile.high) sum = tile.high;
        tile.out[y * tile.out_row + x * tile.out_pixel + c] = sum;
      }
    }
  }
}

}  // namespace

void winograd_f32_4x3__reference_input(const WinogradInput &tile) { InputTile<Matrices4, 4>(tile); }
void winograd_f32_4x3__reference_output(const WinogradOutput &tile) {
  OutputTile<Matrices4, 4>(tile);
}
void winograd_f32_2x3__reference_input(const WinogradInput &tile) { InputTile<Matrices2, 2>(tile); }
void winograd_f32_2x3__reference_output(const WinogradOutput &tile) {
  OutputTile<Matrices2, 2>(tile);
}

}  // namespace kernels
}  // namespace mace
