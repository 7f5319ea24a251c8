// SPDX-License-Identifier: Apache-2.0
// Functions of single elements on the GPU: Activation, BatchNorm, Unary.
#include "mace/ops/attrs/activation.h"

#include <cmath>

#include "mace/ops/activation_params.h"
#include "mace/ops/attrs/batch_norm.h"
#include "mace/ops/attrs/unary.h"
#include "mace/ops/opencl/builder.h"
#include "mace/ops/opencl/operators.h"

namespace mace {
namespace opencl {

namespace {

// Arguments and sizes of a kernel of elementwise.cl with one input and `weights`.
void Finish(const GpuOpContext &context, std::vector<KernelArgument> weights,
            std::pair<int32_t, int32_t> numbers, KernelLaunch launch, GpuStep *step) {
  const View view(context.Input(0).shape);
  DefineTail(&launch, "TAIL", view.tail());
  launch.arguments = std::move(weights);
  launch.arguments.insert(launch.arguments.begin(), KernelArgument::Input(0));
  launch.arguments.push_back(KernelArgument::Output(0));
  std::vector<int32_t> ints = {Int(view.rows()), Int(view.w), Int(view.c), Int(view.pixels())};
  ints.resize(14);
  ints.push_back(numbers.first);
  ints.push_back(numbers.second);
  launch.arguments.push_back(KernelArgument::IntVector(std::move(ints)));
  launch.global = BlockThreads(context, view);
  launch.local = LocalSize(context, launch.global);
  step->launches.push_back(std::move(launch));
}

}  // namespace

MaceStatus SupportsActivation(const GpuOpContext &context) {
  return NeedConstant(context, 1, "slope");
}

MaceStatus BuildActivation(const GpuOpContext &context, GpuStep *step) {
  ops::ActivationAttrs attrs;
  MACE_RETURN_IF_ERROR(context.ParseAttrs(&attrs));
  const kernels::ActivationParams params = ops::MakeActivationParams(attrs);
  KernelLaunch launch = context.NewLaunch("elementwise", "activation");
  std::vector<KernelArgument> weights;
  std::pair<int32_t, int32_t> numbers = {0, 0};
  if (params.kind == kernels::kActivationPrelu) {
    const View view(context.Input(0).shape);
    const float *slope = context.Constant(1);
    if (slope == nullptr) return Refuse(context, "PRELU needs a slope");
    const bool one = context.Input(1).shape.elements() == 1;
    std::vector<float> slopes(static_cast<size_t>(view.c));
    for (size_t c = 0; c < slopes.size(); ++c) slopes[c] = slope[one ? 0 : c];
    Define(&launch, "SLOPE", 1);
    weights.push_back(AddVector(slopes.data(), view.c, step));
  } else {
    numbers = DefineActivation(params, &launch);
  }
  Finish(context, std::move(weights), numbers, std::move(launch), step);
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus SupportsBatchNorm(const GpuOpContext &context) {
  const char *const kNames[] = {"", "scale", "offset", "mean", "variance"};
  for (int i = 1; i < 5; ++i) MACE_RETURN_IF_ERROR(NeedConstant(context, i, kNames[i]));
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus BuildBatchNorm(const GpuOpContext &context, GpuStep *step) {
  ops::BatchNormAttrs attrs;
  MACE_RETURN_IF_ERROR(context.ParseAttrs(&attrs));
  const View view(context.Input(0).shape);
  const float *scale = context.Constant(1), *offset = context.Constant(2);
  const float *mean = context.Constant(3), *var = context.Constant(4);
  std::vector<float> factors(scale, scale + view.c), offsets(offset, offset + view.c);
  if (mean != nullptr && var != nullptr) {
    for (size_t c = 0; c < factors.size(); ++c) {
      factors[c] = static_cast<float>(scale[c] / std::sqrt(double{var[c]} + attrs.epsilon));
      offsets[c] = static_cast<float>(offset[c] - double{mean[c]} * factors[c]);
    }
  }
  KernelLaunch launch = context.NewLaunch("elementwise", "activation");
  Define(&launch, "SCALE", 1);
  const auto numbers = DefineActivation(ops::MakeActivationParams(attrs), &launch);
  std::vector<KernelArgument> weights = {AddVector(factors.data(), view.c, step),
                                         AddVector(offsets.data(), view.c, step)};
  Finish(context, std::move(weights), numbers, std::move(launch), step);
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus SupportsUnary(const GpuOpContext &context) {
  ops::UnaryAttrs attrs;
  MACE_RETURN_IF_ERROR(context.ParseAttrs(&attrs));
  using Type = ops::UnaryAttrs::Type;
  if (attrs.type != Type::kNot && attrs.type != Type::kBitNot) return MaceStatus::MACE_SUCCESS;
  return Refuse(context, "it is an operation of integers");
}

MaceStatus BuildUnary(const GpuOpContext &context, GpuStep *step) {
  ops::UnaryAttrs attrs;
  MACE_RETURN_IF_ERROR(context.ParseAttrs(&attrs));
  KernelLaunch launch = context.NewLaunch("elementwise", "unary");
  Define(&launch, "UNARY", static_cast<int>(attrs.type));
  Finish(context, {}, {0, 0}, std::move(launch), step);
  return MaceStatus::MACE_SUCCESS;
}

}  // namespace opencl
}  // namespace mace
