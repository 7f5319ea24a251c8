// SPDX-License-Identifier: Apache-2.0
// What Quantize and Dequantize share, and first of all which scale and zero point belong to an
// element: one for all, one for each index of an axis, or one for each block of neighbours along an
// axis (ONNX QuantizeLinear).
#ifndef MACE_OPS_QUANTIZE_SCALES_H_
#define MACE_OPS_QUANTIZE_SCALES_H_

#include <algorithm>
#include <cstdint>
#include <vector>

#include "mace/ops/broadcast_rows.h"
#include "mace/ops/data_movement.h"
#include "mace/ops/wide.h"

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

// An operator whose inputs are the elements, their scales and, if it is there, their zero points.
class ScaledOperation : public ShapedOperation {
 public:
  using ShapedOperation::ShapedOperation;

  MaceStatus InferShape(OpShapeContext *context) override {
    QuantizeScales scales;
    MACE_RETURN_IF_ERROR(MakeScales(context->Input(0).shape, context->Input(1).shape, &scales));
    if (context->HasInput(2) &&
        context->Input(2).shape.elements() != context->Input(1).shape.elements()) {
      return Invalid("the zero point must have as many elements as the scale of shape ",
                     context->Input(1).shape.ToString(), ", not ",
                     context->Input(2).shape.ToString());
    }
    context->SetOutputShape(0, context->Input(0).shape);
    return MaceStatus();
  }

 protected:
  // The zero points are of the type `integers`, as is what is called `what`.
  MaceStatus CheckScaleTypes(const std::vector<DataType> &inputs, DataType integers,
                             const char *what) const {
    if (inputs[1] != DT_FLOAT) return Invalid("scale must be float32");
    if (inputs.size() > 2 && inputs[2] != DT_INVALID && inputs[2] != integers) {
      return Invalid("the zero point is ", DataTypeName(inputs[2]), ", but ", what, " is ",
                     DataTypeName(integers));
    }
    return MaceStatus();
  }

  // Calls row(first, n, scale, zeros, step) for pieces of at most kWideBlock elements, on all
  // threads: the scale and zero point of element first + i are scale[i * step], zeros[i * step].
  template <typename Row>
  MaceStatus ForRows(OpContext *context, DataType integers, const Row &row) const {
    QuantizeScales scales;
    const Tensor &input = *context->input(0);
    MACE_RETURN_IF_ERROR(MakeScales(input.shape, context->input(1)->shape, &scales));
    const float *scale = context->input(1)->data<float>();
    const Tensor *zero_point = context->input_count() > 2 ? context->input(2) : nullptr;
    context->thread_pool()->ParallelFor(
        input.elements(), kElementGrain, [&](int64_t begin, int64_t end, int) {
          int64_t zeros[kWideBlock] = {};
          while (begin < end) {
            int64_t first = 0, step = 0;
            const int64_t n = scales.Row(begin, std::min(end - begin, kWideBlock), &first, &step);
            if (zero_point != nullptr) {
              Widen(integers, ElementAt(zero_point->raw, integers, first), 1, step == 0 ? 1 : n,
                    zeros);
            }
            row(begin, n, scale + first, zeros, step);
            begin += n;
          }
        });
    return MaceStatus();
  }

  // Attributes; set by InferType.
  int64_t axis_ = 0;
  int64_t block_size_ = 0;

 private:
  MaceStatus MakeScales(const Shape &input, const Shape &scale, QuantizeScales *scales) const {
    int axis = 0;
    if (scale.elements() != 1 || block_size_ > 0) {
      MACE_RETURN_IF_ERROR(CheckAxis(axis_, input.rank(), &axis));
    }
    if (scales->Make(input, scale, axis, block_size_)) return MaceStatus();
    return Invalid("the scale of shape ", scale.ToString(), " does not fit axis ", axis,
                   " of the input of shape ", input.ToString());
  }
};

}  // namespace ops
}  // namespace mace

#endif  // MACE_OPS_QUANTIZE_SCALES_H_
