// SPDX-License-Identifier: Apache-2.0
// The list of depthwise kernels in binary16, packing, and the loops over rows.
#include "mace/kernels/half/half_dwconv.h"

#include <algorithm>

#include "mace/base/half.h"
#include "mace/kernels/half/half_conv.h"

namespace mace {
namespace kernels {

namespace {

constexpr HalfDwconvKernel kKernels[] = {
#define MACE_HALF_GEMM_KERNEL(name, isa)
#define MACE_HALF_DWCONV_KERNEL(name, isa, window, stride, rows, pixels) \
  {#name, isa, name, window, stride, rows, pixels},
#define MACE_HALF_CONVERT_KERNEL(name, isa)
#include "mace/kernels/half/kernels.inc"
#undef MACE_HALF_GEMM_KERNEL
#undef MACE_HALF_DWCONV_KERNEL
#undef MACE_HALF_CONVERT_KERNEL
};

// Tiles for each thread, so that one that is late does not hold up all.
constexpr int64_t kTilesPerThread = 4;

int64_t CeilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }

}  // namespace

const KernelList<HalfDwconvKernel> &HalfDwconvKernels() {
  static constexpr KernelList<HalfDwconvKernel> kList = {kKernels,
                                                         sizeof(kKernels) / sizeof(kKernels[0])};
  return kList;
}

bool HalfDwconvFits(const HalfDwconvKernel &kernel, const DwconvShape &s) {
  if (s.out_h < kernel.rows || s.out_w < kernel.pixels) return false;
  if (kernel.window == 0) return true;
  const int64_t window = kernel.window, most = window / 2;
  const int64_t right = (s.out_w - 1) * s.stride_w + window - s.pad_left - s.in_w;
  const int64_t bottom = (s.out_h - 1) * s.stride_h + window - s.pad_top - s.in_h;
  return s.kernel_h == window && s.kernel_w == window && s.dilation_h == 1 && s.dilation_w == 1 &&
         s.stride_h == kernel.stride && s.stride_w == kernel.stride && s.pad_left <= most &&
         right <= most && s.pad_top <= most && bottom <= most;
}

int64_t PackedHalfDwconvSize(int64_t taps, int64_t channels) {
  return CeilDiv(channels, kHalfLanes) * kHalfLanes * (1 + taps);
}

void PackHalfDwconv(int64_t taps, int64_t channels, const float *filter, const float *bias,
                    uint16_t *packed) {
  for (int64_t block = 0; block < CeilDiv(channels, kHalfLanes); ++block) {
    const int64_t c = std::min(block * kHalfLanes, channels - kHalfLanes);
    for (int i = 0; i < kHalfLanes; ++i) {
      *packed++ = bias == nullptr ? uint16_t{0} : FloatToHalf(bias[c + i]);
    }
    for (int64_t tap = 0; tap < taps; ++tap) {
      for (int i = 0; i < kHalfLanes; ++i) *packed++ = FloatToHalf(filter[tap * channels + c + i]);
    }
  }
}

HalfDwconvPlan PlanHalfDwconv(const DwconvShape &shape, uint32_t isas, int threads) {
  const auto fits = [&](const HalfDwconvKernel &kernel) { return HalfDwconvFits(kernel, shape); };
  return PlanHalfDwconv(shape, HalfDwconvKernels().Best(isas, fits), threads);
}

HalfDwconvPlan PlanHalfDwconv(const DwconvShape &shape, const HalfDwconvKernel &kernel,
                              int threads) {
  HalfDwconvPlan plan;
  plan.shape = shape;
  plan.kernel = &kernel;
  // Each band has as many rows as a call computes, or more.
  plan.bands = std::min(threads > 1 ? CeilDiv(threads * kTilesPerThread, shape.batch) : 1,
                        shape.out_h / kernel.rows);
  plan.tiles = shape.batch * plan.bands;
  return plan;
}

void RunHalfDwconvTile(const HalfDwconvPlan &plan, const DwconvEpilogue &epilogue,
                       const uint16_t *input, const uint16_t *packed, uint16_t *output,
                       int64_t tile) {
  const DwconvShape &s = plan.shape;
  const int64_t n = tile / plan.bands, band = tile % plan.bands;
  const int64_t begin = band * s.out_h / plan.bands, end = (band + 1) * s.out_h / plan.bands;
  const int64_t row_size = s.in_w * s.in_c, count = plan.kernel->rows;
  HalfDwconvRows rows;
  rows.in_row = s.dilation_h * row_size;
  rows.in_w = s.in_w;
  rows.channels = s.in_c;
  rows.packed = packed;
  rows.out_row = s.out_w * s.in_c;
  rows.out_w = s.out_w;
  rows.pad_left = s.pad_left;
  rows.kernel_h = s.kernel_h;
  rows.kernel_w = s.kernel_w;
  rows.stride_w = s.stride_w;
  rows.dilation_w = s.dilation_w;
  rows.low = epilogue.low;
  rows.high = epilogue.high;
  for (int64_t i = begin; i < end; i += count) {
    // The last call computes rows again rather than fewer.
    const int64_t y = std::min(i, end - count);
    // Row t of the window is image row first + t * dilation_h.
    const int64_t first = y * s.stride_h - s.pad_top;
    const int64_t taps = (count - 1) * s.stride_h + s.kernel_h;
    rows.in = input + (n * s.in_h + first) * row_size;
    rows.row_begin = first < 0 ? CeilDiv(-first, s.dilation_h) : 0;
    rows.row_end = first < s.in_h ? std::min(taps, CeilDiv(s.in_h - first, s.dilation_h)) : 0;
    rows.out = output + (n * s.out_h + y) * rows.out_row;
    plan.kernel->function(rows);
    // A row that is computed again is computed again from the start.
    if (epilogue.activation.kind != kActivationNoop) {
      ApplyActivationHalf(epilogue.activation, rows.out, count * rows.out_row);
    }
  }
}

}  // namespace kernels
}  // namespace mace
