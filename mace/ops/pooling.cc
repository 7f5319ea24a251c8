// SPDX-License-Identifier: Apache-2.0
// Largest element or mean of each window.
#include "mace/ops/attrs/pooling.h"

#include <algorithm>
#include <memory>

#include "mace/base/isa.h"
#include "mace/core/rows.h"
#include "mace/kernels/pool/pool.h"
#include "mace/ops/window.h"
#include "mace/runtimes/cpu/thread_pool.h"

namespace mace {
namespace ops {

class PoolingOp : public WindowOperation {
 public:
  using WindowOperation::WindowOperation;

  MaceStatus Init(OpInitContext *) override {
    MACE_RETURN_IF_ERROR(ParseAttrs(&attrs_));
    window_ = MakeWindow(attrs_);
    for (int i = 0; i < 2; ++i) {
      window_[i].kernel = attrs_.kernels[i];
      window_[i].round_up = attrs_.round_mode == PoolingAttrs::RoundMode::kCeil;
    }
    return CheckWindow(window_);
  }

  MaceStatus InferShape(OpShapeContext *context) override {
    const Shape &input = context->Input(0).shape;
    MACE_RETURN_IF_ERROR(CheckImage("input", input));
    std::array<WindowLayout, 2> layout;
    return InferWindows(context, window_, input[3], &layout);
  }

  MaceStatus Plan(OpPlanContext *context) override {
    const Shape &in = context->Input(0).shape;
    if (context->OutputShape(0).elements() == 0) return MaceStatus::MACE_SUCCESS;
    std::array<WindowLayout, 2> layout;
    MACE_RETURN_IF_ERROR(InferWindows(context, window_, in[3], &layout));
    auto state = std::make_unique<State>();
    kernels::PoolShape &s = state->shape;
    SetWindowGeometry(in, window_, layout, &s);
    s.channels = in[3];
    s.pad_bottom = layout[0].pad_end;
    s.pad_right = layout[1].pad_end;
    s.count_include_pad = attrs_.count_include_pad;
    s.count_all = attrs_.count_all;
    const bool max = attrs_.pooling_type == PoolingAttrs::PoolingType::kMax;
    state->kernel = &kernels::BestPool(SupportedIsas(), max, s.channels);
    // A row reads kernel_h rows of the input at most, and none when all is padding.
    const int64_t row_floats = std::min<int64_t>(s.kernel_h, s.in_h) * s.in_w * s.channels;
    state->grain = std::max<int64_t>(1, kGrainFloats / std::max<int64_t>(1, row_floats));
    context->SetState(std::move(state));
    return MaceStatus::MACE_SUCCESS;
  }

  MaceStatus Run(OpContext *context) override {
    const State *state = static_cast<const State *>(context->state());
    if (state == nullptr) return MaceStatus::MACE_SUCCESS;
    const float *input = context->input(0)->data<float>();
    float *output = context->output(0)->mutable_data<float>();
    context->thread_pool()->ParallelFor(state->shape.batch * state->shape.out_h, state->grain,
                                        [=](int64_t begin, int64_t end, int) {
                                          kernels::RunPoolRows(*state->kernel, state->shape, input,
                                                               output, begin, end);
                                        });
    return MaceStatus::MACE_SUCCESS;
  }

  bool Rows(const OpState *state, RowGeometry *geometry) const override {
    if (state == nullptr) return false;
    const kernels::PoolShape &s = static_cast<const State *>(state)->shape;
    geometry->batch = s.batch;
    geometry->in_h = s.in_h;
    geometry->out_h = s.out_h;
    geometry->in_row = static_cast<size_t>(s.in_w * s.channels) * sizeof(float);
    geometry->out_row = static_cast<size_t>(s.out_w * s.channels) * sizeof(float);
    geometry->stride = s.stride_h;
    geometry->pad = s.pad_top;
    geometry->extent = (s.kernel_h - 1) * s.dilation_h + 1;
    return true;
  }

  void RunRows(const OpState *state, const RowCall &call) const override {
    const State &own = *static_cast<const State *>(state);
    kernels::RunPoolRows(*own.kernel, own.shape, static_cast<const float *>(call.input),
                         static_cast<float *>(call.output), call.begin, call.end);
  }

  void Describe(const OpShapeContext &context, ConvPoolArgs *args) const override {
    DescribeWindow(window_, context.Input(0).shape, {window_[0].kernel, window_[1].kernel}, args);
  }

 private:
  struct State : OpState {
    kernels::PoolShape shape;
    const kernels::PoolKernel *kernel = nullptr;
    int64_t grain = 1;
  };
  // Work worth another thread.
  static constexpr int64_t kGrainFloats = 16 * 1024;

  PoolingAttrs attrs_;
  std::array<WindowDimension, 2> window_;
};

void RegisterPooling(OpRegistryBase *op_registry) {
  MACE_REGISTER_OP_CLASS(op_registry, "Pooling", PoolingOp, DeviceType::CPU, DT_FLOAT);
}

}  // namespace ops
}  // namespace mace
