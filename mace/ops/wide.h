// SPDX-License-Identifier: Apache-2.0
// Elements of every type in one of two that hold them all: int64_t for integers and bool, double
// for floats. Operators that are seldom where the time goes compute on blocks of these, and so have
// one loop instead of one for each type. An uint64 is kept by its bits: who divides, compares or
// shifts looks at IsUnsigned64.
#ifndef MACE_OPS_WIDE_H_
#define MACE_OPS_WIDE_H_

#include <cstdint>

#include "mace/base/types.h"

namespace mace {
namespace ops {

// Elements that are widened at a time: three blocks stay well inside the first-level cache.
constexpr int64_t kWideBlock = 256;

bool IsFloatType(DataType dtype);
inline bool IsUnsigned64(DataType dtype) { return dtype == DT_UINT64; }

// n elements of an integer type (or bool) that are `step` elements apart.
void Widen(DataType dtype, const void *src, int64_t step, int64_t n, int64_t *out);
// The same for a floating point type.
void Widen(DataType dtype, const void *src, int64_t step, int64_t n, double *out);

// Writes n neighbouring elements of any type. Integers wrap around in smaller ones and are rounded
// to floats; with is_unsigned they are taken for uint64. Anything but 0 is true.
void Narrow(DataType dtype, const int64_t *in, bool is_unsigned, int64_t n, void *dst);
// Floats are truncated toward zero for integers: what is beyond the type's bounds becomes the
// bound, and NaN becomes 0.
void Narrow(DataType dtype, const double *in, int64_t n, void *dst);

// Address of element i.
inline const void *ElementAt(const void *data, DataType dtype, int64_t i) {
  return static_cast<const char *>(data) + i * static_cast<int64_t>(DataTypeSize(dtype));
}
inline void *ElementAt(void *data, DataType dtype, int64_t i) {
  return static_cast<char *>(data) + i * static_cast<int64_t>(DataTypeSize(dtype));
}

}  // namespace ops
}  // namespace mace

#endif  // MACE_OPS_WIDE_H_
