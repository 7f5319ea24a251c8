// SPDX-License-Identifier: Apache-2.0
// Convolution in groups, by the tiles of a matrix product, in float32 or binary16.
#include "mace/ops/attrs/conv_2d.h"

#include <algorithm>

#include "mace/base/chosen.h"
#include "mace/base/isa.h"
#include "mace/kernels/half/half_conv.h"
#include "mace/ops/convolution.h"

namespace mace {
namespace ops {

class Conv2DOp : public ConvolutionOperation<Conv2DAttrs> {
 public:
  using ConvolutionOperation::ConvolutionOperation;

  MaceStatus Init(OpInitContext *context) override {
    MACE_RETURN_IF_ERROR(InitConvolution(context));
    return PackWith(context, [this](const Shape &filter) {
      kernels::ConvShape shape = FilterGeometry(filter);
      // Tiles compute 3x3 windows several times faster than Winograd in float32 does, dots do not.
      if (gemm_->isa != kIsaAmxBf16) winograd_ = ChooseWinograd(shape);
      if (winograd_ != nullptr) gemm_ = &kernels::BestGemm();
      shape.winograd = winograd_;
      shape.strassen = strassen_ = ChooseStrassen(shape);
      return kernels::PlanConv(shape, *gemm_, 1);
    });
  }

  MaceStatus InferShape(OpShapeContext *context) override {
    const Shape &filter = context->Input(1).shape;
    MACE_RETURN_IF_ERROR(CheckInputs(*context));
    std::array<WindowLayout, 2> layout;
    return InferWindows(context, WindowOf(filter), filter[0], &layout);
  }

  MaceStatus Plan(OpPlanContext *context) override {
    const Shape &out = context->OutputShape(0);
    if (out.elements() == 0) return MaceStatus::MACE_SUCCESS;
    kernels::ConvShape shape;
    MACE_RETURN_IF_ERROR(ImageGeometry(context, &shape));
    shape.winograd = winograd_;
    shape.strassen = strassen_;
    SetPlan(context, kernels::PlanConv(shape, *gemm_, context->thread_pool()->num_threads()));
    return MaceStatus::MACE_SUCCESS;
  }

  bool Rows(const OpState *state, RowGeometry *geometry) const override {
    if (state == nullptr || !filter_is_packed_ || strassen_) return false;
    DescribeRows(*static_cast<const ConvolutionState *>(state), packed_.size(), geometry);
    return true;
  }

  void RunRows(const OpState *state, const RowCall &call) const override {
    RunConvolutionRows(*static_cast<const ConvolutionState *>(state), packed_.as<float>(), call);
  }

  int64_t Macs(const OpShapeContext &context) const override {
    const Shape &filter = context.Input(1).shape;
    return context.OutputShape(0).elements() * filter.elements(1, 4);
  }

  void Describe(const OpShapeContext &context, ConvPoolArgs *args) const override {
    const Shape &filter = context.Input(1).shape;
    DescribeWindow(WindowOf(filter), context.Input(0).shape, filter.ToVector(), args);
  }

 protected:
  MaceStatus ImageGeometry(OpPlanContext *context, kernels::ConvShape *shape) const {
    const Shape &filter = context->Input(1).shape;
    std::array<WindowLayout, 2> layout;
    MACE_RETURN_IF_ERROR(InferWindows(context, WindowOf(filter), filter[0], &layout));
    *shape = FullGeometry(context->Input(0).shape, filter, context->OutputShape(0), layout);
    return MaceStatus::MACE_SUCCESS;
  }

 private:
  // For the image that the model was converted with, if it says so: another one is computed the
  // same way, only not always in the fastest.
  kernels::ConvShape UsualImage(kernels::ConvShape shape) const {
    shape.out_h = shape.out_w = 0;
    if (!def().output_shape.empty() && def().output_shape[0].size() == 4) {
      shape.out_h = std::max<int64_t>(0, std::min(kLargest, def().output_shape[0][1]));
      shape.out_w = std::max<int64_t>(0, std::min(kLargest, def().output_shape[0][2]));
    }
    return shape;
  }

  const kernels::WinogradKernel *ChooseWinograd(const kernels::ConvShape &shape) const {
    return kernels::ChooseWinograd(UsualImage(shape), kernels::BestGemm());
  }

  bool ChooseStrassen(const kernels::ConvShape &shape) const {
    for (const WindowDimension &window : window_) {
      const bool padded = window.pad_begin != 0 || window.pad_end != 0;
      if (window.padding == PaddingKind::kExplicit && padded) return false;
    }
    return kernels::ChooseStrassen(UsualImage(shape), *gemm_);
  }

