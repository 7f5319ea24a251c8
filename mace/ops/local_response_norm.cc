// SPDX-License-Identifier: Apache-2.0
// LocalResponseNorm: divides by a power of the sum of squares over neighbouring channels.
#include <algorithm>
#include <cstdint>

#include "mace/kernels/norm/norm.h"
#include "mace/ops/attrs/local_response_norm.h"
#include "mace/ops/broadcast_rows.h"
#include "mace/ops/data_movement.h"

namespace mace {
namespace ops {

class LocalResponseNormOp : public ShapedOperation {
 public:
  explicit LocalResponseNormOp(OpConstructContext *context) : ShapedOperation(context) {}

  MaceStatus Init(OpInitContext *) override { return ParseAttrs(&attrs_); }

  MaceStatus InferShape(OpShapeContext *context) override {
    const Shape &input = context->Input(0).shape;
    if (input.rank() == 0) return Invalid("the input is a scalar, it has no channels");
    context->SetOutputShape(0, input);
    return MaceStatus();
  }

  MaceStatus Plan(OpPlanContext *context) override {
    context->AllowInPlace(0, 0);
    const int64_t threads = context->thread_pool()->num_threads();
    context->RequestScratch(static_cast<size_t>(threads * Margined(context->Input(0).shape)) *
                            sizeof(float));
    return MaceStatus();
  }

  MaceStatus Run(OpContext *context) override {
    const Shape &shape = context->input(0)->shape;
    const int64_t channels = shape.dim(-1), margined = Margined(shape);
    if (channels == 0) return MaceStatus();
    const kernels::LocalResponse params = {Radius(shape), attrs_.bias, attrs_.alpha, attrs_.beta};
    const kernels::NormFunctions &kernel = kernels::Norm();
    const float *in = context->input(0)->data<float>();
    float *out = context->output(0)->mutable_data<float>();
    float *scratch = static_cast<float *>(context->scratch());
    const int64_t grain = std::max<int64_t>(1, kElementGrain / channels);
    context->thread_pool()->ParallelFor(
        shape.elements() / channels, grain, [&](int64_t begin, int64_t end, int thread) {
          for (int64_t i = begin * channels; i < end * channels; i += channels) {
            kernel.local_response(params, in + i, channels, scratch + thread * margined, out + i);
          }
        });
    return MaceStatus();
  }

 private:
  // A window that reaches past all channels does not change the sum.
  int64_t Radius(const Shape &shape) const { return std::min(attrs_.depth_radius, shape.dim(-1)); }
  int64_t Margined(const Shape &shape) const { return shape.dim(-1) + 2 * Radius(shape); }

  LocalResponseNormAttrs attrs_;
};

void RegisterLocalResponseNorm(OpRegistryBase *op_registry) {
  MACE_REGISTER_OP_CLASS(op_registry, "LocalResponseNorm", LocalResponseNormOp, DeviceType::CPU,
                         DT_FLOAT);
}

}  // namespace ops
}  // namespace mace
