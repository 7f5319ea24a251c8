// SPDX-License-Identifier: Apache-2.0
// Dequantize: (input - zero point) * scale as float32.
#include "mace/ops/attrs/dequantize.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "mace/ops/broadcast_rows.h"
#include "mace/ops/data_movement.h"
#include "mace/ops/quantize_scales.h"
#include "mace/ops/wide.h"

namespace mace {
namespace ops {

class DequantizeOp : public ShapedOperation {
 public:
  explicit DequantizeOp(OpConstructContext *context) : ShapedOperation(context) {}

  MaceStatus InferType(const std::vector<DataType> &inputs,
                       std::vector<DataType> *outputs) override {
    MACE_RETURN_IF_ERROR(ParseAttrs(&attrs_));
    if (inputs[1] != DT_FLOAT) return Invalid("scale must be float32");
    if (inputs.size() > 2 && inputs[2] != DT_INVALID && inputs[2] != inputs[0]) {
      return Invalid("the zero point is ", DataTypeName(inputs[2]), ", but the input is ",
                     DataTypeName(inputs[0]));
    }
    (*outputs)[0] = DT_FLOAT;
    return MaceStatus();
  }

  MaceStatus InferShape(OpShapeContext *context) override {
    QuantizeScales scales;
    MACE_RETURN_IF_ERROR(Scales(context->Input(0).shape, context->Input(1).shape, &scales));
    if (context->HasInput(2) &&
        context->Input(2).shape.elements() != context->Input(1).shape.elements()) {
      return Invalid("the zero point must have as many elements as the scale of shape ",
                     context->Input(1).shape.ToString(), ", not ",
                     context->Input(2).shape.ToString());
    }
    context->SetOutputShape(0, context->Input(0).shape);
    return MaceStatus();
  }

  MaceStatus Run(OpContext *context) override {
    QuantizeScales scales;
    const Tensor &input = *context->input(0);
    MACE_RETURN_IF_ERROR(Scales(input.shape, context->input(1)->shape, &scales));
    const float *scale = context->input(1)->data<float>();
    const Tensor *zero_point = context->input_count() > 2 ? context->input(2) : nullptr;
    float *out = context->output(0)->mutable_data<float>();
    context->thread_pool()->ParallelFor(
        input.elements(), kElementGrain, [&](int64_t begin, int64_t end, int) {
          int64_t zeros[kWideBlock] = {}, row[kWideBlock];
          while (begin < end) {
            int64_t first = 0, step = 0;
            const int64_t n = scales.Row(begin, std::min(end - begin, kWideBlock), &first, &step);
            if (zero_point != nullptr) {
              Widen(input.dtype, ElementAt(zero_point->raw, input.dtype, first), 1,
                    step == 0 ? 1 : n, zeros);
            }
            Widen(input.dtype, ElementAt(input.raw, input.dtype, begin), 1, n, row);
            for (int64_t i = 0; i < n; ++i) {
              out[begin + i] =
                  static_cast<float>(row[i] - zeros[i * step]) * scale[first + i * step];
            }
            begin += n;
          }
        });
    return MaceStatus();
  }

 private:
  MaceStatus Scales(const Shape &input, const Shape &scale, QuantizeScales *scales) const {
    int axis = 0;
    if (scale.elements() != 1 || attrs_.block_size > 0) {
      MACE_RETURN_IF_ERROR(CheckAxis(attrs_.axis, input.rank(), &axis));
    }
    if (scales->Make(input, scale, axis, attrs_.block_size)) return MaceStatus();
    return Invalid("the scale of shape ", scale.ToString(), " does not fit axis ", axis,
                   " of the input of shape ", input.ToString());
  }

  DequantizeAttrs attrs_;
};

void RegisterDequantize(OpRegistryBase *op_registry) {
  RegisterForTypes<DequantizeOp>(op_registry, "Dequantize",
                                 {DT_UINT8, DT_INT8, DT_INT16, DT_UINT16, DT_INT32});
}

}  // namespace ops
}  // namespace mace
