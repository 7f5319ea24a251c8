// SPDX-License-Identifier: Apache-2.0
// Conversion of elements to and from the two wide types.
#include "mace/ops/wide.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "mace/base/half.h"

namespace mace {
namespace ops {

namespace {

template <typename T, typename W>
void WidenAs(const void *src, int64_t step, int64_t n, W *out) {
  const T *from = static_cast<const T *>(src);
  for (int64_t i = 0; i < n; ++i) out[i] = static_cast<W>(from[i * step]);
}

template <typename T, typename W>
void NarrowAs(const W *in, int64_t n, void *dst) {
  T *to = static_cast<T *>(dst);
  for (int64_t i = 0; i < n; ++i) to[i] = static_cast<T>(in[i]);
}

float BfloatToFloat(uint16_t bits) {
  const uint32_t wide = static_cast<uint32_t>(bits) << 16;
  float result;
  std::memcpy(&result, &wide, sizeof(result));
  return result;
}

// The float next to x on the side of zero, made odd when it is not x itself: rounding it once more
// to 16 bits then gives what rounding x once would.
float RoundToOdd(double x) {
  float result = static_cast<float>(x);
  if (std::isnan(x) || static_cast<double>(result) == x) return result;
  uint32_t bits;
  std::memcpy(&bits, &result, sizeof(bits));
  if (std::fabs(static_cast<double>(result)) > std::fabs(x)) --bits;
  bits |= 1;
  std::memcpy(&result, &bits, sizeof(result));
  return result;
}

uint16_t FloatToBfloat(float x) {
  uint32_t bits;
  std::memcpy(&bits, &x, sizeof(bits));
  if (std::isnan(x)) return static_cast<uint16_t>((bits >> 16) | 0x40u);
  return static_cast<uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

void NarrowTo16(DataType dtype, const double *in, int64_t n, void *dst) {
  uint16_t *to = static_cast<uint16_t *>(dst);
  for (int64_t i = 0; i < n; ++i) {
    const float x = RoundToOdd(in[i]);
    to[i] = dtype == DT_HALF ? FloatToHalf(x) : FloatToBfloat(x);
  }
}

bool IsSigned(DataType dtype) {
  return dtype == DT_INT8 || dtype == DT_INT16 || dtype == DT_INT32 || dtype == DT_INT64;
}

void Truncate(DataType dtype, const double *in, int64_t n, int64_t *out) {
  const int bits = static_cast<int>(8 * DataTypeSize(dtype)) - (IsSigned(dtype) ? 1 : 0);
  const double high = std::ldexp(1.0, bits), low = IsSigned(dtype) ? -high : 0;
  const uint64_t most = ~uint64_t{0} >> (64 - bits);
  const int64_t least = IsSigned(dtype) ? -static_cast<int64_t>(most) - 1 : 0;
  for (int64_t i = 0; i < n; ++i) {
    const double x = in[i];
    if (x >= high) {
      out[i] = static_cast<int64_t>(most);
    } else if (x <= low) {
      out[i] = least;
    } else if (x >= 9223372036854775808.0) {
      out[i] = static_cast<int64_t>(static_cast<uint64_t>(x));
    } else {
      out[i] = x != x ? 0 : static_cast<int64_t>(x);
    }
  }
}

}  // namespace

bool IsFloatType(DataType dtype) {
  return dtype == DT_FLOAT || dtype == DT_DOUBLE || dtype == DT_HALF || dtype == DT_BFLOAT16;
}

void Widen(DataType dtype, const void *src, int64_t step, int64_t n, int64_t *out) {
  switch (dtype) {
    case DT_UINT8:
    case DT_BOOL:
      return WidenAs<uint8_t>(src, step, n, out);
    case DT_INT8:
      return WidenAs<int8_t>(src, step, n, out);
    case DT_INT16:
      return WidenAs<int16_t>(src, step, n, out);
    case DT_UINT16:
      return WidenAs<uint16_t>(src, step, n, out);
    case DT_INT32:
      return WidenAs<int32_t>(src, step, n, out);
    case DT_UINT32:
      return WidenAs<uint32_t>(src, step, n, out);
    default:
      return WidenAs<int64_t>(src, step, n, out);
  }
}

void Widen(DataType dtype, const void *src, int64_t step, int64_t n, double *out) {
  switch (dtype) {
    case DT_FLOAT:
      return WidenAs<float>(src, step, n, out);
    case DT_DOUBLE:
      return WidenAs<double>(src, step, n, out);
    default: {
      const uint16_t *from = static_cast<const uint16_t *>(src);
      for (int64_t i = 0; i < n; ++i) {
        const uint16_t x = from[i * step];
        out[i] = static_cast<double>(dtype == DT_HALF ? HalfToFloat(x) : BfloatToFloat(x));
      }
    }
  }
}

void Narrow(DataType dtype, const int64_t *in, bool is_unsigned, int64_t n, void *dst) {
  if (dtype == DT_FLOAT && !is_unsigned) return NarrowAs<float>(in, n, dst);
  if (IsFloatType(dtype)) {
    double block[kWideBlock];
    for (int64_t first = 0; first < n; first += kWideBlock) {
      const int64_t count = std::min(n - first, kWideBlock);
      for (int64_t i = 0; i < count; ++i) {
        const int64_t x = in[first + i];
        block[i] =
            is_unsigned ? static_cast<double>(static_cast<uint64_t>(x)) : static_cast<double>(x);
      }
      Narrow(dtype, block, count, ElementAt(dst, dtype, first));
    }
    return;
  }
  if (dtype == DT_BOOL) {
    uint8_t *to = static_cast<uint8_t *>(dst);
    for (int64_t i = 0; i < n; ++i) to[i] = in[i] != 0 ? 1 : 0;
    return;
  }
  switch (DataTypeSize(dtype)) {
    case 1:
      return NarrowAs<uint8_t>(in, n, dst);
    case 2:
      return NarrowAs<uint16_t>(in, n, dst);
    case 4:
      return NarrowAs<uint32_t>(in, n, dst);
    default:
      return NarrowAs<int64_t>(in, n, dst);
  }
}

void Narrow(DataType dtype, const double *in, int64_t n, void *dst) {
  switch (dtype) {
    case DT_FLOAT:
      return NarrowAs<float>(in, n, dst);
    case DT_DOUBLE:
      return NarrowAs<double>(in, n, dst);
    case DT_HALF:
    case DT_BFLOAT16:
      return NarrowTo16(dtype, in, n, dst);
    default:
      break;
  }
  int64_t block[kWideBlock];
  for (int64_t first = 0; first < n; first += kWideBlock) {
    const int64_t count = std::min(n - first, kWideBlock);
    if (dtype == DT_BOOL) {
      for (int64_t i = 0; i < count; ++i) block[i] = in[first + i] != 0;
    } else {
      Truncate(dtype, in + first, count, block);
    }
    Narrow(dtype, block, false, count, ElementAt(dst, dtype, first));
  }
}

}  // namespace ops
}  // namespace mace
