// SPDX-License-Identifier: Apache-2.0
// The kernels of Armv8.2 with binary16 arithmetic.
#include "mace/kernels/half/dwconv_neonfp16.h"
#include "mace/kernels/half/gemm_block_neonfp16.h"

namespace mace {
namespace kernels {

void gemm_f16_8x16__neonfp16(const HalfBlock &block) {
  if (block.height == 8) return Block8(block);
  if (block.height == 4) return Block4(block);
  Block1(block);
}

uint16_t *gemm_f16_8x16__neonfp16_pack(const uint16_t *const *rows, int height, intptr_t octets,
                                       uint16_t *to) {
  if (height == 8) return PackOctets8(rows, octets, to);
  for (intptr_t i = 0; i < octets; ++i) {
    for (int r = 0; r < height; ++r, to += 8) vst1q_u16(to, vld1q_u16(rows[r] + 8 * i));
  }
  return to;
}

void dwconv_f16_3x3s1_7x2__neonfp16(const HalfDwconvRows &rows) { Rows3x3<1, 7>(rows); }
void dwconv_f16_3x3s2_4x2__neonfp16(const HalfDwconvRows &rows) { Rows3x3<2, 4>(rows); }
void dwconv_f16_any__neonfp16(const HalfDwconvRows &rows) { AnyWindow(rows); }

void convert_f16_f32__neonfp16_from(const uint16_t *in, int64_t n, float *out) {
  for (; n >= 16; n -= 16, in += 16, out += 16) {
    const float16x8_t a = LoadHalves(in), b = LoadHalves(in + 8);
    const float32x4x4_t floats = {{vcvt_f32_f16(vget_low_f16(a)), vcvt_high_f32_f16(a),
                                   vcvt_f32_f16(vget_low_f16(b)), vcvt_high_f32_f16(b)}};
    vst1q_f32_x4(out, floats);
  }
  for (; n > 0; --n, ++in, ++out) {
    float16_t half;
    __builtin_memcpy(&half, in, sizeof(half));
    *out = static_cast<float>(half);
  }
}

void convert_f16_f32__neonfp16_to(const float *in, int64_t n, uint16_t *out) {
  for (; n >= 16; n -= 16, in += 16, out += 16) {
    const float32x4x4_t v = vld1q_f32_x4(in);
    StoreHalves(out, vcvt_high_f16_f32(vcvt_f16_f32(v.val[0]), v.val[1]));
    StoreHalves(out + 8, vcvt_high_f16_f32(vcvt_f16_f32(v.val[2]), v.val[3]));
  }
  for (; n > 0; --n, ++in, ++out) {
    const float16_t half = static_cast<float16_t>(*in);
    __builtin_memcpy(out, &half, sizeof(half));
  }
}

}  // namespace kernels
}  // namespace mace
