// SPDX-License-Identifier: Apache-2.0
// Pad on the GPU, in buffers.
#include "mace/ops/attrs/pad.h"

#include "mace/ops/opencl/movement.h"
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
  std::vector<int64_t> before;
  for (size_t d = 0; d < rank; ++d) before.push_back(paddings[2 * d]);
  const float *value = context.Constant(2);
  AddPad(context, in, out, before, static_cast<int>(attrs.mode),
         value != nullptr ? *value : attrs.constant_value, KernelArgument::Input(0),
         KernelArgument::Output(0), step);
  return MaceStatus::MACE_SUCCESS;
}

}  // namespace opencl
}  // namespace mace
