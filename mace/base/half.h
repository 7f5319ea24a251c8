// SPDX-License-Identifier: Apache-2.0
// IEEE 754 binary16 to and from float in plain C++, for weights that are stored as half. Rounds to
// nearest even; keeps infinities, NaN and subnormal numbers.
#ifndef MACE_BASE_HALF_H_
#define MACE_BASE_HALF_H_

#include <cstdint>
#include <cstring>

namespace mace {

inline float HalfToFloat(uint16_t half) {
  const uint32_t sign = static_cast<uint32_t>(half & 0x8000u) << 16;
  const uint32_t exponent = (half >> 10) & 0x1f;
  const uint32_t mantissa = half & 0x3ffu;
  float result;
  if (exponent == 0) {
    // Subnormal: mantissa * 2^-24 is exact in float.
    result = static_cast<float>(mantissa) * 5.9604644775390625e-8f;
    return sign == 0 ? result : -result;
  }
  const uint32_t bits = exponent == 0x1f ? sign | 0x7f800000u | (mantissa << 13)
                                         : sign | ((exponent + 112) << 23) | (mantissa << 13);
  std::memcpy(&result, &bits, sizeof(result));
  return result;
}

inline uint16_t FloatToHalf(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  const uint16_t sign = static_cast<uint16_t>((bits >> 16) & 0x8000u);
  bits &= 0x7fffffffu;
  if (bits > 0x7f800000u) return sign | 0x7e00u;   // NaN
  if (bits >= 0x477ff000u) return sign | 0x7c00u;  // 65520 and more round to infinity
  if (bits < 0x38800000u) {
    // Below 2^-14: count units of 2^-24. Adding 0.5 lets the float adder round to nearest even.
    float magnitude;
    std::memcpy(&magnitude, &bits, sizeof(magnitude));
    magnitude += 0.5f;
    uint32_t sum;
    std::memcpy(&sum, &magnitude, sizeof(sum));
    return sign | static_cast<uint16_t>(sum - 0x3f000000u);
  }
  const uint32_t odd = (bits >> 13) & 1u;
  return sign | static_cast<uint16_t>((bits - 0x38000000u + 0xfffu + odd) >> 13);
}

}  // namespace mace

#endif  // MACE_BASE_HALF_H_
