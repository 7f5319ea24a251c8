// SPDX-License-Identifier: Apache-2.0
// Convolution on the GPU: geometry from the attributes, the rest in convolution.cc.
#include "mace/ops/attrs/conv_2d.h"

#include <algorithm>

#include "mace/ops/attrs/eltwise.h"
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
  if (context.sum != nullptr) {
    ops::EltwiseAttrs sum;
    MACE_RETURN_IF_ERROR(ParseAttributes(ops::EltwiseAttrs::kSchema(), *context.sum, &sum));
    conv->residual = static_cast<int>(context.inputs.size()) - 1;
    conv->activation = ops::MakeActivationParams(sum);
  }
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

bool AbsorbsConv2D(const OperatorDef &def, const OperatorDef &user) {
  ops::Conv2DAttrs own;
  ops::EltwiseAttrs attrs;
  return user.type == "Eltwise" && ParseAttributes(ops::Conv2DAttrs::kSchema(), def, &own).ok() &&
         ParseAttributes(ops::EltwiseAttrs::kSchema(), user, &attrs).ok() &&
         ops::MakeActivationParams(own).kind == kernels::kActivationNoop &&
         attrs.type == ops::EltwiseAttrs::Type::kSum &&
         std::all_of(attrs.coeff.begin(), attrs.coeff.end(), [](float c) { return c == 1; });
}

bool PartsOfConv2D(const GpuOpContext &, bool) { return true; }

std::vector<std::string> VariantsOfConv2D(const GpuOpContext &context) {
  Convolution conv;
  if (!Describe(context, &conv).ok()) return {};
  return ConvolutionVariants(context, conv);
}

}  // namespace opencl
}  // namespace mace
