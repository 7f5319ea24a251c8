// SPDX-License-Identifier: Apache-2.0
// Depthwise convolution: each channel with its own filters, in float32 or binary16.
#include "mace/ops/attrs/depthwise_conv2d.h"

#include <memory>
#include <string>
#include <utility>

#include "mace/base/chosen.h"
#include "mace/base/isa.h"
#include "mace/core/rows.h"
#include "mace/kernels/dwconv/dwconv.h"
#include "mace/kernels/half/half_dwconv.h"
#include "mace/ops/activation_params.h"
#include "mace/ops/filter_operation.h"
#include "mace/runtimes/cpu/thread_pool.h"

namespace mace {
namespace ops {

class DepthwiseConv2dOp : public FilterOperation {
 public:
  using FilterOperation::FilterOperation;

  MaceStatus InferType(const std::vector<DataType> &inputs,
                       std::vector<DataType> *outputs) override {
    MACE_RETURN_IF_ERROR(CheckFloatInputs(inputs, 3));
    return WindowOperation::InferType(inputs, outputs);
  }

  MaceStatus Init(OpInitContext *context) override {
    MACE_RETURN_IF_ERROR(ParseAttrs(&attrs_));
    MACE_RETURN_IF_ERROR(FuseInto(attrs_, &epilogue_));
    window_ = MakeWindow(attrs_);
    MACE_RETURN_IF_ERROR(CheckWindow(window_));
    has_bias_ = context->InputType(2) != DT_INVALID;
    return PackConstFilter(context, [this, context](const Tensor &filter, const Tensor *bias) {
      return Pack(context, filter, bias);
    });
  }

  MaceStatus InferShape(OpShapeContext *context) override {
    const Shape &input = context->Input(0).shape, &filter = context->Input(1).shape;
    MACE_RETURN_IF_ERROR(CheckImage("input", input));
    MACE_RETURN_IF_ERROR(CheckFilter(filter));
    if (has_bias_) MACE_RETURN_IF_ERROR(CheckBias(context->Input(2).shape, filter));
    if (input[3] < 1 || filter[3] % input[3] != 0) {
      return Invalid("input ", input.ToString(), " has ", input[3], " channels, of which the ",
                     filter[3], " channels of filter ", filter.ToString(), " are no multiple");
    }
    std::array<WindowLayout, 2> layout;
    return InferWindows(context, WindowOf(filter), filter[3], &layout);
  }

  MaceStatus Plan(OpPlanContext *context) override {
    const Shape &filter = context->Input(1).shape;
    if (context->OutputShape(0).elements() == 0) return MaceStatus::MACE_SUCCESS;
    kernels::DwconvShape s;
    MACE_RETURN_IF_ERROR(Geometry(context, &s));
    const int threads = context->thread_pool()->num_threads();
    auto state = std::make_unique<State>();
    state->lanes = kernels::DwconvLanes(SupportedIsas(), filter[3]);
    state->plan = kernels::PlanDwconv(s, SupportedIsas(), state->lanes, threads);
    if (!filter_is_packed_) {
      state->packed_scratch_floats =
          RoundUp(kernels::PackedDwconvFloats(state->lanes, s.kernel_h * s.kernel_w, filter[3]));
    }
    state->thread_scratch_floats = RoundUp(state->plan.scratch_floats);
    const int64_t floats = state->packed_scratch_floats + state->thread_scratch_floats * threads;
    if (floats > 0) context->RequestScratch(static_cast<size_t>(floats) * sizeof(float));
    context->SetState(std::move(state));
    return MaceStatus::MACE_SUCCESS;
  }

  MaceStatus Run(OpContext *context) override {
    const State *state = static_cast<const State *>(context->state());
    if (state == nullptr) return MaceStatus::MACE_SUCCESS;
    float *scratch = static_cast<float *>(context->scratch());
    const float *packed = packed_.as<float>();
    if (!filter_is_packed_) {
      const Tensor &filter = *context->input(1);
      const Tensor *bias = context->input_count() > 2 ? context->input(2) : nullptr;
      kernels::PackDwconv(state->lanes, filter.shape[1] * filter.shape[2], filter.shape[3],
                          filter.data<float>(), bias == nullptr ? nullptr : bias->data<float>(),
                          scratch);
      packed = scratch;
      scratch += state->packed_scratch_floats;
    }
    const float *input = context->input(0)->data<float>();
    float *output = context->output(0)->mutable_data<float>();
    context->thread_pool()->ParallelFor(
        state->plan.tiles, 1, [=](int64_t begin, int64_t end, int thread) {
          float *own = scratch + thread * state->thread_scratch_floats;
          for (int64_t tile = begin; tile < end; ++tile) {
            kernels::RunDwconvTile(state->plan, epilogue_, input, packed, output, tile, own);
          }
        });
    return MaceStatus::MACE_SUCCESS;
  }

