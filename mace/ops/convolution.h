// SPDX-License-Identifier: Apache-2.0
// What Conv2D and Deconv2D have in common: both are run by kernels/conv, with filters OHWI that are
// packed once if they are constant, and in each run if they are computed.
#ifndef MACE_OPS_CONVOLUTION_H_
#define MACE_OPS_CONVOLUTION_H_

#include <array>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "mace/core/rows.h"
#include "mace/kernels/conv/conv.h"
#include "mace/ops/activation_params.h"
#include "mace/ops/filter_operation.h"
#include "mace/ops/product_kernel.h"
#include "mace/runtimes/cpu/thread_pool.h"

namespace mace {
namespace ops {

// The plan of a convolution, and where its scratch lies.
struct ConvolutionState : OpState {
  kernels::ConvPlan plan;
  int64_t packed_scratch_floats = 0;  // before the threads' scratch; 0 if filters are constant
  int64_t thread_scratch_floats = 0;
  kernels::ConvEpilogue epilogue;
  int residual_input = -1;  // -1: nothing is added
};

kernels::ConvEpilogue MakeEpilogue(const kernels::ActivationParams &activation);

// Runs `state` over all threads. `packed` is null if the filters in input 1 and the bias in input
// 2, unless that is absent, are to be packed in scratch first.
void RunConvolution(const ConvolutionState &state, bool has_bias, const float *packed,
                    OpContext *context);

// Rows of the output of `state`, whose filters are `packed`.
void DescribeRows(const ConvolutionState &state, size_t packed_bytes, RowGeometry *geometry);
void RunConvolutionRows(const ConvolutionState &state, const float *packed, const RowCall &call);

// What a convolution with this epilogue does about `next`, an operator that combines its output
// with another tensor of the same shape: if that is a sum which the epilogue can do, the state is
// made to add input number `input`.
bool AbsorbSum(const OperatorDef &next, int input, ConvolutionState *state);

template <typename Attrs>
class ConvolutionOperation : public FilterOperation {
 public:
  using FilterOperation::FilterOperation;

  MaceStatus InferType(const std::vector<DataType> &inputs,
                       std::vector<DataType> *outputs) override {
    MACE_RETURN_IF_ERROR(CheckFloatInputs(inputs, 3));
    return WindowOperation::InferType(inputs, outputs);
  }

  MaceStatus Run(OpContext *context) override {
    const auto *state = static_cast<const ConvolutionState *>(context->state());
    if (state == nullptr) return MaceStatus::MACE_SUCCESS;
    RunConvolution(*state, has_bias_, filter_is_packed_ ? packed_.as<float>() : nullptr, context);
    return MaceStatus::MACE_SUCCESS;
  }

  bool Absorb(const OperatorDef &next, OpState *state, bool *in_place) const override {
    auto *convolution = static_cast<ConvolutionState *>(state);
    if (convolution == nullptr) return false;
    // A tile adds what lies below it just before it stores, but not where its sums lie there first.
    *in_place = convolution->plan.strassen.gemm == nullptr;
    return AbsorbSum(next, static_cast<int>(this->def().input.size()), convolution);
  }

  bool StrideOutput(int64_t stride, OpState *state) const override {
    auto *convolution = static_cast<ConvolutionState *>(state);
    // The residual would have to lie as the output does.
    if (convolution == nullptr || convolution->residual_input >= 0) return false;
    kernels::MakeStrided(stride, &convolution->plan);
    return true;
  }

 protected:
  MaceStatus InitConvolution(OpInitContext *context) {
    MACE_RETURN_IF_ERROR(ParseAttrs(&attrs_));
    const kernels::ActivationParams activation = MakeActivationParams(attrs_);
    if (const char *problem = ActivationProblem(activation)) return Invalid(problem);
    epilogue_ = MakeEpilogue(activation);
    window_ = MakeWindow(attrs_);
    has_bias_ = context->InputType(2) != DT_INVALID;
    return CheckWindow(window_);
  }

