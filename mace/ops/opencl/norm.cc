// SPDX-License-Identifier: Apache-2.0
// LayerNorm, LocalResponseNorm and Normalize on the GPU.
#include <algorithm>

#include "mace/core/operator.h"
#include "mace/ops/attrs/layer_norm.h"
#include "mace/ops/attrs/local_response_norm.h"
#include "mace/ops/attrs/normalize.h"
#include "mace/ops/opencl/builder.h"
#include "mace/ops/opencl/operators.h"

namespace mace {
namespace opencl {

namespace {

// Over all channels of `count` pixels that follow each other, by a work-group each.
void Finish(const GpuOpContext &context, int64_t outer, int64_t count, float epsilon,
            KernelLaunch launch, GpuStep *step) {
  const View view(context.Input(0).shape);
  const int64_t scale_w = context.HasInput(1) ? View(context.Input(1).shape).w : 1;
  const int64_t group = GroupFor(context, view.blocks() * count);
  Define(&launch, "GROUP", group);
  DefineTail(&launch, "TAIL", view.tail());
  launch.arguments = {KernelArgument::Input(0)};
  for (int i = 1; i < 3; ++i) {
    if (context.HasInput(i)) launch.arguments.push_back(KernelArgument::Input(i));
  }
  launch.arguments.push_back(KernelArgument::Output(0));
  launch.arguments.push_back(KernelArgument::IntVector(
      {Int(outer), Int(count), Int(scale_w), Int(view.w), Int(view.c), FloatBits(epsilon), 0, 0}));
  launch.global = {group, outer, 1};
  launch.local = {group, 1, 1};
  launch.fixed_local = true;
  step->launches.push_back(std::move(launch));
}

}  // namespace

MaceStatus SupportsLayerNorm(const GpuOpContext &) { return MaceStatus::MACE_SUCCESS; }

MaceStatus BuildLayerNorm(const GpuOpContext &wanted, GpuStep *step) {
  ops::LayerNormAttrs attrs;
  MACE_RETURN_IF_ERROR(wanted.ParseAttrs(&attrs));
  const Shape &in = wanted.Input(0).shape;
  int axis = 0;
  if (!NormalizeAxis(attrs.axis, in.rank(), &axis)) return Refuse(wanted, "axis ", attrs.axis);
  const View view(in);
  // In images, scale and offset must lie as the tensor does.
  bool same = true;
  for (int i = 1; i < 3; ++i)
    same = same && (!wanted.HasInput(i) || View(wanted.Input(i).shape).c == view.c);
  const GpuOpContext context = same ? wanted : InBuffers(wanted, step);
  KernelLaunch launch = context.NewLaunch("norm", "layer_norm");
  if (context.HasInput(1)) Define(&launch, "SCALE", 1);
  if (context.HasInput(2)) Define(&launch, "OFFSET", 1);
  Finish(context, in.elements(0, axis), in.elements(axis, in.rank()) / view.c, attrs.epsilon,
         std::move(launch), step);
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus SupportsNormalize(const GpuOpContext &) { return MaceStatus::MACE_SUCCESS; }

MaceStatus BuildNormalize(const GpuOpContext &context, GpuStep *step) {
  ops::NormalizeAttrs attrs;
  MACE_RETURN_IF_ERROR(context.ParseAttrs(&attrs));
  const Shape &in = context.Input(0).shape;
  const View view(in);
  const int64_t outer = attrs.across_spatial ? in[0] : view.pixels();
  KernelLaunch launch = context.NewLaunch("norm", "l2_normalize");
  Define(&launch, "SCALE", 1);
  Define(&launch, "ONE_SCALE", context.Input(1).shape.elements() == 1 ? 1 : 0);
  Finish(context, outer, view.pixels() / outer, attrs.epsilon, std::move(launch), step);
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus SupportsLocalResponseNorm(const GpuOpContext &) { return MaceStatus::MACE_SUCCESS; }

MaceStatus BuildLocalResponseNorm(const GpuOpContext &context, GpuStep *step) {
  ops::LocalResponseNormAttrs attrs;
  MACE_RETURN_IF_ERROR(context.ParseAttrs(&attrs));
  const View view(context.Input(0).shape);
  KernelLaunch launch = context.NewLaunch("norm", "local_response_norm");
  Define(&launch, "LRN", 1);
  DefineTail(&launch, "TAIL", view.tail());
  const int64_t radius = std::min<int64_t>(attrs.depth_radius, view.c);
  launch.arguments = {
      KernelArgument::Input(0), KernelArgument::Output(0),
      KernelArgument::IntVector({Int(view.pixels()), Int(view.w), Int(view.c), Int(radius),
                                 FloatBits(attrs.bias), FloatBits(attrs.alpha),
                                 FloatBits(attrs.beta), 0})};
  launch.global = {view.blocks(), view.pixels(), 1};
  launch.local = LocalSize(context, launch.global);
  step->launches.push_back(std::move(launch));
  return MaceStatus::MACE_SUCCESS;
}

}  // namespace opencl
}  // namespace mace
