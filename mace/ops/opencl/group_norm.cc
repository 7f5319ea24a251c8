// SPDX-License-Identifier: Apache-2.0
// GroupNorm on the GPU, with groups of any number of channels.
#include "mace/ops/attrs/group_norm.h"

#include "mace/ops/opencl/builder.h"
#include "mace/ops/opencl/operators.h"

namespace mace {
namespace opencl {

MaceStatus SupportsGroupNorm(const GpuOpContext &) { return MaceStatus::MACE_SUCCESS; }

MaceStatus BuildGroupNorm(const GpuOpContext &context, GpuStep *step) {
  ops::GroupNormAttrs attrs;
  MACE_RETURN_IF_ERROR(context.ParseAttrs(&attrs));
  const View view(context.Input(0).shape);
  const int64_t images = context.Input(0).shape[0], pixels = view.pixels() / images;
  std::vector<int32_t> numbers = {Int(images),
                                  Int(pixels),
                                  Int(view.w),
                                  Int(view.c),
                                  Int(attrs.groups > 0 ? view.c / attrs.groups : 1),
                                  FloatBits(attrs.epsilon)};
  for (int i = 1; i < 3; ++i) {
    const View of = context.HasInput(i) ? View(context.Input(i).shape) : view;
    numbers.insert(numbers.end(), {Int(of.w), Int(of.c)});
  }
  const KernelArgument p = KernelArgument::IntVector(numbers);
  const KernelArgument moments = AddScratch(images * view.blocks() * 8, true, step);
  const KernelArgument factors = AddScratch(images * view.blocks() * 12, true, step);

  KernelLaunch measure = context.NewLaunch("group_norm", "channel_moments");
  const int64_t group = GroupFor(context, pixels);
  Define(&measure, "MOMENTS", 1);
  Define(&measure, "GROUP", group);
  DefineTail(&measure, "TAIL", view.tail());
  measure.arguments = {KernelArgument::Input(0), moments, p};
  measure.global = {group, view.blocks(), images};
  measure.local = {group, 1, 1};
  measure.fixed_local = true;

  KernelLaunch combine = context.NewLaunch("group_norm", "channel_factors");
  Define(&combine, "FACTORS", 1);
  combine.arguments = {moments};
  for (int i = 1; i < 3; ++i) {
    if (!context.HasInput(i)) continue;
    Define(&combine, i == 1 ? "SCALE" : "OFFSET", 1);
    combine.arguments.push_back(KernelArgument::Input(i));
  }
  combine.arguments.insert(combine.arguments.end(), {factors, p});
  combine.global = {view.blocks(), images, 1};
  combine.local = LocalSize(context, combine.global);

  KernelLaunch apply = context.NewLaunch("group_norm", "group_norm");
  DefineTail(&apply, "TAIL", view.tail());
  apply.arguments = {KernelArgument::Input(0), factors, KernelArgument::Output(0), p};
  apply.global = {view.blocks(), view.pixels(), 1};
  apply.local = LocalSize(context, apply.global);
  step->launches.push_back(std::move(measure));
  step->launches.push_back(std::move(combine));
  step->launches.push_back(std::move(apply));
  return MaceStatus::MACE_SUCCESS;
}

}  // namespace opencl
}  // namespace mace
