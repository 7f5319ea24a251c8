// SPDX-License-Identifier: Apache-2.0
// Arithmetic on numbers that come from outside: false instead of an overflow.
#ifndef MACE_BASE_CHECKED_H_
#define MACE_BASE_CHECKED_H_

#include <cstddef>
#include <cstdint>

namespace mace {

template <typename T>
[[nodiscard]] bool CheckedAdd(T a, T b, T *sum) {
  return !__builtin_add_overflow(a, b, sum);
}

template <typename T>
[[nodiscard]] bool CheckedMultiply(T a, T b, T *product) {
  return !__builtin_mul_overflow(a, b, product);
}

// True when [offset, offset + size) lies inside [0, total).
inline bool InRange(uint64_t offset, uint64_t size, uint64_t total) {
  return offset <= total && size <= total - offset;
}

// The smallest multiple of `alignment` (a power of two) that is at least n.
constexpr size_t AlignUp(size_t n, size_t alignment) {
  return (n + alignment - 1) & ~(alignment - 1);
}

}  // namespace mace

#endif  // MACE_BASE_CHECKED_H_
