// SPDX-License-Identifier: Apache-2.0
// Pairs of tensors with broadcasting on the GPU.
#include "mace/ops/attrs/eltwise.h"

#include "mace/ops/activation_params.h"
#include "mace/ops/opencl/builder.h"
#include "mace/ops/opencl/operators.h"

namespace mace {
namespace opencl {

namespace {

constexpr int kDims = 6;  // that elementwise.cl tells apart, and no shape has more

// The output's dimensions with neighbours joined that are broadcast alike, innermost last, and how
// far the operands go with each.
struct Broadcast {
  int64_t dims[kDims] = {1, 1, 1, 1, 1, 1};
  int64_t strides[2][kDims] = {};
  bool six() const { return dims[0] * dims[1] != 1; }
};

Broadcast Collapse(const GpuOpContext &context) {
  const Shape &out = context.Output(0).shape;
  Broadcast result;
  int at = kDims;
  int last = -1;
  int64_t size[2] = {1, 1};
  for (int d = out.rank() - 1; d >= 0; --d) {
    if (out[d] == 1) continue;
    int pattern = 0;
    for (int i = 0; i < 2; ++i) {
      const Shape &shape = context.Input(i).shape;
      const int own = d - (out.rank() - shape.rank());
      if (own >= 0 && shape[own] != 1) pattern |= 1 << i;
    }
    if (pattern != last) {
      --at;
      for (int i = 0; i < 2; ++i) result.strides[i][at] = pattern >> i & 1 ? size[i] : 0;
      last = pattern;
    }
    result.dims[at] *= out[d];
    for (int i = 0; i < 2; ++i) size[i] *= pattern >> i & 1 ? out[d] : 1;
  }
  return result;
}

// How operand i lies: see elementwise.cl.
int ModeOf(const GpuOpContext &context, int i) {
  const Shape &shape = context.Input(i).shape;
  const View in(shape), out(context.Output(0).shape);
  const bool whole = shape.elements() == context.Output(0).shape.elements();
  if (whole && (!context.images() || (in.rows() == out.rows() && in.w == out.w))) return 0;
  if (shape.elements() == 1) return 2;
  return in.pixels() == 1 && in.c == out.c ? 1 : 3;
}

}  // namespace

MaceStatus SupportsEltwise(const GpuOpContext &context) {
  ops::EltwiseAttrs attrs;
  MACE_RETURN_IF_ERROR(context.ParseAttrs(&attrs));
  using Type = ops::EltwiseAttrs::Type;
  if (attrs.type > Type::kMod && attrs.type != Type::kAtan2) {
    return Refuse(context, "this kind of it does not give float32 numbers, or is not on the GPU");
  }
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus BuildEltwise(const GpuOpContext &context, GpuStep *step) {
  ops::EltwiseAttrs attrs;
  MACE_RETURN_IF_ERROR(context.ParseAttrs(&attrs));
  const Broadcast broadcast = Collapse(context);
  const View a(context.Input(0).shape), b(context.Input(1).shape), out(context.Output(0).shape);
  KernelLaunch launch = context.NewLaunch("elementwise", "binary");
  Define(&launch, "BINARY", static_cast<int>(attrs.type));
  Define(&launch, "MODE_A", ModeOf(context, 0));
  Define(&launch, "MODE_B", ModeOf(context, 1));
  DefineTail(&launch, "TAIL", out.tail());
  if (attrs.coeff.size() == 2) Define(&launch, "COEFFICIENTS", 1);
  if (broadcast.six()) Define(&launch, "SIX", 1);
  const auto numbers = DefineActivation(ops::MakeActivationParams(attrs), &launch);
  std::vector<int32_t> p = {Int(out.rows()), Int(out.w), Int(out.c), Int(out.pixels())};
  for (int d = 1; d < kDims; ++d) p.push_back(Int(broadcast.dims[d]));
  std::vector<int32_t> q = {Int(a.w), Int(a.c), Int(b.w), Int(b.c)};
  for (size_t i = 0; i < 2; ++i)
    q.push_back(attrs.coeff.size() == 2 ? FloatBits(attrs.coeff[i]) : 0);
  for (int d = 0; d < kDims; ++d) {
    p.push_back(Int(broadcast.strides[0][d]));
    q.push_back(Int(broadcast.strides[1][d]));
  }
  q.push_back(numbers.first);
  q.push_back(numbers.second);
  p.resize(16);
  q.resize(16);
  launch.arguments = {KernelArgument::Input(0), KernelArgument::Input(1), KernelArgument::Output(0),
                      KernelArgument::IntVector(std::move(p)),
                      KernelArgument::IntVector(std::move(q))};
  launch.global = BlockThreads(context, out);
  launch.local = LocalSize(context, launch.global);
  step->launches.push_back(std::move(launch));
  return MaceStatus::MACE_SUCCESS;
}

}  // namespace opencl
}  // namespace mace
