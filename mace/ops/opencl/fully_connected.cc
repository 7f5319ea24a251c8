// SPDX-License-Identifier: Apache-2.0
// Fully connected layers on the GPU: convolutions. In images the window is the whole image where
// height, width and channels are joined.
#include "mace/ops/attrs/fully_connected.h"

#include "mace/core/operator.h"
#include "mace/ops/activation_params.h"
#include "mace/ops/opencl/builder.h"
#include "mace/ops/opencl/operators.h"

namespace mace {
namespace opencl {

namespace {

// *in_buffers: whatever was wanted, it is done in buffers.
MaceStatus Describe(const GpuOpContext &context, Convolution *conv, bool *in_buffers) {
  MACE_RETURN_IF_ERROR(NeedConstant(context, 1, "weight"));
  MACE_RETURN_IF_ERROR(NeedConstant(context, 2, "bias"));
  ops::FullyConnectedAttrs attrs;
  MACE_RETURN_IF_ERROR(context.ParseAttrs(&attrs));
  const Shape &in = context.Input(0).shape, &weight = context.Input(1).shape;
  int axis = 0;
  if (!NormalizeAxis(attrs.axis, in.rank(), &axis)) return Refuse(context, "axis ", attrs.axis);
  const int64_t depth = weight.elements(1, weight.rank());
  const View view(in);
  *in_buffers = false;
  if (context.images() && axis == 1 && in.rank() == 4) {
    conv->n = view.n;
    conv->ih = conv->kh = view.h;
    conv->iw = conv->kw = view.w;
    conv->ic = view.c;
  } else if (context.images() && axis == in.rank() - 1) {
    conv->ih = conv->oh = view.rows();
    conv->iw = conv->ow = view.w;
    conv->ic = view.c;
  } else {
    *in_buffers = context.images();
    conv->iw = conv->ow = in.elements(0, axis);
    conv->ic = depth;
  }
  conv->oc = weight[0];
  conv->activation = ops::MakeActivationParams(attrs);
  conv->filter = context.Constant(1);
  conv->stride_o = depth;
  conv->bias = context.Constant(2);
  // A weight that is too long for an image goes to a buffer.
  if (context.images() && !*in_buffers && !SupportsConvolution(context, *conv).ok()) {
    *in_buffers = true;
    conv->n = conv->ih = conv->oh = conv->kh = conv->kw = 1;
    conv->iw = conv->ow = in.elements(0, axis);
    conv->ic = depth;
  }
  return MaceStatus::MACE_SUCCESS;
}

}  // namespace

MaceStatus SupportsFullyConnected(const GpuOpContext &context) {
  Convolution conv;
  bool in_buffers = false;
  return Describe(context, &conv, &in_buffers);
}

MaceStatus BuildFullyConnected(const GpuOpContext &context, GpuStep *step) {
  Convolution conv;
  bool in_buffers = false;
  MACE_RETURN_IF_ERROR(Describe(context, &conv, &in_buffers));
  return BuildConvolution(in_buffers ? InBuffers(context, step) : context, conv, step);
}

std::vector<std::string> VariantsOfFullyConnected(const GpuOpContext &context) {
  Convolution conv;
  bool in_buffers = false;
  if (!Describe(context, &conv, &in_buffers).ok()) return {};
  return ConvolutionVariants(in_buffers ? InBuffers(context, nullptr) : context, conv);
}

}  // namespace opencl
}  // namespace mace
