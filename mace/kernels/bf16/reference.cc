// SPDX-License-Identifier: Apache-2.0
// The kernel in plain C++: what others are to give, and how A and B lie.
#include <algorithm>
#include <cstring>

#include "mace/kernels/bf16/bf16_gemm.h"

namespace mace {
namespace kernels {

namespace {

constexpr int64_t kColumns = 16, kGroup = 2;

float Widen(uint16_t number) {
  const uint32_t bits = static_cast<uint32_t>(number) << 16;
  float value;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

}  // namespace

void gemm_bf16_4x16__reference_pack(const Bf16Pack &pack) {
  for (int64_t i = 0; i < pack.height; ++i) {
    uint16_t *to = pack.packed + i * pack.depth;
    for (int64_t t = 0; t < pack.taps; ++t) {
      const float *from = pack.rows[i] + pack.tap_offsets[t];
      for (int64_t l = 0; l < pack.k; ++l) *to++ = FloatToBf16(from[l]);
    }
    std::fill(to, pack.packed + (i + 1) * pack.depth, uint16_t{0});
  }
}

void gemm_bf16_4x16__reference(const Bf16Block &block) {
  const int64_t panel_floats = kColumns * (2 + block.depth) / 2;
  for (int64_t i = 0; i < block.m; ++i) {
    const uint16_t *a = block.a + i * block.depth;
    for (int64_t j = 0; j < block.n; ++j) {
      const float *panel = block.b + j / kColumns * panel_floats;
      const auto *b = reinterpret_cast<const uint16_t *>(panel + kColumns) + j % kColumns * kGroup;
      float sum = panel[j % kColumns];
      for (int64_t l = 0; l < block.depth; ++l) {
        sum += Widen(a[l]) * Widen(b[l / kGroup * kColumns * kGroup + l % kGroup]);
      }
      if (block.residual != nullptr) sum += block.residual[i][j];
      // NaN passes through.
      if (sum < block.low) sum = block.low;
      block.c[i][j] = sum > block.high ? block.high : sum;
    }
  }
}

}  // namespace kernels
}  // namespace mace
