// SPDX-License-Identifier: Apache-2.0
// Dequantize: (input - zero point) * scale as float32.
#include "mace/ops/attrs/dequantize.h"

#include "mace/ops/quantize_scales.h"

namespace mace {
namespace ops {

class DequantizeOp : public ScaledOperation {
 public:
  using ScaledOperation::ScaledOperation;

  MaceStatus InferType(const std::vector<DataType> &inputs,
                       std::vector<DataType> *outputs) override {
    DequantizeAttrs attrs;
    MACE_RETURN_IF_ERROR(ParseAttrs(&attrs));
    axis_ = attrs.axis;
    block_size_ = attrs.block_size;
    (*outputs)[0] = DT_FLOAT;
    return CheckScaleTypes(inputs, inputs[0], "the input");
  }

  MaceStatus Run(OpContext *context) override {
    const Tensor &input = *context->input(0);
    float *out = context->output(0)->mutable_data<float>();
    return ForRows(
        context, input.dtype,
        [&](int64_t first, int64_t n, const float *scale, const int64_t *zeros, int64_t step) {
          int64_t row[kWideBlock];
          Widen(input.dtype, ElementAt(input.raw, input.dtype, first), 1, n, row);
          for (int64_t i = 0; i < n; ++i) {
            out[first + i] = static_cast<float>(row[i] - zeros[i * step]) * scale[i * step];
          }
        });
  }
};

void RegisterDequantize(OpRegistryBase *op_registry) {
  RegisterForTypes<DequantizeOp>(op_registry, "Dequantize",
                                 {DT_UINT8, DT_INT8, DT_INT16, DT_UINT16, DT_INT32});
}

}  // namespace ops
}  // namespace mace
