// SPDX-License-Identifier: Apache-2.0
// Element types and shapes.
#include "mace/base/types.h"

#include "mace/base/checked.h"
#include "mace/base/status.h"

namespace mace {

size_t DataTypeSize(DataType type) {
  switch (type) {
    case DT_UINT8:
    case DT_INT8:
    case DT_BOOL:
      return 1;
    case DT_HALF:
    case DT_BFLOAT16:
    case DT_INT16:
    case DT_UINT16:
      return 2;
    case DT_FLOAT:
    case DT_INT32:
    case DT_UINT32:
      return 4;
    case DT_INT64:
    case DT_UINT64:
    case DT_DOUBLE:
      return 8;
    case DT_INVALID:
      break;
  }
  return 0;
}

const char *DataTypeName(DataType type) {
  switch (type) {
    case DT_FLOAT:
      return "float32";
    case DT_UINT8:
      return "uint8";
    case DT_HALF:
      return "float16";
    case DT_INT32:
      return "int32";
    case DT_BFLOAT16:
      return "bfloat16";
    case DT_INT8:
      return "int8";
    case DT_INT64:
      return "int64";
    case DT_BOOL:
      return "bool";
    case DT_DOUBLE:
      return "float64";
    case DT_INT16:
      return "int16";
    case DT_UINT16:
      return "uint16";
    case DT_UINT32:
      return "uint32";
    case DT_UINT64:
      return "uint64";
    case DT_INVALID:
      break;
  }
  return "invalid";
}

Shape::Shape(std::initializer_list<int64_t> dims) {
  for (int64_t dim : dims) {
    if (rank_ < kMaxRank) push_back(dim);
  }
}

Shape::Shape(const std::vector<int64_t> &dims) {
  for (int64_t dim : dims) {
    if (rank_ < kMaxRank) push_back(dim);
  }
}

int64_t Shape::elements() const { return elements(0, rank_); }

int64_t Shape::elements(int first, int last) const {
  int64_t product = 1;
  for (int i = first; i < last; ++i) product *= dims_[i];
  return product;
}

bool Shape::operator==(const Shape &other) const {
  if (rank_ != other.rank_) return false;
  for (int i = 0; i < rank_; ++i) {
    if (dims_[i] != other.dims_[i]) return false;
  }
  return true;
}

std::string Shape::ToString() const {
  std::string text = "[";
  for (int i = 0; i < rank_; ++i) text += MakeString(i > 0 ? ", " : "", dims_[i]);
  text += ']';
  return text;
}

bool CheckedBytes(const Shape &shape, size_t element_size, size_t *bytes) {
  // A dimension of 0 makes the product 0 whatever the others are, yet Shape::elements() multiplies
  // from the left and must not overflow on the way: zeros are passed over.
  constexpr uint64_t kLimit = uint64_t{1} << 62;
  uint64_t product = element_size;
  bool empty = false;
  for (int64_t dim : shape) {
    if (dim < 0) return false;
    if (dim == 0) {
      empty = true;
    } else if (!CheckedMultiply(product, static_cast<uint64_t>(dim), &product) ||
               product > kLimit) {
      return false;
    }
  }
  if (product > SIZE_MAX) return false;
  *bytes = empty ? 0 : static_cast<size_t>(product);
  return true;
}

}  // namespace mace
