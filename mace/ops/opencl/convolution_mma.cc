// SPDX-License-Identifier: Apache-2.0
// Convolutions of halves by the matrix units of NVIDIA's GPUs.
#include "mace/ops/opencl/convolution_mma.h"

#include <algorithm>
#include <cstdio>

namespace mace {
namespace opencl {

namespace {

constexpr int kPixels = 16, kChannels = 32, kMostWarps = 8;
constexpr MmaTile kTiles[] = {{1, 1, 1}, {1, 1, 2}, {1, 1, 4}, {1, 1, 8}, {1, 2, 1},
                              {1, 2, 2}, {1, 2, 4}, {1, 4, 1}, {1, 4, 2}, {2, 1, 1},
                              {2, 1, 2}, {2, 1, 4}, {2, 1, 8}, {2, 2, 1}, {2, 2, 2},
                              {2, 2, 4}, {2, 4, 1}, {2, 4, 2}, {4, 1, 1}, {4, 1, 2},
                              {4, 1, 4}, {4, 1, 8}, {4, 2, 1}, {4, 2, 2}, {4, 4, 1}};

// Channels that a lane reads at once: eight where all that is read begins at multiples of eight.
int64_t VectorOf(const GpuOpContext &context, const Convolution &c) {
  const GpuTensor &in = context.Input(c.input);
  return c.ic % 8 == 0 && in.whole_channels % 8 == 0 && in.first_channel % 8 == 0 ? 8 : 4;
}

// What a warp reads of the depth in one step, and how many steps there are.
int64_t StepsOf(const Convolution &c, int64_t vector) {
  return CeilDiv(c.kh * c.kw * CeilDiv(c.ic, vector), 4);
}

// The filter in the order of the lanes' registers:
//   [channels / 32][steps][vector / 2][32 lanes][4 registers][2 halves].
// Lane (g, t), register R of a step: multiplication R / 8 of two, column j = R % 8 / 2, of the two
// pairs along the depth the one R % 2.
std::vector<float> MmaFilter(const Convolution &c, int64_t vector) {
  const int64_t warps = CeilDiv(c.oc, kChannels), steps = StepsOf(c, vector);
  const int64_t vectors = CeilDiv(c.ic, vector), taps = c.kh * c.kw;
  std::vector<float> values(static_cast<size_t>(warps * steps * vector * 4 * kChannels), 0.0f);
  float *to = values.data();
  for (int64_t number = 0; number < warps * steps; ++number, to += vector * 4 * kChannels) {
    const int64_t warp = number / steps, step = number % steps;
    for (int64_t lane = 0; lane < 32; ++lane) {
      const int64_t at = step * 4 + lane % 4, tap = at / vectors;
      const int64_t first = at % vectors * vector, channels = std::min(vector, c.ic - first);
      if (tap >= taps) continue;
      for (int64_t j = 0; j < 4; ++j) {
        const int64_t o = warp * kChannels + lane / 4 * 4 + j;
        if (o >= c.oc) break;
        const float *from = c.filter + o * c.stride_o + (tap * c.ic + first) * c.stride_k;
        for (int64_t i = 0; i < channels; ++i) {
          const int64_t pair = i / 4 * 8 + j * 2 + i % 4 / 2;
          to[(pair / 4 * 32 + lane) * 8 + pair % 4 * 2 + i % 2] = from[i * c.stride_k];
        }
      }
    }
  }
  return values;
}

bool IsMmaTile(const MmaTile &t) {
  return t.mt >= 1 && t.mt <= 8 && t.nw >= 1 && t.ks >= 1 && t.nw <= kMostWarps &&
         t.ks <= kMostWarps && t.nw * t.ks <= kMostWarps;
}

}  // namespace

bool MmaTakes(const GpuOpContext &context, const Convolution &conv) {
  return context.device->matrix_halves && context.half && conv.group == 1;
}

bool PrefersMma(const GpuOpContext &context, const Convolution &conv, MmaTile *tile) {
  const int64_t m = conv.n * conv.oh * conv.ow;
  if (!MmaTakes(context, conv)) return false;
  const int64_t units = context.device->compute_units;
  const int64_t columns = CeilDiv(conv.oc, kChannels),
                steps = StepsOf(conv, VectorOf(context, conv));
  *tile = {4, 1, 1};
  while (tile->mt > 1 && CeilDiv(m, kPixels * tile->mt) * columns < units * 4) tile->mt /= 2;
  const int64_t warps = CeilDiv(m, kPixels * tile->mt) * columns;
  while (tile->ks < kMostWarps && warps * tile->ks < units * 8 && steps / tile->ks >= 4) {
    tile->ks *= 2;
  }
  while (tile->nw * tile->ks < 4 && tile->nw * 2 <= columns) tile->nw *= 2;
  return true;
}

std::vector<std::string> MmaVariants(const GpuOpContext &context, const Convolution &conv) {
  std::vector<std::string> names;
  if (!MmaTakes(context, conv)) return names;
  const int64_t m = conv.n * conv.oh * conv.ow, steps = StepsOf(conv, VectorOf(context, conv));
  for (const MmaTile &t : kTiles) {
    if (t.ks > steps || (t.mt > 1 && kPixels * t.mt >= 2 * m)) continue;
    if (t.nw > CeilDiv(conv.oc, kChannels)) continue;
    char name[64];
    snprintf(name, sizeof(name), "mma_mt%d_nw%d_ks%d", t.mt, t.nw, t.ks);
    names.push_back(name);
  }
  return names;
}

bool ParseMma(const std::string &name, MmaTile *tile) {
  return sscanf(name.c_str(), "mma_mt%d_nw%d_ks%d", &tile->mt, &tile->nw, &tile->ks) == 3 &&
         IsMmaTile(*tile);
}

void BuildMma(const GpuOpContext &context, const Convolution &c, const MmaTile &tile,
              GpuStep *step) {
  const int64_t vector = VectorOf(context, c);
  KernelLaunch launch = context.NewLaunch("conv_mma", "conv_mma");
  Define(&launch, "MT", tile.mt);
  Define(&launch, "NW", tile.nw);
  Define(&launch, "KS", tile.ks);
  Define(&launch, "KV", vector);
  DefineTail(&launch, "IN_TAIL", c.ic % 4 != 0);
  DefineTail(&launch, "OUT_TAIL", c.oc % 4 != 0);
  if (c.pointwise()) Define(&launch, "ONE", 1);
  if (c.residual >= 0) Define(&launch, "RESIDUAL", 1);
  const std::pair<int32_t, int32_t> numbers = DefineActivation(c.activation, &launch);
  GpuWeight filter;
  filter.values = MmaFilter(c, vector);
  step->weights.push_back(std::move(filter));
  launch.arguments = {KernelArgument::Input(c.input),
                      KernelArgument::Weight(Int(static_cast<int64_t>(step->weights.size()) - 1)),
                      AddVector(c.bias, c.oc, step)};
  if (c.residual >= 0) launch.arguments.push_back(KernelArgument::Input(c.residual));
  launch.arguments.push_back(KernelArgument::Output(0));
  launch.arguments.push_back(KernelArgument::IntVector(ConvolutionNumbers(c, numbers.first)));
  launch.arguments.push_back(
      ConvolutionParts(context, c, {Int(CeilDiv(c.ic, vector)), 0, numbers.second}));
  AddSecondOutput(context, c, &launch);
  const int64_t m = c.n * c.oh * c.ow;
  launch.global = {32, CeilDiv(CeilDiv(c.oc, kChannels), tile.nw) * tile.nw,
                   CeilDiv(m, kPixels * tile.mt) * tile.ks};
  launch.local = {32, tile.nw, tile.ks};
  launch.fixed_local = true;
  step->launches.push_back(std::move(launch));
}

}  // namespace opencl
}  // namespace mace
