// SPDX-License-Identifier: Apache-2.0
// Cast: converts the element type. Floats become integers by truncation toward zero; what is beyond
// the type's bounds becomes the bound, and NaN becomes 0. Integers wrap around in smaller ones.
#include "mace/ops/attrs/cast.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "mace/kernels/half/half_conv.h"
#include "mace/ops/broadcast_rows.h"
#include "mace/ops/data_movement.h"
#include "mace/ops/wide.h"

namespace mace {
namespace ops {

class CastOp : public Operation {
 public:
  explicit CastOp(OpConstructContext *context) : Operation(context) {}

  MaceStatus InferType(const std::vector<DataType> &inputs,
                       std::vector<DataType> *outputs) override {
    CastAttrs attrs;
    MACE_RETURN_IF_ERROR(ParseAttrs(&attrs));
    from_ = inputs[0];
    to_ = attrs.output_type;
    if (to_ == DT_INVALID) return Invalid("output_type is no element type");
    if (attrs.reinterpret && DataTypeSize(from_) != DataTypeSize(to_)) {
      return Invalid("the bits of ", DataTypeName(from_), " are not those of ", DataTypeName(to_));
    }
    if (attrs.reinterpret && to_ == DT_BOOL) {
      return NotSupported("bits taken for bool, which has but two values");
    }
    moves_ = from_ == to_ || attrs.reinterpret;
    (*outputs)[0] = to_;
    return MaceStatus();
  }

  MaceStatus Plan(OpPlanContext *context) override {
    if (moves_) {
      context->AliasOutput(0, 0);
    } else if (DataTypeSize(from_) == DataTypeSize(to_)) {
      context->AllowInPlace(0, 0);
    }
    return MaceStatus();
  }

  MaceStatus Run(OpContext *context) override {
    if (moves_) {
      CopyTensor(context->thread_pool(), *context->input(0), context->output(0));
      return MaceStatus();
    }
    const void *in = context->input(0)->raw;
    void *out = context->output(0)->raw;
    context->thread_pool()->ParallelFor(
        context->output(0)->elements(), kElementGrain,
        [&](int64_t begin, int64_t end, int) { Convert(in, out, begin, end); });
    return MaceStatus();
  }

 private:
  void Convert(const void *in, void *out, int64_t begin, int64_t end) const {
    const kernels::HalfConvertKernel &half = kernels::BestHalfConvert();
    if (from_ == DT_FLOAT && to_ == DT_HALF) {
      return half.to(static_cast<const float *>(in) + begin, end - begin,
                     static_cast<uint16_t *>(out) + begin);
    }
    if (from_ == DT_HALF && to_ == DT_FLOAT) {
      return half.from(static_cast<const uint16_t *>(in) + begin, end - begin,
                       static_cast<float *>(out) + begin);
    }
    int64_t integers[kWideBlock];
    double floats[kWideBlock];
    for (; begin < end; begin += kWideBlock) {
      const int64_t n = std::min(end - begin, kWideBlock);
      const void *from = ElementAt(in, from_, begin);
      void *to = ElementAt(out, to_, begin);
      if (IsFloatType(from_)) {
        Widen(from_, from, 1, n, floats);
        Narrow(to_, floats, n, to);
      } else {
        Widen(from_, from, 1, n, integers);
        Narrow(to_, integers, IsUnsigned64(from_), n, to);
      }
    }
  }

  DataType from_ = DT_INVALID;
  DataType to_ = DT_INVALID;
  bool moves_ = false;  // the bits stay
};

void RegisterCast(OpRegistryBase *op_registry) {
  RegisterForTypes<CastOp>(op_registry, "Cast", kAllTypes);
}

}  // namespace ops
}  // namespace mace
