// SPDX-License-Identifier: Apache-2.0
// Quantize: round(input / scale) + zero point as an integer, half to even; what is beyond the type
// becomes its bound.
#include "mace/ops/attrs/quantize.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "mace/ops/broadcast_rows.h"
#include "mace/ops/data_movement.h"
#include "mace/ops/quantize_scales.h"
#include "mace/ops/wide.h"

namespace mace {
namespace ops {

class QuantizeOp : public ShapedOperation {
 public:
  explicit QuantizeOp(OpConstructContext *context) : ShapedOperation(context) {}

  MaceStatus InferType(const std::vector<DataType> &inputs,
                       std::vector<DataType> *outputs) override {
    MACE_RETURN_IF_ERROR(ParseAttrs(&attrs_));
    const DataType to = attrs_.output_type;
    if (IsFloatType(to) || to == DT_BOOL || DataTypeSize(to) == 0 || DataTypeSize(to) > 4) {
      return Invalid("output_type must be an integer of at most 32 bits, not ", DataTypeName(to));
    }
    if (inputs[1] != DT_FLOAT) return Invalid("scale must be float32");
    if (inputs.size() > 2 && inputs[2] != DT_INVALID && inputs[2] != to) {
      return Invalid("the zero point is ", DataTypeName(inputs[2]), ", but output_type is ",
                     DataTypeName(to));
    }
    (*outputs)[0] = to;
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
    MACE_RETURN_IF_ERROR(Scales(context->input(0)->shape, context->input(1)->shape, &scales));
    const float *in = context->input(0)->data<float>(), *scale = context->input(1)->data<float>();
    const Tensor *zero_point = context->input_count() > 2 ? context->input(2) : nullptr;
    void *out = context->output(0)->raw;
    const DataType to = attrs_.output_type;
    context->thread_pool()->ParallelFor(
        context->output(0)->elements(), kElementGrain, [&](int64_t begin, int64_t end, int) {
          int64_t zeros[kWideBlock] = {};
          double row[kWideBlock];
          while (begin < end) {
            int64_t first = 0, step = 0;
            const int64_t n = scales.Row(begin, std::min(end - begin, kWideBlock), &first, &step);
            if (zero_point != nullptr) {
              Widen(to, ElementAt(zero_point->raw, to, first), 1, step == 0 ? 1 : n, zeros);
            }
            for (int64_t i = 0; i < n; ++i) {
              const float quotient = in[begin + i] / scale[first + i * step];
              row[i] = static_cast<double>(std::nearbyint(quotient)) +
                       static_cast<double>(zeros[i * step]);
            }
            Narrow(to, row, n, ElementAt(out, to, begin));
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

  QuantizeAttrs attrs_;
};

void RegisterQuantize(OpRegistryBase *op_registry) {
  MACE_REGISTER_OP_CLASS(op_registry, "Quantize", QuantizeOp, DeviceType::CPU, DT_FLOAT);
}

}  // namespace ops
}  // namespace mace
