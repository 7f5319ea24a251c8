// SPDX-License-Identifier: Apache-2.0
// Arithmetic of two numbers in int64_t, uint64_t or double: one loop for each function and type.
// Integers wrap around; what the processor would trap on is defined: x / 0 is 0, x % 0 is 0, and an
// integer power with a negative exponent is 0 unless the base is 1 or -1.
#include "mace/ops/eltwise_wide.h"

#include <algorithm>
#include <cmath>
#include <type_traits>

#include "mace/ops/wide.h"

namespace mace {
namespace ops {

namespace {

using Type = EltwiseAttrs::Type;

template <typename T>
T DivOf(T a, T b) {
  if constexpr (std::is_floating_point<T>::value) {
    return a / b;
  } else {
    if (b == 0) return 0;
    // The one quotient that does not fit.
    if (std::is_signed<T>::value && b == static_cast<T>(-1)) return T{0} - a;
    return a / b;
  }
}

// Has the sign of the divisor.
template <typename T>
T ModOf(T a, T b) {
  if constexpr (std::is_floating_point<T>::value) {
    const T r = std::fmod(a, b);
    return r != 0 && (r < 0) != (b < 0) ? r + b : r;
  } else {
    if (b == 0 || (std::is_signed<T>::value && b == static_cast<T>(-1))) return 0;
    const T r = a % b;
    return r != 0 && (r < 0) != (b < 0) ? r + b : r;
  }
}

// Has the sign of the dividend.
template <typename T>
T FmodOf(T a, T b) {
  if constexpr (std::is_floating_point<T>::value) {
    return std::fmod(a, b);
  } else {
    if (b == 0 || (std::is_signed<T>::value && b == static_cast<T>(-1))) return 0;
    return a % b;
  }
}

template <typename T>
T FloorDivOf(T a, T b) {
  if constexpr (std::is_floating_point<T>::value) {
    return std::floor(a / b);
  } else {
    const T quotient = DivOf(a, b);
    return ModOf(a, b) != 0 && (a < 0) != (b < 0) ? quotient - 1 : quotient;
  }
}

template <typename T>
T PowOf(T base, T exponent) {
  if constexpr (std::is_floating_point<T>::value) {
    return std::pow(base, exponent);
  } else {
    if (exponent < 0) {
      if (base == 1) return 1;
      return base == static_cast<T>(-1) ? (exponent % 2 == 0 ? 1 : -1) : 0;
    }
    uint64_t result = 1, factor = static_cast<uint64_t>(base);
    for (uint64_t rest = static_cast<uint64_t>(exponent); rest != 0; rest >>= 1) {
      if ((rest & 1) != 0) result *= factor;
      factor *= factor;
    }
    return static_cast<T>(result);
  }
}

template <typename T, typename Function>
void Loop(const T *a, int64_t step_a, const T *b, int64_t step_b, T *out, int64_t n,
          const Function &function) {
  for (int64_t i = 0; i < n; ++i) {
    out[i] = static_cast<T>(function(a[i * step_a], b[i * step_b]));
  }
}

// Sums and products of integers are those of uint64_t, which may wrap around.
template <typename T>
void Row(Type type, const T *a, int64_t sa, const T *b, int64_t sb, T *out, int64_t n) {
  using U = std::conditional_t<std::is_floating_point<T>::value, T, uint64_t>;
  switch (type) {
    case Type::kSum:
      return Loop(a, sa, b, sb, out, n, [](U x, U y) { return x + y; });
    case Type::kSub:
      return Loop(a, sa, b, sb, out, n, [](U x, U y) { return x - y; });
    case Type::kProd:
      return Loop(a, sa, b, sb, out, n, [](U x, U y) { return x * y; });
    case Type::kDiv:
      return Loop(a, sa, b, sb, out, n, DivOf<T>);
    // NaN if one of the numbers is.
    case Type::kMin:
      return Loop(a, sa, b, sb, out, n, [](T x, T y) { return x < y || x != x ? x : y; });
    case Type::kMax:
      return Loop(a, sa, b, sb, out, n, [](T x, T y) { return x > y || x != x ? x : y; });
    case Type::kPow:
      return Loop(a, sa, b, sb, out, n, PowOf<T>);
    case Type::kSqrDiff:
      return Loop(a, sa, b, sb, out, n, [](U x, U y) { return (x - y) * (x - y); });
    case Type::kFloorDiv:
      return Loop(a, sa, b, sb, out, n, FloorDivOf<T>);
    case Type::kMod:
      return Loop(a, sa, b, sb, out, n, ModOf<T>);
    case Type::kFmod:
      return Loop(a, sa, b, sb, out, n, FmodOf<T>);
    case Type::kEqual:
      return Loop(a, sa, b, sb, out, n, [](T x, T y) { return x == y; });
    case Type::kNotEqual:
      return Loop(a, sa, b, sb, out, n, [](T x, T y) { return x != y; });
    case Type::kLess:
      return Loop(a, sa, b, sb, out, n, [](T x, T y) { return x < y; });
    case Type::kLessEqual:
      return Loop(a, sa, b, sb, out, n, [](T x, T y) { return x <= y; });
    case Type::kGreater:
      return Loop(a, sa, b, sb, out, n, [](T x, T y) { return x > y; });
    case Type::kGreaterEqual:
      return Loop(a, sa, b, sb, out, n, [](T x, T y) { return x >= y; });
    case Type::kAnd:
      return Loop(a, sa, b, sb, out, n, [](T x, T y) { return x != 0 && y != 0; });
    case Type::kOr:
      return Loop(a, sa, b, sb, out, n, [](T x, T y) { return x != 0 || y != 0; });
    case Type::kXor:
      return Loop(a, sa, b, sb, out, n, [](T x, T y) { return (x != 0) != (y != 0); });
    default:
      break;
  }
  if constexpr (std::is_floating_point<T>::value) {
    if (type == Type::kAtan2) {
      return Loop(a, sa, b, sb, out, n, [](T x, T y) { return std::atan2(x, y); });
    }
  }
}

// Of integers alone. A shift by the number's bits or more leaves 0 (or the sign).
void BitRow(Type type, DataType dtype, const int64_t *a, int64_t sa, const int64_t *b, int64_t sb,
            int64_t *out, int64_t n) {
  const uint64_t bits = 8 * DataTypeSize(dtype);
  switch (type) {
    case Type::kBitAnd:
      return Loop(a, sa, b, sb, out, n, [](int64_t x, int64_t y) { return x & y; });
    case Type::kBitOr:
      return Loop(a, sa, b, sb, out, n, [](int64_t x, int64_t y) { return x | y; });
    case Type::kBitXor:
      return Loop(a, sa, b, sb, out, n, [](int64_t x, int64_t y) { return x ^ y; });
    case Type::kShiftLeft:
      return Loop(a, sa, b, sb, out, n, [bits](int64_t x, int64_t y) {
        const uint64_t count = static_cast<uint64_t>(y);
        return count < bits ? static_cast<uint64_t>(x) << count : 0;
      });
    default:
      return Loop(a, sa, b, sb, out, n, [dtype](int64_t x, int64_t y) {
        const uint64_t count = std::min<uint64_t>(static_cast<uint64_t>(y), 63);
        const bool gone = static_cast<uint64_t>(y) > count;
        if (IsUnsigned64(dtype)) {
          return gone ? 0 : static_cast<int64_t>(static_cast<uint64_t>(x) >> count);
        }
        return x >> count;
      });
  }
}

}  // namespace

bool IsPredicate(Type type) { return type >= Type::kEqual && type <= Type::kXor; }

bool IsBitwise(Type type) { return type >= Type::kBitAnd && type <= Type::kShiftRight; }

bool IsForFloats(Type type) { return type == Type::kAtan2; }

void WideEltwiseRow(Type type, DataType dtype, kernels::RowStep step, const void *a, const void *b,
                    void *out, int64_t n) {
  const int64_t sa = step == kernels::RowStep::kSecond ? 0 : 1;
  const int64_t sb = step == kernels::RowStep::kFirst ? 0 : 1;
  const DataType result = IsPredicate(type) ? DT_BOOL : dtype;
  const bool is_float = IsFloatType(dtype);
  int64_t integers[3][kWideBlock];
  double floats[3][kWideBlock];
  for (int64_t first = 0; first < n; first += kWideBlock) {
    const int64_t count = std::min(n - first, kWideBlock);
    const void *x = ElementAt(a, dtype, first * sa), *y = ElementAt(b, dtype, first * sb);
    void *to = ElementAt(out, result, first);
    // One number is widened once for each block, which costs nothing beside the block.
    if (is_float) {
      Widen(dtype, x, 1, sa == 0 ? 1 : count, floats[0]);
      Widen(dtype, y, 1, sb == 0 ? 1 : count, floats[1]);
      Row(type, floats[0], sa, floats[1], sb, floats[2], count);
      Narrow(result, floats[2], count, to);
      continue;
    }
    Widen(dtype, x, 1, sa == 0 ? 1 : count, integers[0]);
    Widen(dtype, y, 1, sb == 0 ? 1 : count, integers[1]);
    if (IsBitwise(type)) {
      BitRow(type, dtype, integers[0], sa, integers[1], sb, integers[2], count);
    } else if (IsUnsigned64(dtype)) {
      // The unsigned type of a signed one may be used for its elements.
      Row(type, reinterpret_cast<const uint64_t *>(integers[0]), sa,
          reinterpret_cast<const uint64_t *>(integers[1]), sb,
          reinterpret_cast<uint64_t *>(integers[2]), count);
    } else {
      Row(type, integers[0], sa, integers[1], sb, integers[2], count);
    }
    Narrow(result, integers[2], false, count, to);
  }
}

}  // namespace ops
}  // namespace mace
