// SPDX-License-Identifier: Apache-2.0
// Runs the plan of a convolution on all threads.
#include "mace/ops/convolution.h"

#include <limits>

#include "mace/ops/attrs/eltwise.h"

namespace mace {
namespace ops {

kernels::ConvEpilogue MakeEpilogue(const kernels::ActivationParams &activation) {
  const FusedActivation fused = FuseActivation(activation);
  kernels::ConvEpilogue epilogue;
  epilogue.low = fused.low;
  epilogue.high = fused.high;
  epilogue.activation = fused.rest;
  return epilogue;
}

bool AbsorbSum(const OperatorDef &next, int input, ConvolutionState *state) {
  constexpr float kInf = std::numeric_limits<float>::infinity();
  const kernels::ConvEpilogue &own = state->epilogue;
  if (next.type != "Eltwise" || state->residual_input >= 0 || own.low != -kInf ||
      own.high != kInf || own.activation.kind != kernels::kActivationNoop) {
    return false;
  }
  EltwiseAttrs attrs;
  if (!ParseAttributes(EltwiseAttrs::kSchema(), next, &attrs).ok()) return false;
  if (attrs.type != EltwiseAttrs::Type::kSum) return false;
  for (float factor : attrs.coeff) {
    if (factor != 1) return false;
  }
  state->epilogue = MakeEpilogue(MakeActivationParams(attrs));
  state->residual_input = input;
  return true;
}

void DescribeRows(const ConvolutionState &state, size_t packed_bytes, RowGeometry *geometry) {
  const kernels::ConvPlan &plan = state.plan;
  const kernels::ConvShape &s = plan.image;
  geometry->batch = s.batch;
  geometry->in_h = s.in_h;
  geometry->out_h = s.out_h;
  geometry->in_row = static_cast<size_t>(s.in_w * s.in_c) * sizeof(float);
  geometry->out_row = static_cast<size_t>(s.out_w * plan.out_stride) * sizeof(float);
  geometry->stride = s.stride_h;
  geometry->pad = s.pad_top;
  geometry->extent = (s.kernel_h - 1) * s.dilation_h + 1;
  if (plan.winograd.kernel != nullptr) geometry->granule = plan.winograd.kernel->side;
  geometry->scratch = static_cast<size_t>(state.thread_scratch_floats) * sizeof(float);
  geometry->weights = packed_bytes;
  geometry->residual_input = state.residual_input;
}

void RunConvolutionRows(const ConvolutionState &state, const float *packed, const RowCall &call) {
  kernels::ConvEpilogue epilogue = state.epilogue;
  epilogue.residual = static_cast<const float *>(call.residual);
  kernels::RunConvRows(state.plan, epilogue, static_cast<const float *>(call.input), packed,
                       static_cast<float *>(call.output), call.begin, call.end,
                       static_cast<float *>(call.scratch));
}

void RunConvolution(const ConvolutionState &state, bool has_bias, const float *packed,
                    OpContext *context) {
  float *scratch = static_cast<float *>(context->scratch());
  if (packed == nullptr) {
    kernels::PackConv(state.plan, context->input(1)->data<float>(),
                      has_bias ? context->input(2)->data<float>() : nullptr, scratch);
    packed = scratch;
    scratch += state.packed_scratch_floats;
  }
  const float *input = context->input(0)->data<float>();
  float *output = context->output(0)->mutable_data<float>();
  kernels::ConvEpilogue epilogue = state.epilogue;
  if (state.residual_input >= 0) {
    epilogue.residual = context->input(state.residual_input)->data<float>();
  }
  context->thread_pool()->ParallelFor(
      state.plan.tiles, 1, [&, packed, scratch](int64_t begin, int64_t end, int thread) {
        float *own = scratch + thread * state.thread_scratch_floats;
        for (int64_t tile = begin; tile < end; ++tile) {
          kernels::RunConvTile(state.plan, epilogue, input, packed, output, tile, own);
        }
      });
}

}  // namespace ops
}  // namespace mace
