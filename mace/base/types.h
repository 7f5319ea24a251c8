// SPDX-License-Identifier: Apache-2.0
// Element types and shapes, shared by reader, operators and kernels.
#ifndef MACE_BASE_TYPES_H_
#define MACE_BASE_TYPES_H_

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

namespace mace {

// Numbers of the file format (mace/proto/mace.proto).
enum DataType : int32_t {
  DT_INVALID = 0,
  DT_FLOAT = 1,
  DT_UINT8 = 2,
  DT_HALF = 3,
  DT_INT32 = 4,
  DT_BFLOAT16 = 5,
  DT_INT8 = 6,
  DT_INT64 = 7,
  DT_BOOL = 8,
  DT_DOUBLE = 9,
  DT_INT16 = 10,
  DT_UINT16 = 11,
  DT_UINT32 = 12,
  DT_UINT64 = 13,
};

constexpr DataType kLastDataType = DT_UINT64;

constexpr int kMaxRank = 6;

// Bytes of one element; 0 for DT_INVALID and numbers that name no type.
size_t DataTypeSize(DataType type);
// "float32", "int64", ...; "invalid" for what is no type.
const char *DataTypeName(DataType type);

template <typename T>
struct DataTypeOf;
template <>
struct DataTypeOf<float> {
  static constexpr DataType value = DT_FLOAT;
};
template <>
struct DataTypeOf<int32_t> {
  static constexpr DataType value = DT_INT32;
};
template <>
struct DataTypeOf<int64_t> {
  static constexpr DataType value = DT_INT64;
};
template <>
struct DataTypeOf<uint8_t> {
  static constexpr DataType value = DT_UINT8;
};
template <>
struct DataTypeOf<int8_t> {
  static constexpr DataType value = DT_INT8;
};
template <>
struct DataTypeOf<bool> {
  static constexpr DataType value = DT_BOOL;
};
template <>
struct DataTypeOf<double> {
  static constexpr DataType value = DT_DOUBLE;
};
template <>
struct DataTypeOf<int16_t> {
  static constexpr DataType value = DT_INT16;
};
template <>
struct DataTypeOf<uint16_t> {
  static constexpr DataType value = DT_UINT16;
};
template <>
struct DataTypeOf<uint32_t> {
  static constexpr DataType value = DT_UINT32;
};
template <>
struct DataTypeOf<uint64_t> {
  static constexpr DataType value = DT_UINT64;
};

// Dimensions of a tensor, rank 0 to kMaxRank, without heap memory. In plans every dimension is
// known and at least 0.
class Shape {
 public:
  Shape() = default;
  Shape(std::initializer_list<int64_t> dims);
  // Keeps at most kMaxRank dimensions: callers check the rank of outside data first.
  explicit Shape(const std::vector<int64_t> &dims);

  int rank() const { return rank_; }
  int64_t operator[](int i) const { return dims_[i]; }
  int64_t &operator[](int i) { return dims_[i]; }
  // Dimension i; negative i counts from the end.
  int64_t dim(int i) const { return dims_[i < 0 ? rank_ + i : i]; }
  const int64_t *begin() const { return dims_; }
  const int64_t *end() const { return dims_ + rank_; }
  void push_back(int64_t dim) { dims_[rank_++] = dim; }
  void resize(int rank) { rank_ = rank; }

  // Product of all dimensions: 1 for rank 0. Overflow was excluded when the shape was made
  // (see CheckedElements).
  int64_t elements() const;
  // Product of dimensions [first, last).
  int64_t elements(int first, int last) const;

  bool operator==(const Shape &other) const;
  bool operator!=(const Shape &other) const { return !(*this == other); }
  std::string ToString() const;  // "[1, 224, 224, 3]"
  std::vector<int64_t> ToVector() const { return std::vector<int64_t>(begin(), end()); }

 private:
  int rank_ = 0;
  int64_t dims_[kMaxRank] = {0, 0, 0, 0, 0, 0};
};

// Product of dims times element_size in *bytes; false when a dim is negative or the product does
// not fit 2^62 (or size_t).
bool CheckedBytes(const Shape &shape, size_t element_size, size_t *bytes);

}  // namespace mace

#endif  // MACE_BASE_TYPES_H_
