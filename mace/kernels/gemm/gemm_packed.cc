// SPDX-License-Identifier: Apache-2.0
// Products by packed rows. A block of row tiles is packed and stays in the L2 cache; groups of
// panels, each small enough for the L1 cache beside a row tile, go by all tiles of the block.
#include "mace/kernels/gemm/gemm_packed.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace mace {
namespace kernels {

namespace {

constexpr int kMaxRows = 8;
constexpr int kHalfRows = 4;
// With fewer panels packing takes longer than it saves.
constexpr int64_t kLeastPanels = 2;
// Packed rows of a block: part of an L2 cache of 512 KB, the rest is for panels and C.
constexpr intptr_t kBlockFloats = 208 * 1024 / 4;
// Panels of a group: part of an L1 cache of 64 KB, beside a row tile and the rows of C.
constexpr intptr_t kGroupFloats = 36 * 1024 / 4;
// Steps of k in a part. Fewer: C is read and written more often. More: no two panels and row tiles
// fit the L1 cache, and rows of A are read from L2 for each panel.
[[maybe_unused]] constexpr int64_t kPartSteps = 384, kWholeSteps = 448;

int64_t CeilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }

// Pointers to rows in lines of m rows, a group after the other.
template <typename T>
class Rows {
 public:
  Rows(T *base, intptr_t m, intptr_t line_step, intptr_t row_step, intptr_t row)
      : line_(base), m_(m), line_step_(line_step), row_step_(row_step), i_(row) {
    if (row >= m) {
      line_ += row / m * line_step;
      i_ = row % m;
    }
    at_ = line_ + i_ * row_step;
  }

  // The next `count` rows, and the last of them again up to `height`.
  void Next(int count, int height, T **rows) {
    if (count == height && i_ + height <= m_) {
      if (height == kMaxRows) return Fill(std::make_integer_sequence<int, kMaxRows>(), rows);
      if (height == kHalfRows) return Fill(std::make_integer_sequence<int, kHalfRows>(), rows);
    }
    for (int r = 0; r < height; ++r) {
      rows[r] = at_;
      if (r + 1 < count) Advance(1, 1);
    }
    Advance(1, 1);
  }

 private:
  template <int... kRow>
  void Fill(std::integer_sequence<int, kRow...>, T **rows) {
    T *at = at_;
    ((rows[kRow] = at, at += row_step_), ...);
    at_ = at;
    Advance(sizeof...(kRow), 0);
  }

  // `count` rows on, of which at_ has still to take `steps`.
  void Advance(intptr_t count, intptr_t steps) {
    i_ += count;
    at_ += steps * row_step_;
    if (i_ < m_) return;
    i_ = 0;
    line_ += line_step_;
    at_ = line_;
  }

  T *line_;
  T *at_;
  const intptr_t m_, line_step_, row_step_;
  intptr_t i_;  // in the line
};

class PackedLoop {
 public:
  PackedLoop(const GemmKernel &kernel, const GemmCall &call, bool accumulate)
      : kernel_(kernel),
        call_(call),
        m_(static_cast<intptr_t>(call.m)),
        a_line_(static_cast<intptr_t>(call.a_line)),
        c_line_(static_cast<intptr_t>(call.c_line)),
        lda_(static_cast<intptr_t>(call.lda)),
        ldc_(static_cast<intptr_t>(call.ldc)),
        rows_(kernel.rows),
        k_(static_cast<intptr_t>(call.taps * call.k)) {
    block_.k = k_;
    block_.bounds[0] = call.low;
    block_.bounds[1] = call.high;
    block_.flags = 0;
    block_.residual = 0;
    constexpr float kInf = std::numeric_limits<float>::infinity();
    if (call.low != -kInf) block_.flags |= kGemmBlockLow;
    if (call.high != kInf) block_.flags |= kGemmBlockHigh;
#if !defined(__aarch64__)
    accumulate = false;  // the bias of later parts is zero, and C the residual
#endif
    if (accumulate) {
      block_.flags |= kGemmBlockAccumulate;
    } else if (call.residual != nullptr) {
      block_.flags |= kGemmBlockResidual;
      block_.residual = static_cast<intptr_t>(reinterpret_cast<uintptr_t>(call.residual) -
                                              reinterpret_cast<uintptr_t>(call.c));
    }
  }

  void Run(intptr_t panel_begin, intptr_t panel_end) {
    const intptr_t total = m_ * static_cast<intptr_t>(call_.lines);
    const intptr_t columns = kernel_.columns;
    const intptr_t panel_floats = (k_ + 1) * columns;
    const intptr_t panels = panel_end - panel_begin;
    const intptr_t group = std::min(panels, std::max<intptr_t>(1, kGroupFloats / panel_floats));
    tile_floats_ = (k_ + 3) / 4 * 4 * rows_;
    // With all panels in the L1 cache, rows need not stay packed.
    intptr_t block = group == panels ? 1 : std::max<intptr_t>(1, kBlockFloats / tile_floats_);
    block *= rows_;
    for (intptr_t begin = 0; begin < total; begin += block) {
      const intptr_t end = std::min(total, begin + block);
      Pack(begin, end);
      for (intptr_t p = panel_begin; p < panel_end; p += group) {
        block_.b = call_.packed + p * panel_floats;
        block_.panels = std::min(group, panel_end - p);
        Multiply(begin, end, call_.c + p * columns);
      }
    }
  }