  // Packs a constant filter, with its bias, as plan(filter shape) says, for which gemm_ is chosen.
  template <typename MakePlan>
  MaceStatus PackWith(OpInitContext *context, MakePlan make_plan) {
    return PackConstFilter(context, [&](const Tensor &filter, const Tensor *bias) {
      gemm_ = &ProductKernel(*context, filter.shape[0] / attrs_.group);
      const kernels::ConvPlan plan = make_plan(filter.shape);
      std::string layout =
          plan.winograd.kernel != nullptr ? plan.winograd.kernel->name : plan.gemm->name;
      if (plan.strassen.gemm != nullptr) layout += " of seven parts";
      const size_t bytes = static_cast<size_t>(plan.packed_floats) * sizeof(float);
      return context->Pack(layout.c_str(), bytes, &packed_, [&](void *packed) {
        kernels::PackConv(plan, filter.data<float>(), Elements(bias), static_cast<float *>(packed));
      });
    });
  }

  int64_t OutputChannels(const Shape &filter) const override { return filter[0]; }

  MaceStatus CheckFilter(const Shape &filter) const override {
    MACE_RETURN_IF_ERROR(CheckImage("filter", filter));
    MACE_RETURN_IF_ERROR(CheckFilterSize(filter));
    if (attrs_.group > filter[0] || filter[0] % attrs_.group != 0) {
      return Invalid("filter ", filter.ToString(), " has ", filter[0],
                     " output channels, which cannot be divided into ", attrs_.group, " groups");
    }
    return CheckWindow(WindowOf(filter));
  }

  MaceStatus CheckInputs(const OpShapeContext &context) const {
    const Shape &input = context.Input(0).shape, &filter = context.Input(1).shape;
    MACE_RETURN_IF_ERROR(CheckImage("input", input));
    MACE_RETURN_IF_ERROR(CheckFilter(filter));
    if (has_bias_) MACE_RETURN_IF_ERROR(CheckBias(context.Input(2).shape, filter));
    // CheckFilter has bounded the group.
    if (input[3] != filter[3] * attrs_.group) {
      return Invalid("input ", input.ToString(), " has ", input[3], " channels, but filter ",
                     filter.ToString(), " with ", attrs_.group, " groups takes ",
                     filter[3] * attrs_.group);
    }
    return MaceStatus::MACE_SUCCESS;
  }

  // All that does not depend on the image.
  kernels::ConvShape FilterGeometry(const Shape &filter) const {
    kernels::ConvShape s;
    s.in_c = filter[3] * attrs_.group;
    s.out_c = filter[0];
    s.kernel_h = filter[1];
    s.kernel_w = filter[2];
    s.stride_h = attrs_.strides[0];
    s.stride_w = attrs_.strides[1];
    s.dilation_h = attrs_.dilations[0];
    s.dilation_w = attrs_.dilations[1];
    s.group = attrs_.group;
    return s;
  }

  kernels::ConvShape FullGeometry(const Shape &in, const Shape &filter, const Shape &out,
                                  const std::array<WindowLayout, 2> &layout) const {
    kernels::ConvShape s = FilterGeometry(filter);
    s.batch = in[0];
    s.in_h = in[1];
    s.in_w = in[2];
    s.out_h = out[1];
    s.out_w = out[2];
    s.pad_top = layout[0].pad_begin;
    s.pad_left = layout[1].pad_begin;
    return s;
  }

  // Keeps the plan, and asks for the scratch that it needs.
  void SetPlan(OpPlanContext *context, kernels::ConvPlan plan) const {
    auto state = std::make_unique<ConvolutionState>();
    const auto round_up = [](int64_t floats) { return (floats + 15) / 16 * 16; };
    state->packed_scratch_floats = filter_is_packed_ ? 0 : round_up(plan.packed_floats);
    state->thread_scratch_floats = round_up(plan.scratch_floats);
    state->plan = std::move(plan);
    state->epilogue = epilogue_;
    const int64_t floats = state->packed_scratch_floats +
                           state->thread_scratch_floats * context->thread_pool()->num_threads();
    if (floats > 0) context->RequestScratch(static_cast<size_t>(floats) * sizeof(float));
    context->SetState(std::move(state));
  }

  Attrs attrs_;
  kernels::ConvEpilogue epilogue_;
  const kernels::GemmKernel *gemm_ = &kernels::BestGemm();
};

}  // namespace ops
}  // namespace mace

#endif  // MACE_OPS_CONVOLUTION_H_
