// SPDX-License-Identifier: Apache-2.0
// Depthwise convolution on the GPU.
#include "mace/ops/attrs/depthwise_conv2d.h"

#include <cstdio>

#include "mace/ops/opencl/operators.h"
#include "mace/ops/opencl/windows.h"

namespace mace {
namespace opencl {

namespace {

MaceStatus Describe(const GpuOpContext &context, Convolution *conv) {
  ops::DepthwiseConv2dAttrs attrs;
  return DescribeFilters(context, &attrs, conv);
}

// Neighbouring pixels of a thread: fewer where there is not much to do.
int PixelsOfThread(const GpuOpContext &context, const Convolution &c) {
  int tw = 0;
  if (sscanf(context.variant.c_str(), "tw%d", &tw) == 1 && (tw == 1 || tw == 2 || tw == 4))
    return tw;
  const int64_t results = c.n * c.oh * c.ow * CeilDiv(c.oc, 4);
  const int64_t wanted = int64_t{1024} * context.device->compute_units;
  return results >= 4 * wanted ? 4 : results >= 2 * wanted ? 2 : 1;
}

}  // namespace

MaceStatus SupportsDepthwiseConv2d(const GpuOpContext &context) {
  Convolution conv;
  return Describe(context, &conv);
}

MaceStatus BuildDepthwiseConv2d(const GpuOpContext &context, GpuStep *step) {
  Convolution c;
  MACE_RETURN_IF_ERROR(Describe(context, &c));
  const bool multiplied = c.oc != c.ic;
  KernelLaunch launch =
      context.NewLaunch("depthwise", multiplied ? "depthwise_multiplied" : "depthwise");
  const bool k3 = c.kh == 3 && c.kw == 3 && c.dh == 1 && c.dw == 1 && c.sw <= 2 && !multiplied;
  const int tw = multiplied ? 1 : PixelsOfThread(context, c);
  Define(&launch, "TW", tw);
  if (k3) {
    Define(&launch, "K3", 1);
    Define(&launch, "SX", c.sw);
  }
  if (multiplied) Define(&launch, "MULTIPLIER", 1);
  DefineTail(&launch, "OUT_TAIL", c.oc % 4 != 0);
  const std::pair<int32_t, int32_t> numbers = DefineActivation(c.activation, &launch);
  const int64_t blocks = CeilDiv(c.oc, 4);
  std::vector<float> filter(static_cast<size_t>(c.kh * c.kw * blocks * 4), 0.0f);
  for (int64_t tap = 0; tap < c.kh * c.kw; ++tap) {
    for (int64_t o = 0; o < c.oc; ++o) {
      filter[static_cast<size_t>(tap * blocks * 4 + o)] = c.filter[tap * c.oc + o];
    }
  }
  launch.arguments = {KernelArgument::Input(0),
                      AddMatrix(context, std::move(filter), blocks * 4, step),
                      AddVector(c.bias, c.oc, step),
                      KernelArgument::Output(0),
                      KernelArgument::IntVector(ConvolutionNumbers(c, numbers.first)),
                      KernelArgument::IntVector({Int(c.ic), Int(c.oc / c.ic), numbers.second, 0})};
  launch.global = multiplied ? std::array<int64_t, 3>{blocks, c.ow, c.n * c.oh}
                             : WindowThreads(context, blocks, CeilDiv(c.ow, tw), c.n * c.oh);
  launch.local = LocalSize(context, launch.global);
  step->launches.push_back(std::move(launch));
  return MaceStatus::MACE_SUCCESS;
}

std::vector<std::string> VariantsOfDepthwiseConv2d(const GpuOpContext &) {
  return {"tw1", "tw2", "tw4"};
}

}  // namespace opencl
}  // namespace mace
