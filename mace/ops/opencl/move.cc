// SPDX-License-Identifier: Apache-2.0
// What moves elements, on the GPU: Transpose, Slice, StridedSlice, Crop, Reverse, Tile, Expand,
// ChannelShuffle, SpaceToDepth, DepthToSpace. Each is a list of the
// output's dimensions with the distance of their elements in the input, in buffers; Gather has a
// table of indices besides.
#include "mace/core/operator.h"
#include "mace/ops/attrs/channel_shuffle.h"
#include "mace/ops/attrs/crop.h"
#include "mace/ops/attrs/depth_to_space.h"
#include "mace/ops/attrs/gather.h"
#include "mace/ops/attrs/reverse.h"
#include "mace/ops/attrs/space_to_depth.h"
#include "mace/ops/attrs/strided_slice.h"
#include "mace/ops/attrs/transpose.h"
#include "mace/ops/data_movement.h"
#include "mace/ops/opencl/movement.h"
#include "mace/ops/opencl/operators.h"

namespace mace {
namespace opencl {

namespace {

// Elements of a constant input of integers; false when its elements are not at hand.
bool Integers(const GpuOpContext &context, int i, std::vector<int64_t> *values) {
  values->clear();
  const Tensor *constant = context.HasInput(i) ? context.Input(i).constant : nullptr;
  if (constant == nullptr || constant->raw == nullptr) return false;
  for (int64_t k = 0; k < constant->elements(); ++k) {
    if (constant->dtype == DT_INT32) values->push_back(constant->data<int32_t>()[k]);
    if (constant->dtype == DT_INT64) values->push_back(constant->data<int64_t>()[k]);
  }
  return static_cast<int64_t>(values->size()) == constant->elements();
}

MaceStatus NeedFloats(const GpuOpContext &context) {
  if (context.Input(0).dtype == DT_FLOAT) return MaceStatus::MACE_SUCCESS;
  return Refuse(context, "its input is ", DataTypeName(context.Input(0).dtype), ", not float32");
}

// Inputs from the second on are constants of integers.
MaceStatus NeedIntegers(const GpuOpContext &context) {
  MACE_RETURN_IF_ERROR(NeedFloats(context));
  for (int i = 1; i < static_cast<int>(context.inputs.size()); ++i) {
    if (!context.HasInput(i)) continue;
    const DataType dtype = context.Input(i).dtype;
    if (context.Input(i).constant == nullptr || (dtype != DT_INT32 && dtype != DT_INT64)) {
      return Refuse(context, "its input ", i, " is not a constant of integers");
    }
  }
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus BuildMove(const GpuOpContext &wanted, const Movement &movement, GpuStep *step) {
  MACE_RETURN_IF_ERROR(CheckMovement(wanted, movement));
  AddMove(InBuffers(wanted, step), movement, wanted.Output(0).shape.elements(),
          KernelArgument::Input(0), KernelArgument::Output(0), step);
  return MaceStatus::MACE_SUCCESS;
}

// One range for each dimension of the input.
Movement Cut(const Shape &in, const std::vector<ops::DimRange> &ranges) {
  Movement movement;
  const std::vector<int64_t> distances = Distances(in);
  for (size_t d = 0; d < ranges.size(); ++d) {
    movement.base += ranges[d].start * distances[d];
    movement.Add(ranges[d].count, ranges[d].step * distances[d]);
  }
  return movement;
}

std::vector<ops::DimRange> Whole(const Shape &shape) {
  std::vector<ops::DimRange> ranges;
  for (int64_t dim : shape) ranges.push_back({0, 1, dim});
  return ranges;
}

// Blocks of images: rows and columns of the output as (quotient, remainder) of a block.
MaceStatus DescribeDepthToSpace(const GpuOpContext &context, Movement *m) {
  ops::DepthToSpaceAttrs attrs;
  MACE_RETURN_IF_ERROR(context.ParseAttrs(&attrs));
  const Shape &in = context.Input(0).shape, &out = context.Output(0).shape;
  const std::vector<int64_t> far = Distances(in);
  const int64_t block = attrs.block_size;
  const bool block_first = attrs.mode == ops::DepthToSpaceAttrs::Mode::kDcr;
  const int64_t column = block_first ? out[3] : 1, channel = block_first ? 1 : block * block;
  m->Add(in[0], far[0]);
  m->Add(in[1], far[1]);
  m->Add(block, block * column);
  m->Add(in[2], far[2]);
  m->Add(block, column);
  m->Add(out[3], channel);
  return CheckMovement(context, *m);
}

MaceStatus DescribeSpaceToDepth(const GpuOpContext &context, Movement *m) {
  ops::SpaceToDepthAttrs attrs;
  MACE_RETURN_IF_ERROR(context.ParseAttrs(&attrs));
  const Shape &in = context.Input(0).shape, &out = context.Output(0).shape;
  const std::vector<int64_t> far = Distances(in);
  const int64_t block = attrs.block_size;
  m->Add(in[0], far[0]);
  m->Add(out[1], block * far[1]);
  m->Add(out[2], block * far[2]);
  m->Add(block, far[1]);
  m->Add(block, far[2]);
  m->Add(in[3], 1);
  return CheckMovement(context, *m);
}

MaceStatus DescribeTile(const GpuOpContext &context, Movement *m) {
  MACE_RETURN_IF_ERROR(NeedFloats(context));
  const Shape &in = context.Input(0).shape, &out = context.Output(0).shape;
  const std::vector<int64_t> far = Distances(in);
  for (int d = 0; d < in.rank(); ++d) {
    m->Add(out[d] / in[d], 0);
    m->Add(in[d], far[static_cast<size_t>(d)]);
  }
  return CheckMovement(context, *m);
}

MaceStatus DescribeExpand(const GpuOpContext &context, Movement *m) {
  MACE_RETURN_IF_ERROR(NeedFloats(context));
  const Shape &in = context.Input(0).shape, &out = context.Output(0).shape;
  const std::vector<int64_t> far = Distances(in);
  for (int d = 0; d < out.rank(); ++d) {
    const int own = d - (out.rank() - in.rank());
    const bool repeated = own < 0 || in[own] == 1;
    m->Add(out[d], repeated ? 0 : far[static_cast<size_t>(own)]);
  }
  return CheckMovement(context, *m);
}

MaceStatus DescribeTranspose(const GpuOpContext &context, Movement *m) {
  ops::TransposeAttrs attrs;
  MACE_RETURN_IF_ERROR(context.ParseAttrs(&attrs));
  const Shape &in = context.Input(0).shape;
  const std::vector<int64_t> far = Distances(in);
  for (int d = 0; d < in.rank(); ++d) {
    const int64_t named =
        attrs.dims.empty() ? in.rank() - 1 - d : attrs.dims[static_cast<size_t>(d)];
    int axis = 0;
    if (!NormalizeAxis(named, in.rank(), &axis)) return Refuse(context, "axis ", named);
    m->Add(in[axis], far[static_cast<size_t>(axis)]);
  }
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus DescribeChannelShuffle(const GpuOpContext &context, Movement *m) {
  ops::ChannelShuffleAttrs attrs;
  MACE_RETURN_IF_ERROR(context.ParseAttrs(&attrs));
  const View view(context.Input(0).shape);
  const int64_t depth = view.c / attrs.group;
  m->Add(view.pixels(), view.c);
  m->Add(depth, 1);
  m->Add(attrs.group, depth);
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus DescribeReverse(const GpuOpContext &context, Movement *m) {
  ops::ReverseAttrs attrs;
  MACE_RETURN_IF_ERROR(context.ParseAttrs(&attrs));
  const Shape &in = context.Input(0).shape;
  std::vector<ops::DimRange> ranges = Whole(in);
  for (int64_t named : attrs.axis) {
    int axis = 0;
    if (!NormalizeAxis(named, in.rank(), &axis)) return Refuse(context, "axis ", named);
    ranges[static_cast<size_t>(axis)] = {in[axis] - 1, -1, in[axis]};
  }
  *m = Cut(in, ranges);
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus DescribeCrop(const GpuOpContext &context, Movement *m) {
  ops::CropAttrs attrs;
  MACE_RETURN_IF_ERROR(context.ParseAttrs(&attrs));
  const Shape &in = context.Input(0).shape, &out = context.Output(0).shape;
  std::vector<ops::DimRange> ranges = Whole(in);
  for (size_t d = 0; d < ranges.size(); ++d) {
    if (attrs.offset[d] == -1) continue;
    ranges[d] = {attrs.offset[d], 1, out[static_cast<int>(d)]};
  }
  *m = Cut(in, ranges);
  return MaceStatus::MACE_SUCCESS;
}

}  // namespace

// Of what attributes and shapes describe: asked before, and built.
#define MACE_GPU_MOVE(Name, Describe)                                  \
  MaceStatus Supports##Name(const GpuOpContext &context) {             \
    Movement movement;                                                 \
    return Describe(context, &movement);                               \
  }                                                                    \
  MaceStatus Build##Name(const GpuOpContext &context, GpuStep *step) { \
    Movement movement;                                                 \
    MACE_RETURN_IF_ERROR(Describe(context, &movement));                \
    return BuildMove(context, movement, step);                         \
  }

MACE_GPU_MOVE(ChannelShuffle, DescribeChannelShuffle)
MACE_GPU_MOVE(Crop, DescribeCrop)
MACE_GPU_MOVE(DepthToSpace, DescribeDepthToSpace)
MACE_GPU_MOVE(Expand, DescribeExpand)
MACE_GPU_MOVE(Reverse, DescribeReverse)
MACE_GPU_MOVE(SpaceToDepth, DescribeSpaceToDepth)
MACE_GPU_MOVE(Tile, DescribeTile)
MACE_GPU_MOVE(Transpose, DescribeTranspose)

#undef MACE_GPU_MOVE

MaceStatus SupportsSlice(const GpuOpContext &context) { return NeedIntegers(context); }

MaceStatus BuildSlice(const GpuOpContext &context, GpuStep *step) {
  const Shape &in = context.Input(0).shape;
  std::vector<int64_t> starts, ends, axes, steps;
  if (!Integers(context, 1, &starts) || !Integers(context, 2, &ends)) {
    return Refuse(context, "its starts or ends are not known");
  }
  Integers(context, 3, &axes);
  Integers(context, 4, &steps);
  std::vector<ops::DimRange> ranges = Whole(in);
  for (size_t i = 0; i < starts.size() && i < ends.size(); ++i) {
    int axis = 0;
    const int64_t named = i < axes.size() ? axes[i] : static_cast<int64_t>(i);
    if (!NormalizeAxis(named, in.rank(), &axis)) return Refuse(context, "axis ", named);
    const int64_t step_size = i < steps.size() ? steps[i] : 1;
    if (step_size == 0) return Refuse(context, "the step along axis ", axis, " is 0");
    ranges[static_cast<size_t>(axis)] = ops::ClampedRange(in[axis], starts[i], ends[i], step_size);
  }
  return BuildMove(context, Cut(in, ranges), step);
}

MaceStatus SupportsStridedSlice(const GpuOpContext &context) {
  ops::StridedSliceAttrs attrs;
  MACE_RETURN_IF_ERROR(context.ParseAttrs(&attrs));
  if (attrs.ellipsis_mask != 0 || attrs.new_axis_mask != 0) {
    return Refuse(context, "it has an ellipsis or new axes, which the GPU does not take");
  }
  return NeedIntegers(context);
}

MaceStatus BuildStridedSlice(const GpuOpContext &context, GpuStep *step) {
  ops::StridedSliceAttrs attrs;
  MACE_RETURN_IF_ERROR(context.ParseAttrs(&attrs));
  const Shape &in = context.Input(0).shape;
  std::vector<int64_t> begin, end, strides;
  if (!Integers(context, 1, &begin) || !Integers(context, 2, &end)) {
    return Refuse(context, "its begin or end is not known");
  }
  Integers(context, 3, &strides);
  std::vector<ops::DimRange> ranges = Whole(in);
  if (begin.size() > ranges.size() || end.size() != begin.size()) {
    return Refuse(context, "begin and end do not fit the input");
  }
  for (size_t i = 0; i < begin.size(); ++i) {
    const int64_t dim = in[static_cast<int>(i)];
    const int64_t stride = i < strides.size() ? strides[i] : 1;
    if (stride == 0) return Refuse(context, "the stride along axis ", i, " is 0");
    if (attrs.shrink_axis_mask >> i & 1) {
      ranges[i] = {begin[i] < 0 ? begin[i] + dim : begin[i], 1, 1};
      continue;
    }
    const int64_t first = stride > 0 ? 0 : dim - 1, last = stride > 0 ? dim : -dim - 1;
    ranges[i] = ops::ClampedRange(dim, attrs.begin_mask >> i & 1 ? first : begin[i],
                                  attrs.end_mask >> i & 1 ? last : end[i], stride);
  }
  return BuildMove(context, Cut(in, ranges), step);
}

namespace {

// The indices of a Gather along an axis of `dim` elements, as floats, which hold them exactly.
MaceStatus DescribeGather(const GpuOpContext &context, int *axis, std::vector<float> *table) {
  ops::GatherAttrs attrs;
  MACE_RETURN_IF_ERROR(context.ParseAttrs(&attrs));
  const Shape &in = context.Input(0).shape;
  if (!NormalizeAxis(attrs.axis, in.rank(), axis)) return Refuse(context, "axis ", attrs.axis);
  const int64_t dim = in[*axis];
  if (dim >= 1 << 24) return Refuse(context, "its axis has ", dim, " elements");
  std::vector<int64_t> indices;
  if (!Integers(context, 1, &indices)) return MaceStatus::MACE_SUCCESS;  // no elements at hand
  for (int64_t index : indices) {
    if (index < -dim || index >= dim) {
      return Refuse(context, "index ", index, " is not one of ", dim, " elements");
    }
    table->push_back(static_cast<float>(index < 0 ? index + dim : index));
  }
  return MaceStatus::MACE_SUCCESS;
}

}  // namespace

MaceStatus SupportsGather(const GpuOpContext &context) {
  MACE_RETURN_IF_ERROR(NeedIntegers(context));
  int axis = 0;
  std::vector<float> table;
  return DescribeGather(context, &axis, &table);
}

MaceStatus BuildGather(const GpuOpContext &wanted, GpuStep *step) {
  int axis = 0;
  std::vector<float> table;
  MACE_RETURN_IF_ERROR(DescribeGather(wanted, &axis, &table));
  if (table.empty()) return Refuse(wanted, "its indices are not known");
  const GpuOpContext context = InBuffers(wanted, step);
  const Shape &in = context.Input(0).shape;
  const int64_t inner = in.elements(axis + 1, in.rank());
  const int64_t elements = context.Output(0).shape.elements();
  KernelLaunch launch = context.NewLaunch("move", "gather");
  Define(&launch, "GATHER", inner % 4 == 0 ? 4 : 1);
  const auto count = static_cast<int64_t>(table.size());
  launch.arguments = {
      KernelArgument::Input(0), AddVector(table.data(), count, step), KernelArgument::Output(0),
      KernelArgument::IntVector({Int(elements), Int(count), Int(inner), Int(in[axis])})};
  launch.global = {inner % 4 == 0 ? elements / 4 : elements, 1, 1};
  launch.local = LocalSize(context, launch.global);
  step->launches.push_back(std::move(launch));
  return MaceStatus::MACE_SUCCESS;
}

}  // namespace opencl
}  // namespace mace
