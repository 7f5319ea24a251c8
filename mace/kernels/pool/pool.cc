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
  const int64_t row_floats = s.in_w * s.channels;
  PoolRow row;
  row.in_row = s.dilation_h * row_floats;
  row.in_w = s.in_w;
  row.channels = s.channels;
  row.out_w = s.out_w;
  row.kernel_w = s.kernel_w;
  row.stride_w = s.stride_w;
  row.dilation_w = s.dilation_w;
  row.pad_left = s.pad_left;
  row.count_padding = s.count_include_pad;
  row.count_w = s.in_w + (s.count_include_pad ? s.pad_right : 0);
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
    const float *image = input + i / s.out_h * s.in_h * row_floats;
    row.in = image + (first + u0 * s.dilation_h) * row_floats;
    row.out = output + i * s.out_w * s.channels;
    kernel.function(row);
  }
}

}  // namespace kernels
}  // namespace mace