  // Of filters that are packed.
  const kernels::WinogradKernel *winograd_ = nullptr;
  bool strassen_ = false;
};

// Input, output and residual in binary16; filters are given in float32, and packed in binary16.
class HalfConv2DOp : public Conv2DOp {
 public:
  using Conv2DOp::Conv2DOp;

  MaceStatus Init(OpInitContext *context) override {
    MACE_RETURN_IF_ERROR(InitConvolution(context));
    return PackConstFilter(context, [this, context](const Tensor &filter, const Tensor *bias) {
      const kernels::HalfConvPlan plan =
          kernels::PlanHalfConv(FilterGeometry(filter.shape), SupportedIsas(), 1);
      const size_t bytes = static_cast<size_t>(plan.packed_size) * sizeof(uint16_t);
      return context->Pack(plan.kernel->name, bytes, &packed_, [&](void *packed) {
        kernels::PackHalfConv(plan, filter.data<float>(), Elements(bias),
                              static_cast<uint16_t *>(packed));
      });
    });
  }

  MaceStatus Plan(OpPlanContext *context) override {
    if (context->OutputShape(0).elements() == 0) return MaceStatus::MACE_SUCCESS;
    kernels::ConvShape shape;
    MACE_RETURN_IF_ERROR(ImageGeometry(context, &shape));
    const int threads = context->thread_pool()->num_threads();
    auto state = std::make_unique<State>();
    state->half = kernels::PlanHalfConv(shape, SupportedIsas(), threads);
    state->epilogue = epilogue_;
    if (!filter_is_packed_) {
      state->packed_bytes = RoundUp(static_cast<size_t>(state->half.packed_size) * 2);
    }
    state->thread_bytes = RoundUp(state->half.scratch_bytes);
    context->RequestScratch(state->packed_bytes +
                            state->thread_bytes * static_cast<size_t>(threads));
    context->SetState(std::move(state));
    return MaceStatus::MACE_SUCCESS;
  }

  MaceStatus Run(OpContext *context) override {
    const auto *state = static_cast<const State *>(context->state());
    if (state == nullptr) return MaceStatus::MACE_SUCCESS;
    char *scratch = static_cast<char *>(context->scratch());
    const uint16_t *packed = packed_.as<uint16_t>();
    if (!filter_is_packed_) {
      auto *room = reinterpret_cast<uint16_t *>(scratch);
      kernels::PackHalfConv(state->half, context->input(1)->data<float>(),
                            has_bias_ ? context->input(2)->data<float>() : nullptr, room);
      packed = room;
      scratch += state->packed_bytes;
    }
    kernels::HalfConvEpilogue epilogue;
    epilogue.low = state->epilogue.low;
    epilogue.high = state->epilogue.high;
    epilogue.activation = state->epilogue.activation;
    if (state->residual_input >= 0) {
      epilogue.residual = context->input(state->residual_input)->data<uint16_t>();
    }
    const uint16_t *input = context->input(0)->data<uint16_t>();
    uint16_t *output = context->output(0)->mutable_data<uint16_t>();
    context->thread_pool()->ParallelFor(
        state->half.tiles, 1, [&, packed, scratch](int64_t begin, int64_t end, int thread) {
          char *own = scratch + static_cast<size_t>(thread) * state->thread_bytes;
          for (int64_t tile = begin; tile < end; ++tile) {
            kernels::RunHalfConvTile(state->half, epilogue, input, packed, output, tile, own);
          }
        });
    return MaceStatus::MACE_SUCCESS;
  }

  bool StrideOutput(int64_t stride, OpState *state) const override {
    auto *own = static_cast<State *>(state);
    // The residual would have to lie as the output does.
    if (own == nullptr || own->residual_input >= 0) return false;
    own->half.out_stride = stride;
    return true;
  }

  // Rows are what the kernels in float32 make.
  bool Rows(const OpState *, RowGeometry *) const override { return false; }

 private:
  // The plan in float32 is not used.
  struct State : ConvolutionState {
    kernels::HalfConvPlan half;
    size_t packed_bytes = 0;  // before the threads' scratch; 0 if filters are constant
    size_t thread_bytes = 0;
  };
  static size_t RoundUp(size_t bytes) { return (bytes + 63) / 64 * 64; }
};

void RegisterConv2D(OpRegistryBase *op_registry) {
  MACE_REGISTER_OP_CLASS(op_registry, "Conv2D", Conv2DOp, DeviceType::CPU, DT_FLOAT);
  if (!Contains(kChosen.types, DT_HALF)) return;
  MACE_REGISTER_OP_CLASS(op_registry, "Conv2D", HalfConv2DOp, DeviceType::CPU, DT_HALF);
}

}  // namespace ops
}  // namespace mace
