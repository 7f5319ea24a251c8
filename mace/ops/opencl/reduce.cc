// SPDX-License-Identifier: Apache-2.0
// Reduce and SqrDiffMean on the GPU. Axes with others between them are moved to the end first.
#include "mace/ops/attrs/reduce.h"

#include <algorithm>

#include "mace/core/operator.h"
#include "mace/ops/attrs/sqr_diff_mean.h"
#include "mace/ops/opencl/movement.h"
#include "mace/ops/opencl/operators.h"
#include "mace/ops/opencl/reduction.h"

namespace mace {
namespace opencl {

namespace {

KernelArgument Numbers(const GpuOpContext &context, int64_t outer, int64_t count, int64_t inner) {
  const View in(context.Input(0).shape), out(context.Output(0).shape);
  const int64_t centre_w = context.HasInput(1) ? View(context.Input(1).shape).w : 0;
  return KernelArgument::IntVector({Int(outer), Int(count), Int(inner), Int(in.w), Int(in.c),
                                    Int(out.w), Int(out.c), Int(centre_w)});
}

void AddCentre(Reduction reduction, KernelLaunch *launch) {
  if (reduction != Reduction::kMeanSquaredDifference) return;
  launch->arguments.push_back(KernelArgument::Input(1));
}

struct Axes {
  ops::ReduceAttrs attrs;
  int begin = 0, end = 0;  // those that are reduced, if they follow each other
  // Else the order of dimensions in which they come last, and how many of them.
  std::vector<int> order;
  int reduced = 0;
};

// The axes of axes->attrs.
MaceStatus Arrange(const GpuOpContext &context, Axes *axes) {
  const Shape &in = context.Input(0).shape;
  std::vector<int> sorted;
  for (int64_t axis : axes->attrs.axis) {
    int normalized = 0;
    if (!NormalizeAxis(axis, in.rank(), &normalized)) return Refuse(context, "axis ", axis);
    sorted.push_back(normalized);
  }
  std::sort(sorted.begin(), sorted.end());
  sorted.erase(std::unique(sorted.begin(), sorted.end()), sorted.end());
  // Dimensions of 1 count as reduced or not, as suits.
  axes->begin = sorted.empty() ? 0 : sorted.front();
  axes->end = sorted.empty() ? in.rank() : sorted.back() + 1;
  for (int d = axes->begin; d < axes->end; ++d) {
    const bool reduced = sorted.empty() || std::binary_search(sorted.begin(), sorted.end(), d);
    if (reduced || in[d] == 1) continue;
    axes->reduced = static_cast<int>(sorted.size());
    for (int k = 0; k < in.rank(); ++k) {
      if (!std::binary_search(sorted.begin(), sorted.end(), k)) axes->order.push_back(k);
    }
    axes->order.insert(axes->order.end(), sorted.begin(), sorted.end());
    break;
  }
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus Describe(const GpuOpContext &context, Axes *axes) {
  MACE_RETURN_IF_ERROR(context.ParseAttrs(&axes->attrs));
  using Type = ops::ReduceAttrs::ReduceType;
  if (axes->attrs.reduce_type == Type::kAll || axes->attrs.reduce_type == Type::kAny) {
    return Refuse(context, "it is a logical reduction");
  }
  return Arrange(context, axes);
}

MaceStatus DescribeSqrDiffMean(const GpuOpContext &context, Axes *axes) {
  ops::SqrDiffMeanAttrs attrs;
  MACE_RETURN_IF_ERROR(context.ParseAttrs(&attrs));
  axes->attrs.axis = attrs.axis;
  MACE_RETURN_IF_ERROR(Arrange(context, axes));
  return axes->order.empty() ? MaceStatus::MACE_SUCCESS
                             : Refuse(context, "its axes are no neighbours");
}

Reduction KindOf(ops::ReduceAttrs::ReduceType type) {
  using Type = ops::ReduceAttrs::ReduceType;
  switch (type) {
    case Type::kMean:
      return Reduction::kMean;
    case Type::kMin:
      return Reduction::kMin;
    case Type::kMax:
      return Reduction::kMax;
    case Type::kProd:
      return Reduction::kProd;
    case Type::kSumSquare:
      return Reduction::kSumSquare;
    case Type::kL1:
      return Reduction::kL1;
    case Type::kL2:
      return Reduction::kL2;
    default:
      return Reduction::kSum;
  }
}

}  // namespace

void BuildReduction(const GpuOpContext &context, Reduction reduction, int64_t outer, int64_t count,
                    int64_t inner, GpuStep *step) {
  const View in(context.Input(0).shape);
  KernelLaunch launch = context.NewLaunch("reduce", "reduce_pixels");
  Define(&launch, "REDUCTION", static_cast<int>(reduction));
  const int64_t lx = in.blocks() >= 8 ? 8 : in.blocks() >= 4 ? 4 : 1;
  int64_t ks = 1;
  while (ks < 32 && ks * 2 <= count && lx * ks * 2 <= context.device->max_work_group) ks *= 2;
  if (context.device->unsafe_barriers) ks = 1;
  Define(&launch, "LX", lx);
  Define(&launch, "KS", ks);
  DefineTail(&launch, "TAIL", in.tail());
  launch.arguments = {KernelArgument::Input(0), KernelArgument::Output(0),
                      Numbers(context, outer, count, inner)};
  AddCentre(reduction, &launch);
  launch.global = {CeilDiv(in.blocks(), lx) * lx, ks, outer * inner};
  launch.local = {lx, ks, 1};
  launch.fixed_local = true;
  step->launches.push_back(std::move(launch));
}

void BuildChannelReduction(const GpuOpContext &context, Reduction reduction, int64_t outer,
                           int64_t count, GpuStep *step) {
  const View in(context.Input(0).shape);
  KernelLaunch launch = context.NewLaunch("reduce", "reduce_channels");
  Define(&launch, "REDUCTION", static_cast<int>(reduction));
  const int64_t group = GroupFor(context, in.blocks() * count);
  Define(&launch, "CHANNELS", 1);
  Define(&launch, "GROUP", group);
  DefineTail(&launch, "TAIL", in.tail());
  launch.arguments = {KernelArgument::Input(0), KernelArgument::Output(0),
                      Numbers(context, outer, count, 1)};
  AddCentre(reduction, &launch);
  launch.global = {group, outer, 1};
  launch.local = {group, 1, 1};
  launch.fixed_local = true;
  step->launches.push_back(std::move(launch));
}

namespace {

// With the axes moved to the end, in buffers.
void BuildMoved(const GpuOpContext &wanted, const Axes &axes, GpuStep *step) {
  GpuOpContext context = InBuffers(wanted, step);
  const Shape in = context.Input(0).shape;
  const std::vector<int64_t> far = Distances(in);
  Movement movement;
  Shape moved;
  for (int axis : axes.order) {
    movement.Add(in[axis], far[static_cast<size_t>(axis)]);
    moved.push_back(in[axis]);
  }
  const KernelArgument between = AddScratch(in.elements(), false, step);
  AddMove(context, movement, in.elements(), KernelArgument::Input(0), between, step);
  context.inputs[0].shape = moved;
  const int first = in.rank() - axes.reduced;
  BuildChannelReduction(context, KindOf(axes.attrs.reduce_type), moved.elements(0, first),
                        moved.elements(first, in.rank()) / View(moved).c, step);
  step->launches.back().arguments[0] = between;
}

}  // namespace

MaceStatus SupportsReduce(const GpuOpContext &context) {
  Axes axes;
  return Describe(context, &axes);
}

namespace {

// Axes that follow each other, where the tensors lie.
void BuildInPlace(const GpuOpContext &wanted, const Axes &axes, Reduction kind, GpuStep *step) {
  const Shape &in = wanted.Input(0).shape;
  const int64_t outer = in.elements(0, axes.begin);
  const View view(in);
  if (axes.end == in.rank()) {
    // The number of pixels of a result, unless it is but a part of one: a scalar has no axes.
    const int64_t inside = in.elements(axes.begin, in.rank());
    const bool one_channel = View(wanted.Output(0).shape).c == 1;
    const GpuOpContext context = one_channel ? wanted : InBuffers(wanted, step);
    BuildChannelReduction(context, kind, outer, inside / view.c, step);
    return;
  }
  const int64_t count = in.elements(axes.begin, axes.end);
  const int64_t inner = in.elements(axes.end, in.rank()) / view.c;
  BuildReduction(wanted, kind, outer, count, inner, step);
}

}  // namespace

MaceStatus BuildReduce(const GpuOpContext &context, GpuStep *step) {
  Axes axes;
  MACE_RETURN_IF_ERROR(Describe(context, &axes));
  if (axes.order.empty()) {
    BuildInPlace(context, axes, KindOf(axes.attrs.reduce_type), step);
  } else {
    BuildMoved(context, axes, step);
  }
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus SupportsSqrDiffMean(const GpuOpContext &context) {
  Axes axes;
  return DescribeSqrDiffMean(context, &axes);
}

MaceStatus BuildSqrDiffMean(const GpuOpContext &context, GpuStep *step) {
  Axes axes;
  MACE_RETURN_IF_ERROR(DescribeSqrDiffMean(context, &axes));
  BuildInPlace(context, axes, Reduction::kMeanSquaredDifference, step);
  return MaceStatus::MACE_SUCCESS;
}

}  // namespace opencl
}  // namespace mace
