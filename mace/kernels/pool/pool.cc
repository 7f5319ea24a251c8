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

// Of the input below a piece of rows of the output: windows of the next row read most of it again,
// from the L1 cache then.
#if defined(__x86_64__)
constexpr int64_t kPieceFloats = 22 * 1024 / 4;  // what is written has its share
#else
constexpr int64_t kPieceFloats = std::numeric_limits<int64_t>::max() / 2;  // fewer, longer calls
#endif
constexpr int64_t kLeastColumns = 8;   // the edges of narrower pieces count
constexpr int64_t kChannelGroup = 64;  // four vectors of the widest

// Columns [x, x_end) and channels [c, c_end) of the output.
struct Piece {
  int64_t x, x_end, c, c_end;
};

// Whether some of the channels of all pixels fall on so few sets of the L1 cache that they push
// each other out.
bool FewSets(int64_t channels) { return channels * 4 % 1024 == 0; }

// Columns and channels of each piece but the last one: as many channels as fit of whole rows, as
// columns of the input at the edges of pieces would be read by both; else columns.
Piece FirstPiece(const PoolShape &s) {
  Piece piece = {0, s.out_w, 0, s.channels};
  if (s.kernel_h <= s.stride_h) return piece;
  const int64_t in_columns = std::min(s.in_w, (s.out_w - 1) * s.stride_w + s.kernel_w);
  const int64_t most_channels = kPieceFloats / (s.kernel_h * in_columns);
  if (most_channels >= s.channels) return piece;
  if (most_channels >= kChannelGroup && !FewSets(s.channels)) {
    piece.c_end = most_channels / kChannelGroup * kChannelGroup;
    return piece;
  }
  const int64_t most = kPieceFloats / (s.kernel_h * s.stride_w * s.channels);
  if (most >= kLeastColumns && most < s.out_w) {
    piece.x_end = CeilDiv(s.out_w, CeilDiv(s.out_w, most));
  }
  return piece;
}

// A piece of rows [begin, end).
void RunPiece(const PoolKernel &kernel, const PoolShape &s, const float *input, float *output,
              int64_t begin, int64_t end, const Piece &piece) {
  const int64_t row_floats = s.in_w * s.channels;
  // A piece is an image whose first column is the first that it needs.
  const int64_t left = std::max<int64_t>(0, piece.x * s.stride_w - s.pad_left);
  PoolRow row;
  row.in_row = s.dilation_h * row_floats;
  row.in_w = s.in_w - left;
  row.pixel = s.channels;
  row.channels = piece.c_end - piece.c;
  row.out_w = piece.x_end - piece.x;
  row.kernel_w = s.kernel_w;
  row.stride_w = s.stride_w;
  row.dilation_w = s.dilation_w;
  row.pad_left = s.pad_left + left - piece.x * s.stride_w;
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
    const float *image = input + i / s.out_h * s.in_h * row_floats + left * s.channels + piece.c;
    row.in = image + (first + u0 * s.dilation_h) * row_floats;
    row.out = output + (i * s.out_w + piece.x) * s.channels + piece.c;
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
  const Piece whole = {0, s.out_w, 0, s.channels};
  const Piece first = end - begin > 1 ? FirstPiece(s) : whole;
  // The last channels may begin in the piece before, so that they are not too few.
  const int64_t last_c = first.c_end < s.channels ? s.channels - kChannelGroup : 0;
  for (int64_t c = 0; c < s.channels; c += first.c_end) {
    for (int64_t x = 0; x < s.out_w; x += first.x_end) {
      RunPiece(kernel, s, input, output, begin, end,
               {x, std::min(x + first.x_end, s.out_w), std::min(c, last_c),
                std::min(c + first.c_end, s.channels)});
    }
  }
}

}  // namespace kernels
}  // namespace mace
