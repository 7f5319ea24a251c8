// SPDX-License-Identifier: Apache-2.0
// Pooling on the GPU. A mean over the whole image goes the way of Reduce, with many threads a
// result.
#include "mace/ops/attrs/pooling.h"

#include "mace/ops/opencl/operators.h"
#include "mace/ops/opencl/reduction.h"
#include "mace/ops/opencl/windows.h"

namespace mace {
namespace opencl {

namespace {

struct Pool {
  ops::PoolingAttrs attrs;
  Convolution window;
  int64_t pad_end[2] = {0, 0};
};

MaceStatus Describe(const GpuOpContext &context, Pool *pool) {
  MACE_RETURN_IF_ERROR(context.ParseAttrs(&pool->attrs));
  const ops::PoolingAttrs &attrs = pool->attrs;
  return DescribeWindows(context, attrs, attrs.kernels[0], attrs.kernels[1],
                         attrs.round_mode == ops::PoolingAttrs::RoundMode::kCeil, &pool->window,
                         pool->pad_end);
}

// One result a channel, which many threads compute together.
bool IsWhole(const Convolution &w) {
  return w.oh == 1 && w.ow == 1 && w.kh == w.ih && w.kw == w.iw && w.pad_top == 0 &&
         w.pad_left == 0 && w.dh == 1 && w.dw == 1 && w.ih * w.iw > 1;
}

}  // namespace

MaceStatus SupportsPooling(const GpuOpContext &context) {
  Pool pool;
  return Describe(context, &pool);
}

bool PartsOfPooling(const GpuOpContext &context, bool output) {
  Pool pool;
  return output && Describe(context, &pool).ok() && !IsWhole(pool.window);
}

MaceStatus BuildPooling(const GpuOpContext &context, GpuStep *step) {
  Pool pool;
  MACE_RETURN_IF_ERROR(Describe(context, &pool));
  const Convolution &w = pool.window;
  const bool max = pool.attrs.pooling_type == ops::PoolingAttrs::PoolingType::kMax;
  if (IsWhole(w)) {
    BuildReduction(context, max ? Reduction::kMax : Reduction::kMean, w.n, w.ih * w.iw, 1, step);
    return MaceStatus::MACE_SUCCESS;
  }
  KernelLaunch launch = context.NewLaunch("pooling", "pooling");
  if (max) Define(&launch, "MAX", 1);
  if (!max)
    Define(&launch, "COUNT", pool.attrs.count_all ? 2 : pool.attrs.count_include_pad ? 1 : 0);
  DefineTail(&launch, "TAIL", w.oc % 4 != 0);
  launch.arguments = {
      KernelArgument::Input(0), KernelArgument::Output(0),
      KernelArgument::IntVector({Int(w.n * w.oh), Int(w.oh), Int(w.ow), Int(w.oc), Int(w.ih),
                                 Int(w.iw), Int(pool.pad_end[0]), Int(w.kh), Int(w.kw), Int(w.sh),
                                 Int(w.sw), Int(w.pad_top), Int(w.pad_left), Int(w.dh), Int(w.dw),
                                 Int(pool.pad_end[1])}),
      KernelArgument::IntVector(PartNumbers(context.Output(0), w.oc))};
  launch.global = WindowThreads(context, CeilDiv(w.oc, 4), w.ow, w.n * w.oh);
  launch.local = LocalSize(context, launch.global);
  step->launches.push_back(std::move(launch));
  return MaceStatus::MACE_SUCCESS;
}

}  // namespace opencl
}  // namespace mace
