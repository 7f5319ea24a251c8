// SPDX-License-Identifier: Apache-2.0
// Convolution in groups, by the tiles of a matrix product.
#include "mace/ops/attrs/conv_2d.h"

#include <algorithm>

#include "mace/ops/convolution.h"

namespace mace {
namespace ops {

class Conv2DOp : public ConvolutionOperation<Conv2DAttrs> {
 public:
  using ConvolutionOperation::ConvolutionOperation;

  MaceStatus Init(OpInitContext *context) override {
    MACE_RETURN_IF_ERROR(InitConvolution(context));
    return PackConstFilter(context, [this](const Shape &filter) {
      kernels::ConvShape shape = FilterGeometry(filter);
      winograd_ = ChooseWinograd(shape);
      shape.winograd = winograd_;
      return kernels::PlanConv(shape, kernels::BestGemm(), 1);
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
    const Shape &filter = context->Input(1).shape;
    std::array<WindowLayout, 2> layout;
    MACE_RETURN_IF_ERROR(InferWindows(context, WindowOf(filter), filter[0], &layout));
    kernels::ConvShape shape = FullGeometry(context->Input(0).shape, filter, out, layout);
    shape.winograd = winograd_;
    SetPlan(context,
            kernels::PlanConv(shape, kernels::BestGemm(), context->thread_pool()->num_threads()));
    return MaceStatus::MACE_SUCCESS;
  }

  bool Rows(const OpState *state, RowGeometry *geometry) const override {
    if (state == nullptr || !filter_is_packed_) return false;
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
    const std::array<WindowDimension, 2> window = WindowOf(filter);
    std::array<WindowLayout, 2> layout;
    std::string problem;
    for (int i = 0; i < 2; ++i) {
      if (!LayOutWindow(window[i], context.Input(0).shape[1 + i], &layout[i], &problem)) return;
    }
    DescribeWindow(window, layout, filter.ToVector(), args);
  }

 private:
  // For the image that the model was converted with, if it says so: another one is computed the
  // same way, only not always in the fastest.
  const kernels::WinogradKernel *ChooseWinograd(kernels::ConvShape shape) const {
    shape.out_h = shape.out_w = 0;
    if (!def().output_shape.empty() && def().output_shape[0].size() == 4) {
      shape.out_h = std::max<int64_t>(0, std::min(kLargest, def().output_shape[0][1]));
      shape.out_w = std::max<int64_t>(0, std::min(kLargest, def().output_shape[0][2]));
    }
    return kernels::ChooseWinograd(shape, kernels::BestGemm());
  }

  const kernels::WinogradKernel *winograd_ = nullptr;  // of filters that are packed
};

void RegisterConv2D(OpRegistryBase *op_registry) {
  MACE_REGISTER_OP_CLASS(op_registry, "Conv2D", Conv2DOp, DeviceType::CPU, DT_FLOAT);
}

}  // namespace ops
}  // namespace mace
