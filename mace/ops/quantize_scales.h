// SPDX-License-Identifier: Apache-2.0
// Which scale and zero point belong to an element: one for all, one for each index of an axis, or
// one for each block of neighbours along an axis (ONNX QuantizeLinear).
#ifndef MACE_OPS_QUANTIZE_SCALES_H_
#define MACE_OPS_QUANTIZE_SCALES_H_

#include <algorithm>
#include <cstdint>

#include "mace/base/types.h"

namespace mace {
namespace ops {

class QuantizeScales {
 public:
  // False when a scale of that shape does not fit the input; axis is inside.
  bool Make(const Shape &input, const Shape &scale, int axis, int64_t block) {
    axis_size_ = axis < input.rank() ? input[axis] : 1;
    inner_ = axis < input.rank() ? input.elements(axis + 1, input.rank()) : 1;
    block_ = block;
    if (block > 0) {
      if (scale.rank() != input.rank() || input.rank() == 0) return false;
      for (int i = 0; i < input.rank(); ++i) {
        if (scale[i] != (i == axis ? (input[i] + block - 1) / block : input[i])) return false;
      }
      blocks_ = scale[axis];
      return true;
    }
    per_tensor_ = scale.elements() == 1;
    return per_tensor_ || (scale.rank() == 1 && scale[0] == axis_size_);
  }

  // Elements from `first` on, at most `longest`, whose scales are `*step` (0 or 1) apart from
  // `*scale` on.
  int64_t Row(int64_t first, int64_t longest, int64_t *scale, int64_t *step) const {
    *scale = *step = 0;
    if (per_tensor_) return longest;
    const int64_t column = first % inner_, row = first / inner_;
    const int64_t place = row % axis_size_, outer = row / axis_size_;
    if (block_ > 0) {
      *scale = (outer * blocks_ + place / block_) * inner_ + column;
      *step = inner_ > 1 ? 1 : 0;
      const int64_t rest = std::min(block_ - place % block_, axis_size_ - place);
      return std::min(longest, inner_ > 1 ? inner_ - column : rest);
    }
    *scale = place;
    *step = inner_ > 1 ? 0 : 1;
    return std::min(longest, inner_ > 1 ? inner_ - column : axis_size_ - place);
  }

 private:
  int64_t axis_size_ = 1;
  int64_t inner_ = 1;
  int64_t block_ = 0;
  int64_t blocks_ = 1;
  bool per_tensor_ = false;
};

}  // namespace ops
}  // namespace mace

#endif  // MACE_OPS_QUANTIZE_SCALES_H_
