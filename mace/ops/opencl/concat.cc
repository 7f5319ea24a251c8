// SPDX-License-Identifier: Apache-2.0
// Concat, Split, Stack and Unstack on the GPU: one copy for each part. Images are copied by texels
// where the parts begin at whole texels, all else, and along new axes, in buffers.
#include "mace/ops/attrs/concat.h"

#include "mace/core/operator.h"
#include "mace/ops/attrs/split.h"
#include "mace/ops/attrs/stack.h"
#include "mace/ops/attrs/unstack.h"
#include "mace/ops/opencl/builder.h"
#include "mace/ops/opencl/operators.h"

namespace mace {
namespace opencl {

namespace {

// One side of a copy: the whole tensor, and how far into it along the axis the part begins.
struct Side {
  Shape shape;
  int64_t offset = 0;
};

// Copies `part` elements along `axis`.
struct Copy {
  int axis;
  int64_t part;
  Side from, to;
};

bool TexelsFit(const Copy &copy) {
  const int rank = copy.to.shape.rank();
  if (copy.axis == rank - 1) {
    // The last texel of a part must not hold channels that follow it.
    const bool ends =
        copy.part % 4 == 0 || copy.from.offset + copy.part == copy.from.shape[copy.axis];
    return ends && copy.from.offset % 4 == 0 && copy.to.offset % 4 == 0;
  }
  if (rank == 2 || copy.axis >= rank - 3) return true;
  return rank == 4 && copy.axis == 0;
}

void AddTexelCopy(const GpuOpContext &context, const Copy &copy, KernelArgument from,
                  KernelArgument to, GpuStep *step) {
  const int rank = copy.to.shape.rank();
  const View a(copy.from.shape), b(copy.to.shape);
  // Sizes of the part, and where it begins in both; rows are those of one image unless it is the
  // images that are counted.
  int64_t w = b.w, blocks = b.blocks(), h = b.h, n = b.n, a_rows = a.h, b_rows = b.h;
  int64_t at_a[3] = {0, 0, 0}, at_b[3] = {0, 0, 0};  // x, block, row
  if (copy.axis == rank - 1) {
    blocks = CeilDiv(copy.part, 4);
    at_a[1] = copy.from.offset / 4;
    at_b[1] = copy.to.offset / 4;
  } else if (rank > 2 && copy.axis == rank - 2) {
    w = copy.part;
    at_a[0] = copy.from.offset;
    at_b[0] = copy.to.offset;
  } else if (rank > 3 && copy.axis == rank - 3) {
    h = copy.part;
    at_a[2] = copy.from.offset;
    at_b[2] = copy.to.offset;
  } else {
    h = copy.part * b.h;
    n = 1;
    at_a[2] = copy.from.offset * a.h;
    at_b[2] = copy.to.offset * b.h;
  }
  KernelLaunch launch = context.NewLaunch("concat", "concat");
  launch.arguments = {
      from, to,
      KernelArgument::IntVector({Int(w), Int(blocks), Int(h * n), Int(h), Int(a_rows), Int(b_rows),
                                 Int(a.w), Int(b.w), Int(at_a[0]), Int(at_a[1]), Int(at_a[2]),
                                 Int(at_b[0]), Int(at_b[1]), Int(at_b[2]), 0, 0})};
  launch.global = {w, blocks, h * n};
  launch.local = LocalSize(context, launch.global);
  step->launches.push_back(std::move(launch));
}

void AddCopy(const GpuOpContext &context, const Copy &copy, KernelArgument from, KernelArgument to,
             GpuStep *step) {
  const Shape &shape = copy.to.shape;
  const int64_t outer = shape.elements(0, copy.axis);
  const int64_t inner = shape.elements(copy.axis + 1, shape.rank());
  const int64_t count = copy.part * inner;
  const int64_t numbers[] = {count, copy.from.shape[copy.axis] * inner, shape[copy.axis] * inner,
                             copy.from.offset * inner, copy.to.offset * inner};
  KernelLaunch launch = context.NewLaunch("concat", "concat");
  bool aligned = true;
  std::vector<int32_t> p = {Int(outer)};
  for (int64_t number : numbers) {
    aligned = aligned && number % 4 == 0;
    p.push_back(Int(number));
  }
  p.resize(8);
  if (aligned) Define(&launch, "ALIGNED", 1);
  launch.arguments = {from, to, KernelArgument::IntVector(std::move(p))};
  launch.global = {CeilDiv(count, 4), outer, 1};
  launch.local = LocalSize(context, launch.global);
  step->launches.push_back(std::move(launch));
}

// `copies` in the order of inputs (or of outputs when it is a split).
void AddCopies(const GpuOpContext &wanted, const std::vector<Copy> &copies, bool split,
               GpuStep *step) {
  bool texels = wanted.images();
  for (const Copy &copy : copies) texels = texels && TexelsFit(copy);
  const GpuOpContext context = texels ? wanted : InBuffers(wanted, step);
  for (size_t i = 0; i < copies.size(); ++i) {
    if (copies[i].part == 0 || (!split && wanted.inputs[i].placed)) continue;
    const int number = static_cast<int>(i);
    const KernelArgument from = KernelArgument::Input(split ? 0 : number);
    const KernelArgument to = KernelArgument::Output(split ? number : 0);
    if (texels) {
      AddTexelCopy(context, copies[i], from, to, step);
    } else {
      AddCopy(context, copies[i], from, to, step);
    }
  }
}

}  // namespace

namespace {

// Parts of one index each along `named` of `whole`, which the parts do not have.
MaceStatus CopySlices(const GpuOpContext &wanted, const Shape &whole, int64_t named, bool split,
                      GpuStep *step) {
  int axis = 0;
  if (!NormalizeAxis(named, whole.rank(), &axis)) return Refuse(wanted, "axis ", named);
  Shape part = whole;
  part[axis] = 1;
  const GpuOpContext context = InBuffers(wanted, step);
  const size_t count = split ? wanted.outputs.size() : wanted.inputs.size();
  for (size_t i = 0; i < count; ++i) {
    const int number = static_cast<int>(i);
    const Side slice = {part, 0}, all = {whole, number};
    AddCopy(context, {axis, 1, split ? all : slice, split ? slice : all},
            KernelArgument::Input(split ? 0 : number), KernelArgument::Output(split ? number : 0),
            step);
  }
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus NeedFloats(const GpuOpContext &context) {
  if (context.Input(0).dtype == DT_FLOAT) return MaceStatus::MACE_SUCCESS;
  return Refuse(context, "its input is ", DataTypeName(context.Input(0).dtype), ", not float32");
}

}  // namespace

MaceStatus SupportsConcat(const GpuOpContext &) { return MaceStatus::MACE_SUCCESS; }

bool PartsOfConcat(const GpuOpContext &context, bool output) {
  ops::ConcatAttrs attrs;
  const int rank = context.Output(0).shape.rank();
  int axis = 0;
  if (!output || !context.ParseAttrs(&attrs).ok() || rank != 4) return false;
  if (!NormalizeAxis(attrs.axis, rank, &axis) || axis != rank - 1) return false;
  // In images too they can be written where they belong.
  for (const GpuTensor &input : context.inputs) {
    if (input.shape.rank() != rank || input.shape[axis] % 4 != 0) return false;
  }
  return true;
}

MaceStatus BuildConcat(const GpuOpContext &context, GpuStep *step) {
  ops::ConcatAttrs attrs;
  MACE_RETURN_IF_ERROR(context.ParseAttrs(&attrs));
  const Shape &out = context.Output(0).shape;
  int axis = 0;
  if (!NormalizeAxis(attrs.axis, out.rank(), &axis)) return Refuse(context, "axis ", attrs.axis);
  std::vector<Copy> copies;
  int64_t offset = 0;
  for (const GpuTensor &input : context.inputs) {
    if (input.shape.rank() != out.rank()) return Refuse(context, "its inputs differ in rank");
    copies.push_back({axis, input.shape[axis], {input.shape, 0}, {out, offset}});
    if (context.Output(0).whole_channels != 0) {  // the axis is the channels
      copies.back().to.shape[axis] = context.Output(0).whole_channels;
      copies.back().to.offset += context.Output(0).first_channel;
    }
    offset += input.shape[axis];
  }
  AddCopies(context, copies, false, step);
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus SupportsSplit(const GpuOpContext &context) { return NeedFloats(context); }

MaceStatus BuildSplit(const GpuOpContext &context, GpuStep *step) {
  ops::SplitAttrs attrs;
  MACE_RETURN_IF_ERROR(context.ParseAttrs(&attrs));
  const Shape &in = context.Input(0).shape;
  int axis = 0;
  if (!NormalizeAxis(attrs.axis, in.rank(), &axis)) return Refuse(context, "axis ", attrs.axis);
  std::vector<Copy> copies;
  int64_t offset = 0;
  for (const GpuTensor &output : context.outputs) {
    copies.push_back({axis, output.shape[axis], {in, offset}, {output.shape, 0}});
    offset += output.shape[axis];
  }
  AddCopies(context, copies, true, step);
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus SupportsStack(const GpuOpContext &context) { return NeedFloats(context); }

MaceStatus BuildStack(const GpuOpContext &context, GpuStep *step) {
  ops::StackAttrs attrs;
  MACE_RETURN_IF_ERROR(context.ParseAttrs(&attrs));
  return CopySlices(context, context.Output(0).shape, attrs.axis, false, step);
}

MaceStatus SupportsUnstack(const GpuOpContext &context) { return NeedFloats(context); }

MaceStatus BuildUnstack(const GpuOpContext &context, GpuStep *step) {
  ops::UnstackAttrs attrs;
  MACE_RETURN_IF_ERROR(context.ParseAttrs(&attrs));
  return CopySlices(context, context.Input(0).shape, attrs.axis, true, step);
}

}  // namespace opencl
}  // namespace mace