  bool Rows(const OpState *state, RowGeometry *geometry) const override {
    if (state == nullptr || !filter_is_packed_) return false;
    const kernels::DwconvShape &s = static_cast<const State *>(state)->plan.shape;
    if (s.multiplier != 1) return false;
    geometry->batch = s.batch;
    geometry->in_h = s.in_h;
    geometry->out_h = s.out_h;
    geometry->in_row = static_cast<size_t>(s.in_w * s.in_c) * sizeof(float);
    geometry->out_row = static_cast<size_t>(s.out_w * s.in_c) * sizeof(float);
    geometry->stride = s.stride_h;
    geometry->pad = s.pad_top;
    geometry->extent = (s.kernel_h - 1) * s.dilation_h + 1;
    geometry->weights = packed_.size();
    return true;
  }

  void RunRows(const OpState *state, const RowCall &call) const override {
    kernels::RunDwconvRows(static_cast<const State *>(state)->plan, epilogue_,
                           static_cast<const float *>(call.input), packed_.as<float>(),
                           static_cast<float *>(call.output), call.begin, call.end);
  }

  int64_t Macs(const OpShapeContext &context) const override {
    return context.OutputShape(0).elements() * context.Input(1).shape.elements(1, 3);
  }

  void Describe(const OpShapeContext &context, ConvPoolArgs *args) const override {
    const Shape &filter = context.Input(1).shape;
    DescribeWindow(WindowOf(filter), context.Input(0).shape, filter.ToVector(), args);
  }

 protected:
  MaceStatus Geometry(OpPlanContext *context, kernels::DwconvShape *s) const {
    const Shape &in = context->Input(0).shape, &filter = context->Input(1).shape;
    const std::array<WindowDimension, 2> window = WindowOf(filter);
    std::array<WindowLayout, 2> layout;
    MACE_RETURN_IF_ERROR(InferWindows(context, window, filter[3], &layout));
    SetWindowGeometry(in, window, layout, s);
    s->in_c = in[3];
    s->multiplier = filter[3] / in[3];
    return MaceStatus::MACE_SUCCESS;
  }

  // Packs constant filters; a null bias: none.
  virtual MaceStatus Pack(OpInitContext *context, const Tensor &filter, const Tensor *bias) {
    const int64_t taps = filter.shape[1] * filter.shape[2], channels = filter.shape[3];
    const int lanes = kernels::DwconvLanes(SupportedIsas(), channels);
    const int64_t floats = kernels::PackedDwconvFloats(lanes, taps, channels);
    // Lanes follow from the instruction set.
    return context->Pack("dwconv_f32", static_cast<size_t>(floats) * sizeof(float), &packed_,
                         [&](void *packed) {
                           kernels::PackDwconv(lanes, taps, channels, filter.data<float>(),
                                               Elements(bias), static_cast<float *>(packed));
                         });
  }

  int64_t OutputChannels(const Shape &filter) const override { return filter[3]; }

  MaceStatus CheckFilter(const Shape &filter) const override {
    MACE_RETURN_IF_ERROR(CheckImage("filter", filter));
    if (filter[0] != 1) {
      return Invalid("filter has shape ", filter.ToString(), "; its first dimension must be 1");
    }
    return CheckFilterSize(filter);
  }

  DepthwiseConv2dAttrs attrs_;
  kernels::DwconvEpilogue epilogue_;

 private:
  struct State : OpState {
    kernels::DwconvPlan plan;
    int lanes = 1;
    int64_t packed_scratch_floats = 0;  // before the threads' scratch; 0 if filters are constant
    int64_t thread_scratch_floats = 0;
  };

