// SPDX-License-Identifier: Apache-2.0
// Transposing kernels for NEON, both 32-bit and 64-bit Arm.
#include <arm_neon.h>

#include "mace/kernels/copy/kernels.h"
#include "mace/kernels/copy/transpose_blocks.h"

namespace mace {
namespace kernels {
namespace {

// Bytes, so that elements need not be aligned.
inline uint32x4_t Load(const uint8_t *p) { return vreinterpretq_u32_u8(vld1q_u8(p)); }
inline void Store(uint8_t *p, uint32x2_t low, uint32x2_t high) {
  vst1q_u8(p, vreinterpretq_u8_u32(vcombine_u32(low, high)));
}

inline void Tile32(const uint8_t *src, int64_t src_stride, uint8_t *dst, int64_t dst_stride) {
  const uint32x4x2_t ab = vtrnq_u32(Load(src), Load(src + src_stride));
  const uint32x4x2_t cd = vtrnq_u32(Load(src + 2 * src_stride), Load(src + 3 * src_stride));
  Store(dst, vget_low_u32(ab.val[0]), vget_low_u32(cd.val[0]));
  Store(dst + dst_stride, vget_low_u32(ab.val[1]), vget_low_u32(cd.val[1]));
  Store(dst + 2 * dst_stride, vget_high_u32(ab.val[0]), vget_high_u32(cd.val[0]));
  Store(dst + 3 * dst_stride, vget_high_u32(ab.val[1]), vget_high_u32(cd.val[1]));
}

inline void Tile8(const uint8_t *src, int64_t src_stride, uint8_t *dst, int64_t dst_stride) {
  // pairs[i].val[p]: rows 2i and 2i + 1 of columns p, p + 2, p + 4, p + 6.
  uint8x8x2_t pairs[4];
  for (int i = 0; i < 4; ++i) {
    pairs[i] = vtrn_u8(vld1_u8(src + 2 * i * src_stride), vld1_u8(src + (2 * i + 1) * src_stride));
  }
  for (int p = 0; p < 2; ++p) {
    // Rows 0 to 3 and 4 to 7 of columns p, p + 4 and of p + 2, p + 6.
    const uint16x4x2_t low =
        vtrn_u16(vreinterpret_u16_u8(pairs[0].val[p]), vreinterpret_u16_u8(pairs[1].val[p]));
    const uint16x4x2_t high =
        vtrn_u16(vreinterpret_u16_u8(pairs[2].val[p]), vreinterpret_u16_u8(pairs[3].val[p]));
    for (int q = 0; q < 2; ++q) {
      const uint32x2x2_t columns =
          vtrn_u32(vreinterpret_u32_u16(low.val[q]), vreinterpret_u32_u16(high.val[q]));
      const int column = p + 2 * q;
      vst1_u8(dst + column * dst_stride, vreinterpret_u8_u32(columns.val[0]));
      vst1_u8(dst + (column + 4) * dst_stride, vreinterpret_u8_u32(columns.val[1]));
    }
  }
}

}  // namespace

void transpose_x32_4x4__neon(const CopyBlock &block, const uint8_t *src, uint8_t *dst) {
  TransposeBlocks<4, 4, Tile32>(block, src, dst);
}

void transpose_x8_8x8__neon(const CopyBlock &block, const uint8_t *src, uint8_t *dst) {
  TransposeBlocks<1, 8, Tile8>(block, src, dst);
}

}  // namespace kernels
}  // namespace mace
