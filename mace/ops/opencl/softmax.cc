// SPDX-License-Identifier: Apache-2.0
// Softmax on the GPU, along any axis.
#include "mace/ops/attrs/softmax.h"

#include "mace/core/operator.h"
#include "mace/ops/opencl/builder.h"
#include "mace/ops/opencl/operators.h"

namespace mace {
namespace opencl {

MaceStatus SupportsSoftmax(const GpuOpContext &) { return MaceStatus::MACE_SUCCESS; }

MaceStatus BuildSoftmax(const GpuOpContext &context, GpuStep *step) {
  ops::SoftmaxAttrs attrs;
  MACE_RETURN_IF_ERROR(context.ParseAttrs(&attrs));
  const Shape &shape = context.Input(0).shape;
  int axis = 0;
  if (!NormalizeAxis(attrs.axis, shape.rank(), &axis)) return Refuse(context, "axis ", attrs.axis);
  const View view(shape);
  const int64_t outer = shape.elements(0, axis);
  const int64_t after = shape.elements(axis + 1, shape.rank());
  const bool channels = attrs.flatten || after == 1;
  const int64_t count = channels ? shape.elements(axis, shape.rank()) / view.c : shape[axis];
  const int64_t inner = channels ? 1 : after / view.c;
  KernelLaunch launch = context.NewLaunch("softmax", channels ? "softmax" : "softmax_pixels");
  if (attrs.log) Define(&launch, "LOG", 1);
  DefineTail(&launch, "TAIL", view.tail());
  launch.arguments = {KernelArgument::Input(0), KernelArgument::Output(0),
                      KernelArgument::IntVector(
                          {Int(outer), Int(count), Int(inner), Int(view.w), Int(view.c), 0, 0, 0})};
  if (channels) {
    const int64_t group = GroupFor(context, view.blocks() * count);
    Define(&launch, "CHANNELS", 1);
    Define(&launch, "GROUP", group);
    launch.global = {group, outer, 1};
    launch.local = {group, 1, 1};
    launch.fixed_local = true;
  } else {
    launch.global = {view.blocks(), inner, outer};
    launch.local = LocalSize(context, launch.global);
  }
  step->launches.push_back(std::move(launch));
  return MaceStatus::MACE_SUCCESS;
}

}  // namespace opencl
}  // namespace mace
