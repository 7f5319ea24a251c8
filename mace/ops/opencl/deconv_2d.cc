// SPDX-License-Identifier: Apache-2.0
// Transposed convolution on the GPU.
#include "mace/ops/attrs/deconv_2d.h"

#include "mace/ops/activation_params.h"
#include "mace/ops/opencl/operators.h"
#include "mace/ops/opencl/windows.h"

namespace mace {
namespace opencl {

namespace {

MaceStatus Describe(const GpuOpContext &context, Convolution *c) {
  MACE_RETURN_IF_ERROR(NeedConstant(context, 1, "filter"));
  MACE_RETURN_IF_ERROR(NeedConstant(context, 2, "bias"));
  ops::Deconv2DAttrs attrs;
  MACE_RETURN_IF_ERROR(context.ParseAttrs(&attrs));
  const Shape &in = context.Input(0).shape, &out = context.Output(0).shape;
  const Shape &filter = context.Input(1).shape;
  if (context.Input(0).dtype != DT_FLOAT) return Refuse(context, "its input is not float32");
  c->n = in[0];
  c->ih = in[1];
  c->iw = in[2];
  c->ic = in[3];
  c->oh = out[1];
  c->ow = out[2];
  c->oc = out[3];
  c->kh = filter[1];
  c->kw = filter[2];
  c->group = attrs.group;
  ops::WindowLayout layout[2];
  for (int i = 0; i < 2; ++i) {
    ops::WindowDimension window;
    window.kernel = filter[1 + i];
    window.stride = attrs.strides[i];
    window.dilation = attrs.dilations[i];
    window.padding = attrs.padding;
    window.pad_begin = attrs.paddings[2 * i];
    window.pad_end = attrs.paddings[2 * i + 1];
    std::string problem;
    const bool fits =
        context.HasInput(3)
            ? ops::LayOutTransposedTo(window, in[1 + i], out[1 + i], &layout[i], &problem)
            : ops::LayOutTransposed(window, in[1 + i], attrs.output_paddings[i], &layout[i],
                                    &problem);
    if (!fits) return Refuse(context, problem);
  }
  c->sh = attrs.strides[0];
  c->sw = attrs.strides[1];
  c->dh = attrs.dilations[0];
  c->dw = attrs.dilations[1];
  c->pad_top = layout[0].pad_begin;
  c->pad_left = layout[1].pad_begin;
  c->activation = ops::MakeActivationParams(attrs);
  c->filter = context.Constant(1);
  c->stride_o = filter.elements(1, 4);
  c->bias = context.Constant(2);
  return MaceStatus::MACE_SUCCESS;
}

bool IsDepthwise(const Convolution &c) { return c.group == c.ic && c.group == c.oc; }

}  // namespace

MaceStatus SupportsDeconv2D(const GpuOpContext &context) {
  Convolution conv;
  MACE_RETURN_IF_ERROR(Describe(context, &conv));
  return IsDepthwise(conv) ? MaceStatus::MACE_SUCCESS : SupportsConvolution(context, conv);
}

MaceStatus BuildDeconv2D(const GpuOpContext &context, GpuStep *step) {
  Convolution c;
  MACE_RETURN_IF_ERROR(Describe(context, &c));
  const bool depthwise = IsDepthwise(c);
  KernelLaunch launch = context.NewLaunch("deconv", "deconv");
  std::vector<float> matrix;
  const int64_t blocks = CeilDiv(c.oc, 4);
  if (depthwise) {
    Define(&launch, "DEPTHWISE", 1);
    matrix.assign(static_cast<size_t>(c.kh * c.kw * blocks * 4), 0.0f);
    for (int64_t tap = 0; tap < c.kh * c.kw; ++tap) {
      for (int64_t o = 0; o < c.oc; ++o) {
        matrix[static_cast<size_t>(tap * blocks * 4 + o)] = c.filter[o * c.stride_o + tap];
      }
    }
  } else {
    matrix = FilterMatrix(c);
  }
  DefineTail(&launch, "IN_TAIL", c.ic % 4 != 0);
  DefineTail(&launch, "OUT_TAIL", c.oc % 4 != 0);
  const std::pair<int32_t, int32_t> numbers = DefineActivation(c.activation, &launch);
  launch.arguments = {KernelArgument::Input(0),
                      AddMatrix(context, std::move(matrix), blocks * 4, step),
                      AddVector(c.bias, c.oc, step),
                      KernelArgument::Output(0),
                      KernelArgument::IntVector(ConvolutionNumbers(c, numbers.first)),
                      KernelArgument::IntVector(GroupNumbers(c, numbers.second))};
  launch.global = WindowThreads(context, blocks, c.ow, c.n * c.oh);
  launch.local = LocalSize(context, launch.global);
  step->launches.push_back(std::move(launch));
  return MaceStatus::MACE_SUCCESS;
}

}  // namespace opencl
}  // namespace mace
