// SPDX-License-Identifier: Apache-2.0
// Activation: a function of each element; PRELU takes its slopes from a second input.
#include "mace/ops/attrs/activation.h"

#include <memory>

#include "mace/core/op_registry.h"
#include "mace/core/operator.h"
#include "mace/kernels/eltwise/eltwise.h"
#include "mace/ops/activation_params.h"
#include "mace/ops/broadcast_rows.h"
#include "mace/runtimes/cpu/thread_pool.h"

namespace mace {
namespace ops {

class ActivationOp : public Operation {
 public:
  explicit ActivationOp(OpConstructContext *context) : Operation(context) {}

  MaceStatus Init(OpInitContext *context) override {
    ActivationAttrs attrs;
    MACE_RETURN_IF_ERROR(ParseAttrs(&attrs));
    params_ = MakeActivationParams(attrs);
    const char *problem = ActivationProblem(params_);
    if (problem != nullptr) return Invalid(problem);
    const DataType slope = context->InputType(1);
    if (IsPrelu() && slope == DT_INVALID) {
      return Invalid("PRELU needs a second input, the slope of each channel");
    }
    if (!IsPrelu() && slope != DT_INVALID) {
      return Invalid("only PRELU takes a second input");
    }
    if (IsPrelu() && slope != DT_FLOAT) {
      return Invalid("the slope must be float32, not ", DataTypeName(slope));
    }
    return MaceStatus();
  }

  MaceStatus InferShape(OpShapeContext *context) override {
    const Shape &input = context->Input(0).shape;
    context->SetOutputShape(0, input);
    if (!IsPrelu()) return MaceStatus();
    const Shape &slope = context->Input(1).shape;
    Shape both;
    if (!kernels::BroadcastShapes(input, slope, &both) || both != input) {
      return Invalid("the slope of shape ", slope.ToString(), " does not fit the input of shape ",
                     input.ToString(), "; it needs one number, or one for each channel");
    }
    return MaceStatus();
  }

  MaceStatus Plan(OpPlanContext *context) override {
    context->AllowInPlace(0, 0);
    if (!IsPrelu()) return MaceStatus();
    auto rows = std::make_unique<BroadcastRows>(context->OutputShape(0), context->Input(0).shape,
                                                context->Input(1).shape);
    context->RequestScratch(rows->scratch_bytes(sizeof(float)));
    context->SetState(std::move(rows));
    return MaceStatus();
  }

  MaceStatus Run(OpContext *context) override {
    const kernels::EltwiseFunctions &kernel = kernels::Eltwise();
    const float *in = context->input(0)->data<float>();
    float *out = context->output(0)->mutable_data<float>();
    if (IsPrelu()) {
      static_cast<BroadcastRows *>(context->state())
          ->Run(context->thread_pool(), in, context->input(1)->data<float>(), sizeof(float),
                context->scratch(),
                [&](kernels::RowStep step, const float *x, const float *slope, int64_t first,
                    int64_t n) { kernel.prelu(step, x, slope, out + first, n); });
      return MaceStatus();
    }
    context->thread_pool()->ParallelFor(
        context->output(0)->elements(), kElementGrain, [&](int64_t begin, int64_t end, int) {
          kernel.activate(params_, in + begin, out + begin, end - begin);
        });
    return MaceStatus();
  }

 private:
  bool IsPrelu() const { return params_.kind == kernels::kActivationPrelu; }

  kernels::ActivationParams params_;
};

void RegisterActivation(OpRegistryBase *op_registry) {
  MACE_REGISTER_OP_CLASS(op_registry, "Activation", ActivationOp, DeviceType::CPU, DT_FLOAT);
}

}  // namespace ops
}  // namespace mace