 private:
  int Count(intptr_t row, intptr_t end) const {
    return static_cast<int>(std::min<intptr_t>(rows_, end - row));
  }
  int Height(int count) const { return count == 1 ? 1 : count <= kHalfRows ? kHalfRows : rows_; }

  void Pack(intptr_t begin, intptr_t end) {
    // A single row lies as it should.
    if (call_.scratch == nullptr) return;
    const float *pointers[kMaxRows];
    GemmPack pack;
    pack.rows = pointers;
    pack.tap_offsets = call_.tap_offsets;
    pack.taps = call_.taps;
    pack.k = call_.k;
    pack.packed = call_.scratch;
    Rows<const float> rows(call_.a, m_, a_line_, lda_, begin);
    for (intptr_t row = begin; row < end; row += rows_, pack.packed += tile_floats_) {
      const int count = Count(row, end);
      pack.height = Height(count);
      rows.Next(count, pack.height, pointers);
      kernel_.pack(pack);
    }
  }

  void Multiply(intptr_t begin, intptr_t end, float *c) {
    float *pointers[kMaxRows];
    block_.c = pointers;
    block_.a = call_.scratch == nullptr ? call_.a + call_.tap_offsets[0] : call_.scratch;
    Rows<float> rows(c, m_, c_line_, ldc_, begin);
    const uintptr_t flags = block_.flags;
    const bool in_place = (flags & kGemmBlockResidual) != 0 && block_.residual == 0;
    for (intptr_t row = begin; row < end; row += rows_, block_.a += tile_floats_) {
      const int count = Count(row, end);
      block_.height = Height(count);
      rows.Next(count, block_.height, pointers);
      // Repeated rows that are their own residual: infinite bounds have all of them read first.
      if (in_place && count < block_.height) block_.flags |= kGemmBlockLow | kGemmBlockHigh;
      kernel_.block(block_);
    }
    block_.flags = flags;
  }

  const GemmKernel &kernel_;
  const GemmCall &call_;
  const intptr_t m_, a_line_, c_line_, lda_, ldc_;
  const int rows_;
  const intptr_t k_;
  intptr_t tile_floats_ = 0;
  GemmBlock block_;
};

}  // namespace

int64_t GemmPart(const GemmKernel &kernel, int64_t k) {
#if defined(__aarch64__)
  if (kernel.block != nullptr && k > kWholeSteps) {
    constexpr int64_t kTurn = 32;  // steps of k in a turn of the loop
    return CeilDiv(CeilDiv(k, CeilDiv(k, kPartSteps)), kTurn) * kTurn;
  }
#endif
  static_cast<void>(kernel);
  return k;
}

int64_t GemmScratchFloats(const GemmKernel &kernel, int64_t k, int64_t rows, int64_t lda) {
  if (kernel.way != nullptr) return kernel.way->scratch_floats(kernel, k, rows);
  if (GemmRowsCollide(kernel, lda)) {
    return CeilDiv(std::min(rows, GemmCopiedRows(kernel, k, rows)) * (k + kGemmRowGap), 16) * 16;
  }
  if (kernel.block == nullptr || k == 0) return 0;
  int64_t most = 0;
  for (int64_t steps : {k, GemmPart(kernel, k)}) {
    const int64_t tile = CeilDiv(steps, 4) * 4 * kernel.rows;
    const int64_t tiles =
        std::min(CeilDiv(rows, kernel.rows), std::max<int64_t>(1, kBlockFloats / tile));
    most = std::max(most, CeilDiv(tiles * tile, 16) * 16);
  }
  return most;
}

int64_t GemmPacked(const GemmKernel &kernel, const GemmCall &call, bool accumulate,
                   int64_t panel_begin, int64_t panel_end) {
  const int64_t end = std::min(panel_end, call.n / kernel.columns);
  if (kernel.block == nullptr || call.taps == 0) return panel_begin;
  const bool one_row = call.m * call.lines == 1 && call.taps == 1;
  if (call.scratch == nullptr ? !one_row : !one_row && end - panel_begin < kLeastPanels) {
    return panel_begin;
  }
  if (end <= panel_begin) return panel_begin;
  // The residual of a block lies at one distance from it.
  if (call.residual != nullptr && (call.ldr != call.ldc || call.residual_line != call.c_line)) {
    return panel_begin;
  }
  PackedLoop(kernel, call, accumulate)
      .Run(static_cast<intptr_t>(panel_begin), static_cast<intptr_t>(end));
  return end;
}

}  // namespace kernels
}  // namespace mace
