// SPDX-License-Identifier: Apache-2.0
// Windows over images (mace/ops/window.h) in the words of the GPU's kernels.
#ifndef MACE_OPS_OPENCL_WINDOWS_H_
#define MACE_OPS_OPENCL_WINDOWS_H_

#include <string>

#include "mace/ops/activation_params.h"
#include "mace/ops/opencl/builder.h"
#include "mace/ops/window.h"

namespace mace {
namespace opencl {

// Sizes, strides, dilations and paddings of an operator with the attribute group `window`, for
// input 0 and output 0. pad_end: bottom and right, or null.
template <typename Attrs>
MaceStatus DescribeWindows(const GpuOpContext &context, const Attrs &attrs, int64_t kernel_h,
                           int64_t kernel_w, bool round_up, Convolution *conv,
                           int64_t *pad_end = nullptr) {
  const Shape &in = context.Input(0).shape, &out = context.Output(0).shape;
  if (in.rank() != 4 || out.rank() != 4) return Refuse(context, "it is not of images");
  conv->n = in[0];
  conv->ih = in[1];
  conv->iw = in[2];
  conv->ic = in[3];
  conv->oh = out[1];
  conv->ow = out[2];
  conv->oc = out[3];
  conv->kh = kernel_h;
  conv->kw = kernel_w;
  ops::WindowLayout layout[2];
  for (int i = 0; i < 2; ++i) {
    ops::WindowDimension window;
    window.kernel = i == 0 ? kernel_h : kernel_w;
    window.stride = attrs.strides[i];
    window.dilation = attrs.dilations[i];
    window.padding = attrs.padding;
    window.pad_begin = attrs.paddings[2 * i];
    window.pad_end = attrs.paddings[2 * i + 1];
    window.round_up = round_up;
    std::string problem;
    if (!ops::LayOutWindow(window, in[1 + i], &layout[i], &problem))
      return Refuse(context, problem);
    if (pad_end != nullptr) pad_end[i] = layout[i].pad_end;
  }
  conv->sh = attrs.strides[0];
  conv->sw = attrs.strides[1];
  conv->dh = attrs.dilations[0];
  conv->dw = attrs.dilations[1];
  conv->pad_top = layout[0].pad_begin;
  conv->pad_left = layout[1].pad_begin;
  return MaceStatus::MACE_SUCCESS;
}

// A convolution of input 0 with the filters of input 1, [.., height, width, ..], and the bias of
// input 2, which must be constant. *attrs are parsed.
template <typename Attrs>
MaceStatus DescribeFilters(const GpuOpContext &context, Attrs *attrs, Convolution *conv) {
  MACE_RETURN_IF_ERROR(NeedConstant(context, 1, "filter"));
  MACE_RETURN_IF_ERROR(NeedConstant(context, 2, "bias"));
  MACE_RETURN_IF_ERROR(context.ParseAttrs(attrs));
  const Shape &filter = context.Input(1).shape;
  MACE_RETURN_IF_ERROR(DescribeWindows(context, *attrs, filter[1], filter[2], false, conv));
  conv->activation = ops::MakeActivationParams(*attrs);
  conv->filter = context.Constant(1);
  conv->bias = context.Constant(2);
  return MaceStatus::MACE_SUCCESS;
}

}  // namespace opencl
}  // namespace mace

#endif  // MACE_OPS_OPENCL_WINDOWS_H_
