// SPDX-License-Identifier: Apache-2.0
// The list of pooling kernels, and the loop over rows.
#include "mace/kernels/pool/pool.h"

#include <algorithm>
#include <limits>

#include "mace/kernels/listener.h"

namespace mace {
namespace kernels {

// Weak: the table of a library for chosen models may take its place.
extern const PoolKernel kPoolTable[] __attribute__((weak));
const PoolKernel kPoolTable[] = {
#define MACE_POOL_KERNEL(name, isa, max, lanes) {#name, isa, name, max, lanes},
#include "mace/kernels/pool/kernels.inc"
#undef MACE_POOL_KERNEL
};
constexpr int kKernelCount = 0
#define MACE_POOL_KERNEL(...) +1
#include "mace/kernels/pool/kernels.inc"
#undef MACE_POOL_KERNEL
    ;

namespace {

int64_t CeilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }

// Steps of `step` from `first` on that lie below `end`, at most `count`.
int64_t StepsBelow(int64_t first, int64_t step, int64_t end, int64_t count) {
  return first < end ? std::min(count, CeilDiv(end - first, step)) : 0;
}

// Of the input below a strip of output columns: windows of the next row read most of it again, from
// the L1 cache then.
#if defined(__x86_64__)
constexpr int64_t kStripFloats = 28 * 1024 / 4;
#else
constexpr int64_t kStripFloats = std::numeric_limits<int64_t>::max();  // fewer, longer calls
#endif
constexpr int64_t kLeastStrip = 8;  // the edges of narrower ones count

// Columns of the output in each strip but the last one.
int64_t StripColumns(const PoolShape &s) {
  const int64_t column_floats = s.kernel_h * s.stride_w * s.channels;
  const int64_t most = kStripFloats / column_floats;
  if (s.kernel_h <= s.stride_h || most >= s.out_w || most < kLeastStrip) return s.out_w;
  return CeilDiv(s.out_w, CeilDiv(s.out_w, most));
}

// Columns [x, x_end) of rows [begin, end).
void RunStrip(const PoolKernel &kernel, const PoolShape &s, const float *input, float *output,
              int64_t begin, int64_t end, int64_t x, int64_t x_end) {
  const int64_t row_floats = s.in_w * s.channels;
  // A strip is an image whose first column is the first that it needs.
  const int64_t left = std::max<int64_t>(0, x * s.stride_w - s.pad_left);
  PoolRow row;
  row.in_row = s.dilation_h * row_floats;
  row.in_w = s.in_w - left;
  row.channels = s.channels;
  row.out_w = x_end - x;
  row.kernel_w = s.kernel_w;
  row.stride_w = s.stride_w;
  row.dilation_w = s.dilation_w;
  row.pad_left = s.pad_left + left - x * s.stride_w;
  row.count_padding = s.count_include_pad;
  row.count_w = row.in_w + (s.count_include_pad ? s.pad_right : 0);
  if (s.count_all) {
    row.count_padding = true;
    row.count_w = std::numeric_limits<int64_t>::max() / 4;
    row.row_count = s.kernel_h;
  }
  for (int64_t i = begin; i < end; ++i) {
    const int64_t first = i % s.out_h * s.stride_h - s.pad_top;
    const int64_t u0 = first < 0 ? CeilDiv(-first, s.dilation_h) : 0;
    const int64_t u1 = StepsBelow(first, s.dilation_h, s.in_h, s.kernel_h);
    row.rows = std::max<int64_t>(u1 - u0, 0);
    if (!s.count_all) {
      row.row_count = s.count_include_pad
                          ? StepsBelow(first, s.dilation_h, s.in_h + s.pad_bottom, s.kernel_h)
                          : row.rows;
    }
    const float *image = input + i / s.out_h * s.in_h * row_floats + left * s.channels;
    row.in = image + (first + u0 * s.dilation_h) * row_floats;
    row.out = output + (i * s.out_w + x) * s.channels;
    kernel.function(row);
  }
}

}  // namespace

const KernelList<PoolKernel> &PoolKernels() {
  static constexpr KernelList<PoolKernel> kList = {kPoolTable, kKernelCount};
  return kList;
}

const PoolKernel &BestPool(uint32_t isas, bool max, int64_t channels) {
  for (const PoolKernel &kernel : PoolKernels()) {
    if ((kernel.isa & (isas | kIsaReference)) != 0 && kernel.max == max &&
        channels >= kernel.lanes) {
      return kernel;
    }
  }
  return kPoolTable[kKernelCount - 1];  // not reached: the reference takes any number of channels
}

void RunPoolRows(const PoolKernel &kernel, const PoolShape &s, const float *input, float *output,
                 int64_t begin, int64_t end) {
  MACE_TELL_LISTENER(OnPoolRows(kernel, s, input, output, begin, end));
  const int64_t strip = end - begin > 1 ? StripColumns(s) : s.out_w;
  for (int64_t x = 0; x < s.out_w; x += strip) {
    RunStrip(kernel, s, input, output, begin, end, x, std::min(x + strip, s.out_w));
  }
}

}  // namespace kernels
}  // namespace mace
