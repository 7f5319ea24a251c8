// SPDX-License-Identifier: Apache-2.0
// The list of depthwise kernels, packing, and the loops over rows.
#include "mace/kernels/dwconv/dwconv.h"

#include <algorithm>

#include "mace/kernels/listener.h"

namespace mace {
namespace kernels {

// Weak: the table of a library for chosen models may take its place.
extern const DwconvKernel kDwconvTable[] __attribute__((weak));
const DwconvKernel kDwconvTable[] = {
#define MACE_DWCONV_KERNEL(name, isa, window, stride, rows, lanes) \
  {#name, isa, name, window, stride, rows, lanes},
#include "mace/kernels/dwconv/kernels.inc"
#undef MACE_DWCONV_KERNEL
};
constexpr int kKernelCount = 0
#define MACE_DWCONV_KERNEL(...) +1
#include "mace/kernels/dwconv/kernels.inc"
#undef MACE_DWCONV_KERNEL
    ;

namespace {

// Tiles for each thread, so that one that is late does not hold up all.
constexpr int64_t kTilesPerThread = 4;
// Of a band that is copied for a multiplier: it should stay in the L2 cache.
constexpr int64_t kBandFloats = 32 * 1024;

int64_t CeilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }

// Input rows below `rows` output rows.
int64_t InputRows(const DwconvShape &s, int64_t rows) {
  return (rows - 1) * s.stride_h + (s.kernel_h - 1) * s.dilation_h + 1;
}

// Copies `pixels` pixels with each channel `multiplier` times.
void CopyChannels(const float *in, int64_t pixels, int64_t in_c, int64_t multiplier, float *out) {
  for (int64_t i = 0; i < pixels * in_c; ++i) {
    for (int64_t m = 0; m < multiplier; ++m) *out++ = in[i];
  }
}

// The output rows from y on, as many as the kernel computes. `input` is row `input_y` of the image,
// with out_c channels.
void RunRows(const DwconvPlan &plan, const DwconvKernel &kernel, const DwconvEpilogue &epilogue,
             const float *input, int64_t input_y, const float *packed, int64_t y, float *out) {
  const int64_t count = kernel.rows;
  const DwconvShape &s = plan.shape;
  const int64_t row_floats = s.in_w * s.out_c();
  DwconvRows rows;
  rows.in_w = s.in_w;
  rows.channels = s.out_c();
  rows.packed = packed;
  rows.out = out;
  rows.out_row = s.out_w * s.out_c();
  rows.out_w = s.out_w;
  rows.pad_left = s.pad_left;
  rows.kernel_h = s.kernel_h;
  rows.kernel_w = s.kernel_w;
  rows.stride_w = s.stride_w;
  rows.dilation_w = s.dilation_w;
  rows.low = epilogue.low;
  rows.high = epilogue.high;
  // Row t of the window is image row first + t * dilation_h.
  const int64_t first = y * s.stride_h - s.pad_top;
  const int64_t taps = count == 1 ? s.kernel_h : (count - 1) * s.stride_h + s.kernel_h;
  rows.in = input + (first - input_y) * row_floats;
  rows.in_row = s.dilation_h * row_floats;
  rows.row_begin = first < 0 ? CeilDiv(-first, s.dilation_h) : 0;
  rows.row_end = first < s.in_h ? std::min(taps, CeilDiv(s.in_h - first, s.dilation_h)) : 0;
  kernel.function(rows);
  if (epilogue.activation.kind != kActivationNoop) {
    ApplyActivationF32(epilogue.activation, out, out, count * rows.out_row);
  }
}

// Rows [begin, end) of the image `out`.
void RunBand(const DwconvPlan &plan, const DwconvEpilogue &epilogue, const float *input,
             int64_t input_y, const float *packed, int64_t begin, int64_t end, float *out) {
  const int64_t row_floats = plan.shape.out_w * plan.shape.out_c();
  const DwconvKernel &kernel = end - begin < plan.kernel->rows ? *plan.one_row : *plan.kernel;
  for (int64_t i = begin; i < end; i += kernel.rows) {
    // The last call computes rows again rather than fewer.
    const int64_t y = std::min(i, end - kernel.rows);
    RunRows(plan, kernel, epilogue, input, input_y, packed, y, out + y * row_floats);
  }
}

}  // namespace

const KernelList<DwconvKernel> &DwconvKernels() {
  static constexpr KernelList<DwconvKernel> kList = {kDwconvTable, kKernelCount};
  return kList;
}

bool DwconvFits(const DwconvKernel &kernel, const DwconvShape &s) {
  if (s.out_c() < kernel.lanes || s.out_h < kernel.rows) return false;
  if (kernel.window == 0) return true;
  const int64_t right = (s.out_w - 1) * s.stride_w + s.kernel_w - s.pad_left - s.in_w;
  return s.kernel_h == kernel.window && s.kernel_w == kernel.window && s.dilation_h == 1 &&
         s.dilation_w == 1 && s.stride_h == kernel.stride && s.stride_w == kernel.stride &&
         s.pad_left <= kernel.window / 2 && right <= kernel.window / 2;
}

int DwconvLanes(uint32_t isas, int64_t out_c) {
  return DwconvKernels()
      .Best(isas,
            [&](const DwconvKernel &kernel) { return kernel.window == 0 && out_c >= kernel.lanes; })
      .lanes;
}

int64_t PackedDwconvFloats(int lanes, int64_t taps, int64_t out_c) {
  return CeilDiv(out_c, lanes) * lanes * (1 + taps);
}

void PackDwconv(int lanes, int64_t taps, int64_t out_c, const float *filter, const float *bias,
                float *packed) {
  for (int64_t block = 0; block < CeilDiv(out_c, lanes); ++block) {
    const int64_t c = std::min(block * lanes, out_c - lanes);
    for (int i = 0; i < lanes; ++i) *packed++ = bias == nullptr ? 0.0f : bias[c + i];
    for (int64_t tap = 0; tap < taps; ++tap) {
      for (int i = 0; i < lanes; ++i) *packed++ = filter[tap * out_c + c + i];
    }
  }
}

DwconvPlan PlanDwconv(const DwconvShape &shape, uint32_t isas, int lanes, int threads) {
  return PlanDwconv(shape,
                    DwconvKernels().Best(isas,
                                         [&](const DwconvKernel &kernel) {
                                           return kernel.lanes == lanes &&
                                                  DwconvFits(kernel, shape);
                                         }),
                    threads);
}

DwconvPlan PlanDwconv(const DwconvShape &shape, const DwconvKernel &kernel, int threads) {
  DwconvPlan plan;
  plan.shape = shape;
  plan.kernel = &kernel;
  for (const DwconvKernel &other : DwconvKernels()) {
    if (other.isa == kernel.isa && other.lanes == kernel.lanes && other.window == 0) {
      plan.one_row = &other;
    }
  }
  int64_t bands = threads > 1 ? CeilDiv(threads * kTilesPerThread, shape.batch) : 1;
  const int64_t row_floats = shape.in_w * shape.out_c();
  if (shape.multiplier > 1) {
    const int64_t rows = (kBandFloats / row_floats - InputRows(shape, 1)) / shape.stride_h + 1;
    bands = std::max(bands, CeilDiv(shape.out_h, std::max<int64_t>(rows, 1)));
  }
  // Each band has as many rows as a call computes, or more.
  plan.bands = std::min(bands, shape.out_h / kernel.rows);
  if (plan.bands > threads) plan.bands -= plan.bands % threads;  // equal shares
  plan.tiles = shape.batch * plan.bands;
  if (shape.multiplier > 1) {
    const int64_t rows = InputRows(shape, CeilDiv(shape.out_h, plan.bands));
    plan.scratch_floats = std::min(rows, shape.in_h) * row_floats;
  }
  return plan;
}

void RunDwconvTile(const DwconvPlan &plan, const DwconvEpilogue &epilogue, const float *input,
                   const float *packed, float *output, int64_t tile, float *scratch) {
  MACE_TELL_LISTENER(OnDwconvTile(plan, epilogue, input, packed, output, tile, scratch));
  const DwconvShape &s = plan.shape;
  const int64_t n = tile / plan.bands;
  const int64_t begin = tile % plan.bands * s.out_h / plan.bands;
  const int64_t end = (tile % plan.bands + 1) * s.out_h / plan.bands;
  const float *image = input + n * s.in_h * s.in_w * s.in_c;
  int64_t image_y = 0;
  if (s.multiplier > 1) {
    const int64_t from = std::max<int64_t>(begin * s.stride_h - s.pad_top, 0);
    const int64_t to = std::min(s.in_h, begin * s.stride_h - s.pad_top + InputRows(s, end - begin));
    if (from < to) {
      CopyChannels(image + from * s.in_w * s.in_c, (to - from) * s.in_w, s.in_c, s.multiplier,
                   scratch);
    }
    image = scratch;
    image_y = from;
  }
  RunBand(plan, epilogue, image, image_y, packed, begin, end,
          output + n * s.out_h * s.out_w * s.out_c());
}

void RunDwconvRows(const DwconvPlan &plan, const DwconvEpilogue &epilogue, const float *input,
                   const float *packed, float *output, int64_t begin, int64_t end) {
  RunBand(plan, epilogue, input, 0, packed, begin, end, output);
}

}  // namespace kernels
}  // namespace mace
