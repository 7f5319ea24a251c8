// SPDX-License-Identifier: Apache-2.0
// Resize on the GPU, in all modes: the tables of the CPU say which pixels an output pixel is made
// of.
#include "mace/ops/attrs/resize.h"

#include "mace/ops/opencl/builder.h"
#include "mace/ops/opencl/operators.h"
#include "mace/ops/resize_table.h"

namespace mace {
namespace opencl {

namespace {

// Places and weights in turn; places are small enough to be floats.
KernelArgument AddTable(const ops::ResizeTable &table, GpuStep *step) {
  std::vector<float> values;
  for (size_t i = 0; i < table.places.size(); ++i) {
    values.push_back(static_cast<float>(table.places[i]));
    values.push_back(i < table.weights.size() ? table.weights[i] : 1.0f);
  }
  return AddVector(values.data(), static_cast<int64_t>(values.size()), step);
}

}  // namespace

MaceStatus SupportsResize(const GpuOpContext &context) {
  ops::ResizeAttrs attrs;
  MACE_RETURN_IF_ERROR(context.ParseAttrs(&attrs));
  if (context.Input(0).dtype != DT_FLOAT) return Refuse(context, "its input is not float32");
  if (attrs.coordinates == ops::ResizeAttrs::Coordinates::kTfCropAndResize) {
    return Refuse(context, "it cuts a region out, which the GPU does not");
  }
  if (context.HasInput(1) && context.Input(1).constant == nullptr) {
    return Refuse(context, "its size is computed; the GPU takes constants only");
  }
  const Shape &in = context.Input(0).shape;
  if (in.rank() != 4) return Refuse(context, "it is not of images");
  return in[1] < 1 << 24 && in[2] < 1 << 24 ? MaceStatus::MACE_SUCCESS
                                            : Refuse(context, "its image is too large");
}

MaceStatus BuildResize(const GpuOpContext &context, GpuStep *step) {
  ops::ResizeAttrs attrs;
  MACE_RETURN_IF_ERROR(context.ParseAttrs(&attrs));
  const View in(context.Input(0).shape), out(context.Output(0).shape);
  float scale[2] = {0, 0};
  if (attrs.scale.size() == 2) {
    scale[0] = attrs.scale[0];
    scale[1] = attrs.scale[1];
  } else if (context.Constant(1) != nullptr && context.Input(1).shape.elements() == 2) {
    scale[0] = context.Constant(1)[0];
    scale[1] = context.Constant(1)[1];
  }
  const ops::ResizeTable rows = ops::MakeResizeTable(attrs, 0, in.h, out.h, scale[0]);
  const ops::ResizeTable columns = ops::MakeResizeTable(attrs, 1, in.w, out.w, scale[1]);
  KernelLaunch launch = context.NewLaunch("resize", "resize");
  DefineTail(&launch, "TAIL", in.tail());
  launch.arguments = {
      KernelArgument::Input(0), KernelArgument::Output(0), AddTable(rows, step),
      AddTable(columns, step),
      KernelArgument::IntVector({Int(out.rows()), Int(out.h), Int(out.w), Int(out.c), Int(in.h),
                                 Int(in.w), Int(rows.taps), Int(columns.taps)})};
  launch.global = WindowThreads(context, out.blocks(), out.w, out.rows());
  launch.local = LocalSize(context, launch.global);
  step->launches.push_back(std::move(launch));
  return MaceStatus::MACE_SUCCESS;
}

}  // namespace opencl
}  // namespace mace
