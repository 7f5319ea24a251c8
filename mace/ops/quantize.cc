// SPDX-License-Identifier: Apache-2.0
// Quantize: round(input / scale) + zero point as an integer, half to even; what is beyond the type
// becomes its bound.
#include "mace/ops/attrs/quantize.h"

#include <cmath>

#include "mace/ops/quantize_scales.h"

namespace mace {
namespace ops {

class QuantizeOp : public ScaledOperation {
 public:
  using ScaledOperation::ScaledOperation;

  MaceStatus InferType(const std::vector<DataType> &inputs,
                       std::vector<DataType> *outputs) override {
    QuantizeAttrs attrs;
    MACE_RETURN_IF_ERROR(ParseAttrs(&attrs));
    axis_ = attrs.axis;
    block_size_ = attrs.block_size;
    const DataType to = attrs.output_type;
    if (IsFloatType(to) || to == DT_BOOL || DataTypeSize(to) == 0 || DataTypeSize(to) > 4) {
      return Invalid("output_type must be an integer of at most 32 bits, not ", DataTypeName(to));
    }
    (*outputs)[0] = to;
    return CheckScaleTypes(inputs, to, "output_type");
  }

  MaceStatus Run(OpContext *context) override {
    const float *in = context->input(0)->data<float>();
    void *out = context->output(0)->raw;
    const DataType to = context->output(0)->dtype;
    return ForRows(
        context, to,
        [&](int64_t first, int64_t n, const float *scale, const int64_t *zeros, int64_t step) {
          double row[kWideBlock];
          for (int64_t i = 0; i < n; ++i) {
            const float quotient = in[first + i] / scale[i * step];
            row[i] = static_cast<double>(std::nearbyint(quotient)) +
                     static_cast<double>(zeros[i * step]);
          }
          Narrow(to, row, n, ElementAt(out, to, first));
        });
  }
};

void RegisterQuantize(OpRegistryBase *op_registry) {
  MACE_REGISTER_OP_CLASS(op_registry, "Quantize", QuantizeOp, DeviceType::CPU, DT_FLOAT);
}

}  // namespace ops
}  // namespace mace
