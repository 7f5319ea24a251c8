// SPDX-License-Identifier: Apache-2.0
// What the operators that index and sort share.
#include "mace/ops/indexing.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>

namespace mace {
namespace ops {

namespace {

template <typename T>
T Load(const uint8_t *element) {
  T value;
  std::memcpy(&value, element, sizeof(T));
  return value;
}

// The bits of a double as an integer that is ordered as the number is.
int64_t OrderedBits(double value) {
  if (std::isnan(value)) return INT64_MAX;
  const int64_t bits = Load<int64_t>(reinterpret_cast<const uint8_t *>(&value));
  return bits >= 0 ? bits : INT64_MIN - bits;
}

template <typename T>
T Combined(Combination how, T a, T b) {
  switch (how) {
    case Combination::kAdd:
      return static_cast<T>(a + b);
    case Combination::kMul:
      return static_cast<T>(a * b);
    case Combination::kMin:
      return b < a || b != b ? b : a;
    case Combination::kMax:
      return b > a || b != b ? b : a;
    default:
      return b;
  }
}

template <typename T>
void CombineTyped(Combination how, uint8_t *dst, const uint8_t *src, int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    const T value = Combined<T>(how, Load<T>(dst), Load<T>(src));
    std::memcpy(dst, &value, sizeof(T));
    dst += sizeof(T);
    src += sizeof(T);
  }
}

// Every integer as 64 bits of its kind: sums and products wrap in them as in the type itself.
template <typename Wide>
void CombineIntegers(Combination how, DataType dtype, uint8_t *dst, const uint8_t *src, int64_t n) {
  const size_t size = DataTypeSize(dtype);
  const int shift = 64 - 8 * static_cast<int>(size);
  const auto load = [=](const uint8_t *element) {
    uint64_t bits = 0;
    std::memcpy(&bits, element, size);  // little-endian, as all targets are
    return static_cast<Wide>(bits << shift) >> shift;
  };
  for (int64_t i = 0; i < n; ++i) {
    const Wide a = load(dst), b = load(src);
    uint64_t bits = static_cast<uint64_t>(a);
    if (how == Combination::kAdd) {
      bits += static_cast<uint64_t>(b);
    } else if (how == Combination::kMul) {
      bits *= static_cast<uint64_t>(b);
    } else {
      bits = static_cast<uint64_t>(Combined<Wide>(how, a, b));
    }
    std::memcpy(dst, &bits, size);
    dst += size;
    src += size;
  }
}

}  // namespace

MaceStatus IndexOperation::InferType(const std::vector<DataType> &inputs,
                                     std::vector<DataType> *outputs) {
  MACE_RETURN_IF_ERROR(CheckIntegerType("indices", inputs[1]));
  return ShapedOperation::InferType(inputs, outputs);
}

MaceStatus IndexOperation::CheckIndices(const Tensor &indices, const Shape &shape, int axis) const {
  const int64_t dim = shape[axis], wrong = FirstOutside(indices, dim);
  if (wrong < 0) return MaceStatus::MACE_SUCCESS;
  return Invalid("index ", IndexAt(indices, wrong), " at place ", wrong, " is outside of [", -dim,
                 ", ", dim - 1, "], axis ", axis, " of input shape ", shape.ToString());
}

MaceStatus IndexOperation::Outside(const Tensor &indices, int64_t place, int64_t bound,
                                   const Shape &shape) const {
  return Invalid("index ", IndexAt(indices, place), " at place ", place, " is outside of [", -bound,
                 ", ", bound - 1, "], input shape ", shape.ToString());
}

MaceStatus ScatterOperation::InferType(const std::vector<DataType> &inputs,
                                       std::vector<DataType> *outputs) {
  MACE_RETURN_IF_ERROR(IndexOperation::InferType(inputs, outputs));
  return CheckSameTypes({inputs[0], inputs[2]});
}

MaceStatus ScatterOperation::Plan(OpPlanContext *context) {
  // Updates that are the input itself must not change while they are read.
  if (def().input[0] != def().input[2]) context->AllowInPlace(0, 0);
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus ScatterOperation::CheckCombination(Combination how, DataType dtype) const {
  if (how == Combination::kNone || CanCombine(dtype)) return MaceStatus::MACE_SUCCESS;
  return NotSupported("elements of type ", DataTypeName(dtype),
                      " can only be replaced; cast them to combine them");
}

int64_t FirstOutside(const Tensor &indices, int64_t dim) {
  const int64_t count = indices.elements();
  for (int64_t i = 0; i < count; ++i) {
    const int64_t index = IndexAt(indices, i);
    if (index < -dim || index >= dim) return i;
  }
  return -1;
}

int64_t SortKey(DataType dtype, const uint8_t *element) {
  switch (dtype) {
    case DT_FLOAT:
      return OrderedBits(static_cast<double>(Load<float>(element)));
    case DT_DOUBLE:
      return OrderedBits(Load<double>(element));
    case DT_INT32:
      return Load<int32_t>(element);
    case DT_INT64:
      return Load<int64_t>(element);
    case DT_INT8:
      return Load<int8_t>(element);
    case DT_INT16:
      return Load<int16_t>(element);
    case DT_UINT16:
      return Load<uint16_t>(element);
    case DT_UINT32:
      return Load<uint32_t>(element);
    case DT_UINT64:
      return static_cast<int64_t>(Load<uint64_t>(element) ^ (uint64_t{1} << 63));
    default:
      return element[0];  // uint8, bool
  }
}

bool CanCombine(DataType dtype) {
  return dtype != DT_BOOL && dtype != DT_HALF && dtype != DT_BFLOAT16;
}

void Combine(Combination how, DataType dtype, uint8_t *dst, const uint8_t *src, int64_t n) {
  if (how == Combination::kNone) {
    std::memcpy(dst, src, static_cast<size_t>(n) * DataTypeSize(dtype));
    return;
  }
  switch (dtype) {
    case DT_FLOAT:
      return CombineTyped<float>(how, dst, src, n);
    case DT_DOUBLE:
      return CombineTyped<double>(how, dst, src, n);
    case DT_UINT8:
    case DT_UINT16:
    case DT_UINT32:
    case DT_UINT64:
      return CombineIntegers<uint64_t>(how, dtype, dst, src, n);
    default:
      return CombineIntegers<int64_t>(how, dtype, dst, src, n);
  }
}

IndexTuples::IndexTuples(const Tensor &indices, const Shape &shape, int first,
                         int64_t element_bytes)
    : indices_(indices), length_(static_cast<int>(indices.shape.dim(-1))) {
  const int last = first + length_;
  block_ = shape.elements(last, shape.rank()) * element_bytes;
  count_ = indices.shape.elements(0, indices.shape.rank() - 1);
  const Strides strides = ByteStrides(shape, element_bytes);
  for (int i = 0; i < length_; ++i) {
    dims_[i] = shape[first + i];
    strides_[i] = strides[first + i];
  }
}

int64_t IndexTuples::Offset(int64_t t, int64_t *place, int64_t *bound) const {
  int64_t offset = 0;
  for (int i = 0; i < length_; ++i) {
    const int64_t index = IndexAt(indices_, t * length_ + i);
    if (index < -dims_[i] || index >= dims_[i]) {
      *place = t * length_ + i;
      *bound = dims_[i];
      return -1;
    }
    offset += (index < 0 ? index + dims_[i] : index) * strides_[i];
  }
  return offset;
}

AxisRows::AxisRows(const Shape &shape, const Shape &indices, int axis) {
  const int rank = shape.rank();
  const Strides strides = ByteStrides(shape, 1);
  outer_ = rank - 1;
  length_ = indices[outer_];
  dim_ = shape[axis];
  stride_ = strides[axis];
  is_last_ = axis == outer_;
  for (int i = 0; i < outer_; ++i) {
    count_ *= indices[i];
    sizes_[i] = indices[i];
    strides_[i] = i == axis ? 0 : strides[i];
  }
}

int64_t AxisRows::Base(int64_t row) const {
  int64_t base = 0;
  for (int i = outer_ - 1; i >= 0; --i) {
    base += row % sizes_[i] * strides_[i];
    row /= sizes_[i];
  }
  return base;
}

}  // namespace ops
}  // namespace mace
