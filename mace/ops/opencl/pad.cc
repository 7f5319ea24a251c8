// SPDX-License-Identifier: Apache-2.0
// Pad on the GPU, in buffers.
#include "mace/ops/attrs/pad.h"

#include "mace/ops/opencl/builder.h"
#include "mace/ops/opencl/operators.h"

namespace mace {
namespace opencl {

MaceStatus SupportsPad(const GpuOpContext &context) {
  if (context.HasInput(1) && context.Input(1).constant == nullptr) {
    return Refuse(context, "its paddings are computed; the GPU takes constants only");
  }
  return NeedConstant(context, 2, "value");
}

MaceStatus BuildPad(const GpuOpContext &wanted, GpuStep *step) {
  ops::PadAttrs attrs;
  MACE_RETURN_IF_ERROR(wanted.ParseAttrs(&attrs));
  const GpuOpContext context = InBuffers(wanted, step);
  const Shape &in = context.Input(0).shape, &out = context.Output(0).shape;
  std::vector<int64_t> paddings = attrs.paddings;
  if (context.HasInput(1)) {
    const Tensor &given = *context.Input(1).constant;
    paddings.clear();
    for (int64_t i = 0; i < given.elements(); ++i) {
      if (given.dtype == DT_INT32) paddings.push_back(given.data<int32_t>()[i]);
      if (given.dtype == DT_INT64) paddings.push_back(given.data<int64_t>()[i]);
    }
  }
  const size_t rank = static_cast<size_t>(in.rank());
  if (paddings.size() != 2 * rank || rank > 6) return Refuse(context, "its paddings do not fit");
  std::vector<int32_t> p(8, 0), q(8, 1), r(8, 0);
  for (size_t d = 0; d < 6; ++d) p[d] = 1;
  for (size_t d = 0; d < rank; ++d) {
    p[6 - rank + d] = Int(out[static_cast<int>(d)]);
    q[6 - rank + d] = Int(in[static_cast<int>(d)]);
    r[6 - rank + d] = Int(paddings[2 * d]);
  }
  p[6] = Int(out.elements());
  KernelLaunch launch = context.NewLaunch("move", "pad");
  Define(&launch, "PAD", 1);
  Define(&launch, "MODE", static_cast<int>(attrs.mode));
  const float *value = context.Constant(2);
  launch.arguments = {KernelArgument::Input(0),
                      KernelArgument::Output(0),
                      KernelArgument::IntVector(std::move(p)),
                      KernelArgument::IntVector(std::move(q)),
                      KernelArgument::IntVector(std::move(r)),
                      KernelArgument::Float(value != nullptr ? *value : attrs.constant_value)};
  launch.global = {out.elements(), 1, 1};
  launch.local = LocalSize(context, launch.global);
  step->launches.push_back(std::move(launch));
  return MaceStatus::MACE_SUCCESS;
}

}  // namespace opencl
}  // namespace mace
