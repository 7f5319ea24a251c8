// SPDX-License-Identifier: Apache-2.0
// What the operators that index and sort share: reading integer tensors of either type, comparing
// and combining elements whose type is known at run time only. One function for all types instead
// of one for each: these operators are bound by memory, and the library's size counts.
#ifndef MACE_OPS_INDEXING_H_
#define MACE_OPS_INDEXING_H_

#include <cstdint>
#include <vector>

#include "mace/ops/data_movement.h"

namespace mace {
namespace ops {

// Element i of an int32 or int64 tensor.
inline int64_t IndexAt(const Tensor &indices, int64_t i) {
  return indices.dtype == DT_INT32 ? indices.data<int32_t>()[i] : indices.data<int64_t>()[i];
}

// Where the first index lies that is outside of [-dim, dim), -1 when all are inside.
int64_t FirstOutside(const Tensor &indices, int64_t dim);

// An operator whose input 1 has indices into input 0.
class IndexOperation : public ShapedOperation {
 public:
  using ShapedOperation::ShapedOperation;

  MaceStatus InferType(const std::vector<DataType> &inputs,
                       std::vector<DataType> *outputs) override;

 protected:
  // An error that names the first index outside of the dimension that it indexes.
  MaceStatus CheckIndices(const Tensor &indices, const Shape &shape, int axis) const;
  // The error for the index at `place`, which `bound` limits, in tuples that index `shape`.
  MaceStatus Outside(const Tensor &indices, int64_t place, int64_t bound, const Shape &shape) const;
};

// What SortKey orders.
constexpr std::initializer_list<DataType> kSortableTypes = {
    DT_FLOAT, DT_DOUBLE, DT_INT32,  DT_INT64,  DT_UINT8, DT_INT8,
    DT_BOOL,  DT_INT16,  DT_UINT16, DT_UINT32, DT_UINT64};

// A number that orders elements of one type as their values are ordered. Zeros of either sign are
// equal, all that is not a number is equal and above everything.
int64_t SortKey(DataType dtype, const uint8_t *element);

enum class Combination : int32_t { kNone, kAdd, kMul, kMin, kMax };

// dst[i] = dst[i] (combined with) src[i] for n elements; they do not overlap. kNone copies.
// Integers wrap around; kMin and kMax keep what is not a number. Other than kNone needs a type that
// CanCombine.
bool CanCombine(DataType dtype);
void Combine(Combination how, DataType dtype, uint8_t *dst, const uint8_t *src, int64_t n);

// An operator that puts input 2 into a copy of input 0.
class ScatterOperation : public IndexOperation {
 public:
  using IndexOperation::IndexOperation;

  MaceStatus InferType(const std::vector<DataType> &inputs,
                       std::vector<DataType> *outputs) override;
  MaceStatus Plan(OpPlanContext *context) override;

 protected:
  // An error when elements of that type cannot be combined so.
  MaceStatus CheckCombination(Combination how, DataType dtype) const;
};

// Tuples of indices into the leading dimensions of a tensor (GatherND and ScatterND).
class IndexTuples {
 public:
  // Tuple t names dimensions [first, first + length) of `shape`; `block` is the size in bytes of
  // what a whole tuple names.
  IndexTuples(const Tensor &indices, const Shape &shape, int first, int64_t element_bytes);

  int64_t count() const { return count_; }
  int64_t block() const { return block_; }
  // Position in bytes of what tuple t names; -1 when an index is outside, then its place among all
  // indices and the bound in *place and *bound.
  int64_t Offset(int64_t t, int64_t *place, int64_t *bound) const;

 private:
  const Tensor &indices_;
  int length_;
  int64_t count_ = 0;
  int64_t block_ = 0;
  int64_t dims_[kMaxRank] = {};
  int64_t strides_[kMaxRank] = {};
};

// Rows along the last dimension of the indices of GatherElements and ScatterElements, in the
// tensor that they index along an axis. The shapes have one rank, at least 1.
class AxisRows {
 public:
  AxisRows(const Shape &shape, const Shape &indices, int axis);

  int64_t count() const { return count_; }
  int64_t length() const { return length_; }
  // Number of the element of the tensor that index 0 in the first place of a row names.
  int64_t Base(int64_t row) const;
  // What element i of the row adds to it when its index is `index`, which counts from either end.
  int64_t Step(int64_t i, int64_t index) const {
    return (is_last_ ? 0 : i) + (index < 0 ? index + dim_ : index) * stride_;
  }

 private:
  int64_t count_ = 1;
  int64_t length_ = 1;
  int64_t dim_ = 0;
  int64_t stride_ = 1;
  bool is_last_ = false;
  int outer_ = 0;
  int64_t sizes_[kMaxRank] = {};
  int64_t strides_[kMaxRank] = {};
};

}  // namespace ops
}  // namespace mace

#endif  // MACE_OPS_INDEXING_H_
