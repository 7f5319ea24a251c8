// SPDX-License-Identifier: Apache-2.0
// ArgMax on the GPU, along any axis.
#include "mace/ops/attrs/arg_max.h"

#include "mace/core/operator.h"
#include "mace/ops/opencl/builder.h"
#include "mace/ops/opencl/operators.h"

namespace mace {
namespace opencl {

namespace {

// From this many results on, a thread for each is work enough.
constexpr int64_t kManyResults = 1024;

}  // namespace

MaceStatus SupportsArgMax(const GpuOpContext &context) {
  const DataType dtype = context.Input(0).dtype;
  if (dtype == DT_FLOAT) return MaceStatus::MACE_SUCCESS;
  return Refuse(context, "its input is ", DataTypeName(dtype), ", not float32");
}

MaceStatus BuildArgMax(const GpuOpContext &context, GpuStep *step) {
  ops::ArgMaxAttrs attrs;
  MACE_RETURN_IF_ERROR(context.ParseAttrs(&attrs));
  const Shape &in = context.Input(0).shape;
  int axis = 0;
  if (!NormalizeAxis(attrs.axis, in.rank(), &axis)) return Refuse(context, "axis ", attrs.axis);
  const View view(in);
  const int64_t results = in.elements() / in[axis];
  const int64_t group = results >= kManyResults ? 1 : GroupFor(context, in[axis]);
  KernelLaunch launch = context.NewLaunch("arg_max", "arg_max");
  Define(&launch, "GROUP", group);
  if (attrs.argmin) Define(&launch, "ARGMIN", 1);
  if (context.Output(0).dtype == DT_INT64) Define(&launch, "WIDE", 1);
  launch.arguments = {
      KernelArgument::Input(0), KernelArgument::Output(0),
      KernelArgument::IntVector({Int(results), Int(in[axis]), Int(in.elements(axis + 1, in.rank())),
                                 Int(view.w), Int(view.c), 0, 0, 0})};
  launch.global = {group, results, 1};
  launch.local = {group, 1, 1};
  launch.fixed_local = true;
  step->launches.push_back(std::move(launch));
  return MaceStatus::MACE_SUCCESS;
}

}  // namespace opencl
}  // namespace mace