  static int64_t RoundUp(int64_t floats) { return (floats + 15) / 16 * 16; }
};

// Input and output in binary16; filters are given in float32, and packed in binary16.
class HalfDepthwiseConv2dOp : public DepthwiseConv2dOp {
 public:
  using DepthwiseConv2dOp::DepthwiseConv2dOp;

  MaceStatus InferShape(OpShapeContext *context) override {
    MACE_RETURN_IF_ERROR(DepthwiseConv2dOp::InferShape(context));
    const Shape &input = context->Input(0).shape, &filter = context->Input(1).shape;
    if (input[3] == filter[3] && input[3] >= kernels::kHalfLanes) return MaceStatus::MACE_SUCCESS;
    return NotSupported("float16 with ", input[3], " input and ", filter[3],
                        " output channels; it needs as many of both, and ", kernels::kHalfLanes,
                        " at least: cast the input to float32");
  }

  MaceStatus Plan(OpPlanContext *context) override {
    if (context->OutputShape(0).elements() == 0) return MaceStatus::MACE_SUCCESS;
    kernels::DwconvShape s;
    MACE_RETURN_IF_ERROR(Geometry(context, &s));
    auto state = std::make_unique<State>();
    state->plan =
        kernels::PlanHalfDwconv(s, SupportedIsas(), context->thread_pool()->num_threads());
    if (!filter_is_packed_) {
      const int64_t size = kernels::PackedHalfDwconvSize(s.kernel_h * s.kernel_w, s.in_c);
      context->RequestScratch(static_cast<size_t>(size) * sizeof(uint16_t));
    }
    context->SetState(std::move(state));
    return MaceStatus::MACE_SUCCESS;
  }

  MaceStatus Run(OpContext *context) override {
    const State *state = static_cast<const State *>(context->state());
    if (state == nullptr) return MaceStatus::MACE_SUCCESS;
    const uint16_t *packed = packed_.as<uint16_t>();
    if (!filter_is_packed_) {
      const Tensor &filter = *context->input(1);
      const Tensor *bias = context->input_count() > 2 ? context->input(2) : nullptr;
      auto *room = static_cast<uint16_t *>(context->scratch());
      kernels::PackHalfDwconv(filter.shape[1] * filter.shape[2], filter.shape[3],
                              filter.data<float>(), bias == nullptr ? nullptr : bias->data<float>(),
                              room);
      packed = room;
    }
    const uint16_t *input = context->input(0)->data<uint16_t>();
    uint16_t *output = context->output(0)->mutable_data<uint16_t>();
    context->thread_pool()->ParallelFor(state->plan.tiles, 1, [=](int64_t begin, int64_t end, int) {
      for (int64_t tile = begin; tile < end; ++tile) {
        kernels::RunHalfDwconvTile(state->plan, epilogue_, input, packed, output, tile);
      }
    });
    return MaceStatus::MACE_SUCCESS;
  }

  // Rows are what the kernels in float32 make.
  bool Rows(const OpState *, RowGeometry *) const override { return false; }

 private:
  struct State : OpState {
    kernels::HalfDwconvPlan plan;
  };

  MaceStatus Pack(OpInitContext *context, const Tensor &filter, const Tensor *bias) override {
    const int64_t taps = filter.shape[1] * filter.shape[2], channels = filter.shape[3];
    // Fewer are refused as soon as shapes are inferred.
    if (channels < kernels::kHalfLanes) return MaceStatus::MACE_SUCCESS;
    const int64_t size = kernels::PackedHalfDwconvSize(taps, channels);
    return context->Pack("dwconv_f16", static_cast<size_t>(size) * sizeof(uint16_t), &packed_,
                         [&](void *packed) {
                           kernels::PackHalfDwconv(taps, channels, filter.data<float>(),
                                                   Elements(bias), static_cast<uint16_t *>(packed));
                         });
  }
};

void RegisterDepthwiseConv2d(OpRegistryBase *op_registry) {
  MACE_REGISTER_OP_CLASS(op_registry, "DepthwiseConv2d", DepthwiseConv2dOp, DeviceType::CPU,
                         DT_FLOAT);
  if (!Contains(kChosen.types, DT_HALF)) return;
  MACE_REGISTER_OP_CLASS(op_registry, "DepthwiseConv2d", HalfDepthwiseConv2dOp, DeviceType::CPU,
                         DT_HALF);
}

}  // namespace ops
}  // namespace mace
