// SPDX-License-Identifier: Apache-2.0
// Transposed convolution in groups, by the tiles of a matrix product.
#include "mace/ops/attrs/deconv_2d.h"

#include "mace/ops/convolution.h"

namespace mace {
namespace ops {

class Deconv2DOp : public ConvolutionOperation<Deconv2DAttrs> {
 public:
  using ConvolutionOperation::ConvolutionOperation;

  MaceStatus Init(OpInitContext *context) override {
    MACE_RETURN_IF_ERROR(InitConvolution(context));
    for (int64_t stride : attrs_.strides) {
      // There is a set of packed filters for each of stride * stride phases.
      if (stride > kLargestStride) {
        return NotSupported("stride ", stride, " is larger than ", kLargestStride,
                            ", the most of a transposed convolution");
      }
    }
    for (int64_t padding : attrs_.output_paddings) {
      if (padding > kLargest) return Invalid("output_paddings must be from 0 to ", kLargest);
    }
    return PackWith(context, [this](const Shape &filter) {
      return kernels::PlanDeconv(FilterGeometry(filter), *gemm_, 1);
    });
  }

  MaceStatus InferShape(OpShapeContext *context) override {
    MACE_RETURN_IF_ERROR(CheckInputs(*context));
    const Shape &in = context->Input(0).shape, &filter = context->Input(1).shape;
    std::array<WindowLayout, 2> layout;
    MACE_RETURN_IF_ERROR(LayOut(*context, &layout));
    return SetOutput(context, 0, {in[0], layout[0].count, layout[1].count, filter[0]});
  }

  MaceStatus Plan(OpPlanContext *context) override {
    const Shape &out = context->OutputShape(0);
    if (out.elements() == 0) return MaceStatus::MACE_SUCCESS;
    std::array<WindowLayout, 2> layout;
    MACE_RETURN_IF_ERROR(LayOut(*context, &layout));
    const kernels::ConvShape shape =
        FullGeometry(context->Input(0).shape, context->Input(1).shape, out, layout);
    SetPlan(context, kernels::PlanDeconv(shape, *gemm_, context->thread_pool()->num_threads()));
    return MaceStatus::MACE_SUCCESS;
  }

  int64_t Macs(const OpShapeContext &context) const override {
    // Each input element meets each tap of the filters of its group.
    const Shape &in = context.Input(0).shape, &filter = context.Input(1).shape;
    return in.elements(0, 3) * filter.elements();
  }

  void Describe(const OpShapeContext &context, ConvPoolArgs *args) const override {
    const Shape &filter = context.Input(1).shape;
    std::array<WindowLayout, 2> layout;
    if (!LayOut(context, &layout).ok()) return;
    DescribeWindow(WindowOf(filter), layout, filter.ToVector(), args);
  }

 private:
  static constexpr int64_t kLargestStride = 64;

  MaceStatus LayOut(const OpShapeContext &context, std::array<WindowLayout, 2> *layout) const {
    const Shape &in = context.Input(0).shape;
    const std::array<WindowDimension, 2> window = WindowOf(context.Input(1).shape);
    std::vector<int64_t> sizes;
    if (context.HasInput(3)) {
      MACE_RETURN_IF_ERROR(Integers(context, 3, "output_shape", &sizes));
      if (sizes.size() != 4) {
        return Invalid("output_shape has ", sizes.size(), " elements; it must have 4, NHWC");
      }
    }
    for (int i = 0; i < 2; ++i) {
      std::string problem;
      if (in[1 + i] < 1) return Invalid("input ", in.ToString(), " is empty");
      const bool fits =
          sizes.empty()
              ? LayOutTransposed(window[i], in[1 + i], attrs_.output_paddings[i], &(*layout)[i],
                                 &problem)
              : LayOutTransposedTo(window[i], in[1 + i], sizes[1 + i], &(*layout)[i], &problem);
      if (!fits) {
        return Invalid(i == 0 ? "height" : "width", " of input ", in.ToString(), ": ", problem);
      }
    }
    return MaceStatus::MACE_SUCCESS;
  }
};

void RegisterDeconv2D(OpRegistryBase *op_registry) {
  MACE_REGISTER_OP_CLASS(op_registry, "Deconv2D", Deconv2DOp, DeviceType::CPU, DT_FLOAT);
}

}  // namespace ops
}  // namespace mace
