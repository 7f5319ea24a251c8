// SPDX-License-Identifier: Apache-2.0
// input * weight^T + bias. With one row of input it is bound by reading the weights, which threads
// share out; they are packed so that each is read once, in order.
#include "mace/ops/attrs/fully_connected.h"

#include <memory>

#include "mace/ops/activation_params.h"
#include "mace/ops/matrix_product.h"
#include "mace/ops/product_kernel.h"
#include "mace/ops/window.h"
#include "mace/runtimes/cpu/thread_pool.h"

namespace mace {
namespace ops {

class FullyConnectedOp : public WindowOperation {
 public:
  using WindowOperation::WindowOperation;

  MaceStatus InferType(const std::vector<DataType> &inputs,
                       std::vector<DataType> *outputs) override {
    MACE_RETURN_IF_ERROR(CheckFloatInputs(inputs, 3));
    return WindowOperation::InferType(inputs, outputs);
  }

  MaceStatus Init(OpInitContext *context) override {
    MACE_RETURN_IF_ERROR(ParseAttrs(&attrs_));
    MACE_RETURN_IF_ERROR(FuseInto(attrs_, &epilogue_));
    has_bias_ = context->InputType(2) != DT_INVALID;
    return PackConstWeight(context);
  }

  MaceStatus InferShape(OpShapeContext *context) override {
    const Shape &input = context->Input(0).shape, &weight = context->Input(1).shape;
    MACE_RETURN_IF_ERROR(CheckWeight(weight));
    if (has_bias_) MACE_RETURN_IF_ERROR(CheckBias(context->Input(2).shape, weight));
    int axis = 0;
    MACE_RETURN_IF_ERROR(CheckAxis(attrs_.axis, input.rank(), &axis));
    const int64_t depth = input.elements(axis, input.rank());
    if (depth != weight.elements(1, weight.rank())) {
      return Invalid("input ", input.ToString(), " has ", depth, " elements from axis ", axis,
                     " on, but weight ", weight.ToString(), " takes ",
                     weight.elements(1, weight.rank()));
    }
    std::vector<int64_t> dims(input.begin(), input.begin() + axis);
    dims.push_back(weight[0]);
    return SetOutput(context, 0, dims);
  }

  MaceStatus Plan(OpPlanContext *context) override {
    const Shape &weight = context->Input(1).shape, &out = context->OutputShape(0);
    if (out.elements() == 0) return MaceStatus::MACE_SUCCESS;
    const int64_t n = weight[0], k = weight.elements(1, weight.rank());
    auto state = std::make_unique<State>();
    state->plan =
        PlanProduct(out.elements() / n, k, n, context->thread_pool()->num_threads(), *gemm_);
    state->packed_scratch_floats =
        weight_is_packed_ ? 0 : (state->plan.packed_floats + 15) / 16 * 16;
    state->thread_scratch_floats = ProductScratchFloats(state->plan);
    const int64_t floats = state->packed_scratch_floats +
                           state->thread_scratch_floats * context->thread_pool()->num_threads();
    if (floats > 0) context->RequestScratch(static_cast<size_t>(floats) * sizeof(float));
    context->SetState(std::move(state));
    return MaceStatus::MACE_SUCCESS;
  }

  MaceStatus Run(OpContext *context) override {
    const State *state = static_cast<const State *>(context->state());
    if (state == nullptr) return MaceStatus::MACE_SUCCESS;
    float *scratch = static_cast<float *>(context->scratch());
    const float *packed = packed_.as<float>();
    if (!weight_is_packed_) {
      const Tensor &weight = *context->input(1);
      const Tensor *bias = context->input_count() > 2 ? context->input(2) : nullptr;
      Pack(weight, bias, scratch);
      packed = scratch;
      scratch += state->packed_scratch_floats;
    }
    const float *input = context->input(0)->data<float>();
    float *output = context->output(0)->mutable_data<float>();
    context->thread_pool()->ParallelFor(
        state->plan.tiles, 1, [=](int64_t begin, int64_t end, int thread) {
          float *own = state->thread_scratch_floats == 0
                           ? nullptr
                           : scratch + thread * state->thread_scratch_floats;
          for (int64_t tile = begin; tile < end; ++tile) {
            kernels::RunConvTile(state->plan, epilogue_, input, packed, output, tile, own);
          }
        });
    return MaceStatus::MACE_SUCCESS;
  }

  int64_t Macs(const OpShapeContext &context) const override {
    const Shape &weight = context.Input(1).shape;
    return context.OutputShape(0).elements() * weight.elements(1, weight.rank());
  }

 private:
  struct State : OpState {
    kernels::ConvPlan plan;
    int64_t packed_scratch_floats = 0;  // before the threads' scratch; 0 if weights are constant
    int64_t thread_scratch_floats = 0;
  };

  void Pack(const Tensor &weight, const Tensor *bias, float *packed) const {
    const int64_t n = weight.shape[0], k = weight.shape.elements(1, weight.shape.rank());
    PackProduct(k, n, weight.data<float>(), 1, k, bias == nullptr ? nullptr : bias->data<float>(),
                packed, *gemm_);
  }

  MaceStatus PackConstWeight(OpInitContext *context) {
    const Tensor *weight = context->ConstInput(1);
    const Tensor *bias = context->ConstInput(2);
    if (weight == nullptr || (has_bias_ && bias == nullptr)) return MaceStatus::MACE_SUCCESS;
    MACE_RETURN_IF_ERROR(CheckWeight(weight->shape));
    if (has_bias_) MACE_RETURN_IF_ERROR(CheckBias(bias->shape, weight->shape));
    if (context->shape_only()) return MaceStatus::MACE_SUCCESS;
    const int64_t k = weight->shape.elements(1, weight->shape.rank());
    gemm_ = &ProductKernel(*context, weight->shape[0]);
    const size_t bytes =
        static_cast<size_t>(PackedProductFloats(k, weight->shape[0], *gemm_)) * sizeof(float);
    MACE_RETURN_IF_ERROR(context->Pack(gemm_->name, bytes, &packed_, [&](void *packed) {
      Pack(*weight, has_bias_ ? bias : nullptr, static_cast<float *>(packed));
    }));
    weight_is_packed_ = true;
    context->ReleaseConstInput(1);
    if (has_bias_) context->ReleaseConstInput(2);
    return MaceStatus::MACE_SUCCESS;
  }

  MaceStatus CheckWeight(const Shape &weight) const {
    if (weight.rank() < 2 || weight.elements() == 0) {
      return Invalid("weight has shape ", weight.ToString(),
                     "; it must be [outputs, inputs] and not empty");
    }
    return MaceStatus::MACE_SUCCESS;
  }

  MaceStatus CheckBias(const Shape &bias, const Shape &weight) const {
    if (bias.elements() == weight[0]) return MaceStatus::MACE_SUCCESS;
    return Invalid("bias has shape ", bias.ToString(), ", but weight ", weight.ToString(), " has ",
                   weight[0], " outputs");
  }

  FullyConnectedAttrs attrs_;
  kernels::ConvEpilogue epilogue_;
  bool has_bias_ = false;
  bool weight_is_packed_ = false;
  const kernels::GemmKernel *gemm_ = &kernels::BestGemm();
  AlignedBuffer packed_;
};

void RegisterFullyConnected(OpRegistryBase *op_registry) {
  MACE_REGISTER_OP_CLASS(op_registry, "FullyConnected", FullyConnectedOp, DeviceType::CPU,
                         DT_FLOAT);
}

}  // namespace ops
}  // namespace mace
