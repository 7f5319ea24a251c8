// SPDX-License-Identifier: Apache-2.0
// BatchToSpaceND and SpaceToBatchND on the GPU: a movement of elements, before which SpaceToBatchND
// pads, and after which BatchToSpaceND cuts, where there is something to be padded or cut.
#include "mace/ops/attrs/batch_to_space_nd.h"
#include "mace/ops/attrs/space_to_batch_nd.h"
#include "mace/ops/opencl/movement.h"
#include "mace/ops/opencl/operators.h"

namespace mace {
namespace opencl {

namespace {

MaceStatus CheckSize(const GpuOpContext &context, const Shape &between) {
  if (between.elements() <= INT32_MAX) return MaceStatus::MACE_SUCCESS;
  return Refuse(context, "with its padding it has more elements than the GPU counts");
}

// All of the batch as one image for each of the output's.
MaceStatus DescribeBatchToSpace(const GpuOpContext &context, ops::BatchToSpaceNDAttrs *attrs,
                                Shape *whole) {
  MACE_RETURN_IF_ERROR(context.ParseAttrs(attrs));
  const Shape &in = context.Input(0).shape;
  *whole = {context.Output(0).shape[0], in[1] * attrs->block_shape[0],
            in[2] * attrs->block_shape[1], in[3]};
  return CheckSize(context, *whole);
}

MaceStatus DescribeSpaceToBatch(const GpuOpContext &context, ops::SpaceToBatchNDAttrs *attrs,
                                Shape *padded) {
  MACE_RETURN_IF_ERROR(context.ParseAttrs(attrs));
  const Shape &in = context.Input(0).shape, &out = context.Output(0).shape;
  *padded = {in[0], out[1] * attrs->block_shape[0], out[2] * attrs->block_shape[1], in[3]};
  return CheckSize(context, *padded);
}

}  // namespace

MaceStatus SupportsBatchToSpaceND(const GpuOpContext &context) {
  ops::BatchToSpaceNDAttrs attrs;
  Shape whole;
  return DescribeBatchToSpace(context, &attrs, &whole);
}

MaceStatus BuildBatchToSpaceND(const GpuOpContext &wanted, GpuStep *step) {
  ops::BatchToSpaceNDAttrs attrs;
  Shape whole;
  MACE_RETURN_IF_ERROR(DescribeBatchToSpace(wanted, &attrs, &whole));
  const GpuOpContext context = InBuffers(wanted, step);
  const Shape &in = context.Input(0).shape, &out = context.Output(0).shape;
  const std::vector<int64_t> far = Distances(in), cut = Distances(whole);
  const int64_t bh = attrs.block_shape[0], bw = attrs.block_shape[1];
  Movement m;
  m.Add(out[0], far[0]);
  m.Add(in[1], far[1]);
  m.Add(bh, bw * out[0] * far[0]);
  m.Add(in[2], far[2]);
  m.Add(bw, out[0] * far[0]);
  m.Add(in[3], 1);
  const bool cuts = whole != out;
  const KernelArgument between =
      cuts ? AddScratch(whole.elements(), false, step) : KernelArgument::Output(0);
  AddMove(context, m, whole.elements(), KernelArgument::Input(0), between, step);
  if (!cuts) return MaceStatus::MACE_SUCCESS;
  Movement rest;
  rest.base = attrs.crops[0] * cut[1] + attrs.crops[2] * cut[2];
  for (int d = 0; d < 4; ++d) rest.Add(out[d], cut[static_cast<size_t>(d)]);
  AddMove(context, rest, out.elements(), between, KernelArgument::Output(0), step);
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus SupportsSpaceToBatchND(const GpuOpContext &context) {
  ops::SpaceToBatchNDAttrs attrs;
  Shape padded;
  return DescribeSpaceToBatch(context, &attrs, &padded);
}

MaceStatus BuildSpaceToBatchND(const GpuOpContext &wanted, GpuStep *step) {
  ops::SpaceToBatchNDAttrs attrs;
  Shape padded;
  MACE_RETURN_IF_ERROR(DescribeSpaceToBatch(wanted, &attrs, &padded));
  const GpuOpContext context = InBuffers(wanted, step);
  const Shape &in = context.Input(0).shape, &out = context.Output(0).shape;
  KernelArgument from = KernelArgument::Input(0);
  if (padded != in) {
    from = AddScratch(padded.elements(), false, step);
    AddPad(context, in, padded, {0, attrs.paddings[0], attrs.paddings[2], 0}, 0, 0.0f,
           KernelArgument::Input(0), from, step);
  }
  const std::vector<int64_t> far = Distances(padded);
  const int64_t bh = attrs.block_shape[0], bw = attrs.block_shape[1];
  Movement m;
  m.Add(bh, far[1]);
  m.Add(bw, far[2]);
  m.Add(in[0], far[0]);
  m.Add(out[1], bh * far[1]);
  m.Add(out[2], bw * far[2]);
  m.Add(in[3], 1);
  AddMove(context, m, out.elements(), from, KernelArgument::Output(0), step);
  return MaceStatus::MACE_SUCCESS;
}

}  // namespace opencl
}  // namespace mace
