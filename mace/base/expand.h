// SPDX-License-Identifier: Apache-2.0
// Numbers of two bytes made float32, many at a time: weights are stored so, see half.h for single
// numbers. With F16C on x86 and NEON on 64-bit Arm, without them in plain C++.
#ifndef MACE_BASE_EXPAND_H_
#define MACE_BASE_EXPAND_H_

#include <cstddef>
#include <cstdint>

namespace mace {

// floats[i] = halves[i], binary16; exact but for the payload of NaN.
void ExpandHalf(const uint16_t *halves, size_t count, float *floats);
// The same for bfloat16, the upper half of a float32; exact.
void ExpandBfloat16(const uint16_t *numbers, size_t count, float *floats);

}  // namespace mace

#endif  // MACE_BASE_EXPAND_H_
