// SPDX-License-Identifier: Apache-2.0
// One element of a given type, made from a float attribute.
#ifndef MACE_OPS_ELEMENT_VALUE_H_
#define MACE_OPS_ELEMENT_VALUE_H_

#include <cstdint>
#include <cstring>
#include <limits>

#include "mace/base/types.h"

namespace mace {
namespace ops {

struct ElementValue {
  alignas(8) uint8_t bytes[8] = {};
};

namespace internal {

template <typename T>
bool StoreInteger(float number, ElementValue *element) {
  // Both bounds are powers of two (or 0), hence exact as floats; the upper one is excluded.
  const float low = static_cast<float>(std::numeric_limits<T>::min());
  const float high = 2.0f * static_cast<float>(T{1} << (std::numeric_limits<T>::digits - 1));
  if (!(number >= low && number < high)) return false;
  const T value = static_cast<T>(number);
  std::memcpy(element->bytes, &value, sizeof(T));
  return true;
}

}  // namespace internal

// False when the type has no such number (or is no type that operators fill with); fractions are
// cut off for integers, anything but 0 is true for bool.
inline bool MakeElementValue(float number, DataType dtype, ElementValue *element) {
  switch (dtype) {
    case DT_FLOAT:
      std::memcpy(element->bytes, &number, sizeof(number));
      return true;
    case DT_DOUBLE: {
      const double value = number;
      std::memcpy(element->bytes, &value, sizeof(value));
      return true;
    }
    case DT_INT32:
      return internal::StoreInteger<int32_t>(number, element);
    case DT_INT64:
      return internal::StoreInteger<int64_t>(number, element);
    case DT_UINT8:
      return internal::StoreInteger<uint8_t>(number, element);
    case DT_INT8:
      return internal::StoreInteger<int8_t>(number, element);
    case DT_BOOL:
      element->bytes[0] = number != 0.0f ? 1 : 0;
      return true;
    default:
      return false;
  }
}

}  // namespace ops
}  // namespace mace

#endif  // MACE_OPS_ELEMENT_VALUE_H_
