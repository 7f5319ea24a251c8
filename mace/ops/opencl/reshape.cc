// SPDX-License-Identifier: Apache-2.0
// What leaves the elements as they are: Reshape, Flatten, Squeeze, Unsqueeze, Identity. No work in
// buffers, and in images where the pixels stay the same.
#include "mace/ops/opencl/builder.h"
#include "mace/ops/opencl/operators.h"

namespace mace {
namespace opencl {

MaceStatus SupportsReshape(const GpuOpContext &context) {
  if (context.Input(0).dtype == DT_FLOAT) return MaceStatus::MACE_SUCCESS;
  return Refuse(context, "its input is ", DataTypeName(context.Input(0).dtype), ", not float32");
}

MaceStatus BuildReshape(const GpuOpContext &context, GpuStep *step) {
  const View in(context.Input(0).shape), out(context.Output(0).shape);
  if (in.rows() != out.rows() || in.w != out.w || in.c != out.c) InBuffers(context, step);
  step->alias_input = 0;
  return MaceStatus::MACE_SUCCESS;
}

}  // namespace opencl
}  // namespace mace
