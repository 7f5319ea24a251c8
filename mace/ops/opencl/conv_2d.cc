// SPDX-License-Identifier: Apache-2.0
// Convolution on the GPU: geometry from the attributes, the rest in convolution.cc.
#include "mace/ops/attrs/conv_2d.h"

#include "mace/ops/opencl/builder.h"
#include "mace/ops/opencl/operators.h"
#include "mace/ops/opencl/windows.h"

namespace mace {
namespace opencl {

namespace {

MaceStatus Describe(const GpuOpContext &context, Convolution *conv) {
  ops::Conv2DAttrs attrs;
  MACE_RETURN_IF_ERROR(DescribeFilters(context, &attrs, conv));
  conv->group = attrs.group;
  conv->stride_o = context.Input(1).shape.elements(1, 4);
  return MaceStatus::MACE_SUCCESS;
}

}  // namespace

MaceStatus SupportsConv2D(const GpuOpContext &context) {
  Convolution conv;
  MACE_RETURN_IF_ERROR(Describe(context, &conv));
  return SupportsConvolution(context, conv);
}

MaceStatus BuildConv2D(const GpuOpContext &context, GpuStep *step) {
  Convolution conv;
  MACE_RETURN_IF_ERROR(Describe(context, &conv));
  return BuildConvolution(context, conv, step);
}

std::vector<std::string> VariantsOfConv2D(const GpuOpContext &context) {
  Convolution conv;
  if (!Describe(context, &conv).ok()) return {};
  return ConvolutionVariants(context, conv);
}

}  // namespace opencl
}  // namespace mace
