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

// One filter and one bias of all, and where outputs change from one memory to the other.
MaceStatus AddSiblings(const GpuOpContext &context, Convolution *conv) {
  std::vector<float> filters, biases;
  for (int i = 0; i < Int(static_cast<int64_t>(context.outputs.size())); ++i) {
    const float *filter = context.Constant(1 + 2 * i), *bias = context.Constant(2 + 2 * i);
    if (filter == nullptr) return Refuse(context, "a filter of those joined with it is missing");
    const int64_t channels = context.Output(i).shape[3];
    if (i == context.second_memory) conv->first_channels = Int(static_cast<int64_t>(biases.size()));
    filters.insert(filters.end(), filter, filter + context.Input(1 + 2 * i).shape.elements());
    biases.resize(biases.size() + static_cast<size_t>(channels), 0.0f);
    if (bias != nullptr) std::copy(bias, bias + channels, biases.end() - channels);
  }
  conv->oc = static_cast<int64_t>(biases.size());
  conv->second_output = context.second_memory;
  conv->joined_filter = std::make_shared<const std::vector<float>>(std::move(filters));
  conv->joined_bias = std::make_shared<const std::vector<float>>(std::move(biases));
  conv->filter = conv->joined_filter->data();
  conv->bias = conv->joined_bias->data();
  if (context.second_memory == 0) return MaceStatus::MACE_SUCCESS;
  ops::Conv2DAttrs attrs;
  const size_t second = static_cast<size_t>(context.second_memory) - 1;
  MACE_RETURN_IF_ERROR(
      ParseAttributes(ops::Conv2DAttrs::kSchema(), *context.siblings[second], &attrs));
  const kernels::ActivationParams first = conv->activation;
  conv->activation = ops::MakeActivationParams(attrs);
  conv->plain_first = first.kind == kernels::kActivationNoop && first.kind != conv->activation.kind;
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus Describe(const GpuOpContext &context, Convolution *conv) {
  ops::Conv2DAttrs attrs;
  MACE_RETURN_IF_ERROR(DescribeFilters(context, &attrs, conv));
  conv->group = attrs.group;
  conv->stride_o = context.Input(1).shape.elements(1, 4);
  if (!context.siblings.empty()) MACE_RETURN_IF_ERROR(AddSiblings(context, conv));
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

bool JoinsConv2D(const GpuOpContext &first, const GpuOpContext &second, bool apart) {
  Convolution a, b;
  if (!Describe(first, &a).ok() || !Describe(second, &b).ok()) return false;
  const auto same = [](const kernels::ActivationParams &x, const kernels::ActivationParams &y) {
    return x.kind == y.kind && x.max_limit == y.max_limit && x.coefficient == y.coefficient &&
           x.offset == y.offset;
  };
  const bool plain = apart && a.activation.kind == kernels::kActivationNoop;
  return first.memory == second.memory && a.kh * a.kw == 1 && b.kh * b.kw == 1 && a.group == 1 &&
         b.group == 1 && a.residual < 0 && b.residual < 0 && a.n == b.n && a.oh == b.oh &&
         a.ow == b.ow && a.ic == b.ic && a.sh == b.sh && a.sw == b.sw && a.pad_top == b.pad_top &&
         a.pad_left == b.pad_left && a.oc % 4 == 0 && b.oc % 4 == 0 &&
         (plain || same(a.activation, b.activation));
}

std::vector<std::string> VariantsOfConv2D(const GpuOpContext &context) {
  Convolution conv;
  if (!Describe(context, &conv).ok()) return {};
  return ConvolutionVariants(context, conv);
}

}  // namespace opencl
}  // namespace mace
