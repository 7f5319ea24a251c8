// SPDX-License-Identifier: Apache-2.0
// Winograd convolution around its transforms: filters, blocks of tiles, products.
#include "mace/kernels/winograd/winograd.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <vector>

#include "mace/kernels/eltwise/eltwise.h"

namespace mace {
namespace kernels {

namespace {

constexpr WinogradKernel kKernels[] = {
#define MACE_WINOGRAD_KERNEL(name, isa) {#name, isa, name##_input, name##_output},
#include "mace/kernels/winograd/kernels.inc"
#undef MACE_WINOGRAD_KERNEL
};

constexpr float kFilter[kWinogradIn][3] = {
    {1.0f / 4, 0, 0},
    {-1.0f / 6, -1.0f / 6, -1.0f / 6},
    {-1.0f / 6, 1.0f / 6, -1.0f / 6},
    {1.0f / 24, 1.0f / 12, 1.0f / 6},
    {1.0f / 24, -1.0f / 12, 1.0f / 6},
    {0, 0, 1},
};
// Transformed inputs and products of a block should stay in the L2 cache, unless filters are so
// large that reading them again for the next block costs more.
constexpr int64_t kBlockFloats = 128 * 1024;
constexpr int64_t kTilesPerThread = 4;
constexpr int64_t kLeastChannels = 8;
constexpr int kHalfRows = 4;

int64_t CeilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }
int64_t RoundUp(int64_t a, int64_t b) { return CeilDiv(a, b) * b; }

// Row tiles of a product that are packed together, or one where rows are read in place.
int64_t Group(const WinogradPlan &plan) {
  return plan.gemm->block == nullptr ? 1 : plan.gemm->rows;
}

// One piece of work: transformed inputs, products, and a tile's input with zeros around the image.
class Piece {
 public:
  Piece(const WinogradPlan &plan, const WinogradCall &call, int64_t tile)
      : plan_(plan), call_(call) {
    const int64_t splits = CeilDiv(plan.panels, plan.tile_panels);
    const int64_t image_blocks = plan.blocks / plan.batch;
    const int64_t block = tile / splits;
    panel_begin_ = tile % splits * plan.tile_panels;
    panel_end_ = std::min(plan.panels, panel_begin_ + plan.tile_panels);
    const int64_t n = block / image_blocks;
    begin_ = block % image_blocks * plan.block_tiles;
    count_ = std::min(plan.block_tiles, plan.image_tiles - begin_);
    input_ = call.input + n * plan.in_h * plan.in_w * plan.in_c;
    output_ = call.output + n * plan.out_h * plan.out_w * plan.out_stride;
    room_ = RoundUp(plan.block_tiles, Group(plan));
    transformed_ = call.scratch;
    products_ = transformed_ + kWinogradPositions * room_ * plan.in_c;
    patch_ = products_ + kWinogradPositions * plan.block_tiles * plan.out_c;
    unused_ = patch_ + kWinogradPositions * plan.in_c;
    sums_ = unused_ + plan.out_c;
    const int64_t image_floats = plan.out_h * plan.out_w * plan.out_stride;
    residual_ = call.residual == nullptr ? nullptr : call.residual + n * image_floats;
  }

  void Run() {
    for (int64_t i = 0; i < count_; ++i) TransformInput(i);
    const int64_t position_floats = PackedGemmFloats(*plan_.gemm, plan_.in_c, plan_.out_c);
    for (int position = 0; position < kWinogradPositions; ++position) {
      const float *packed = call_.packed + position * position_floats;
      float *c = products_ + position * plan_.block_tiles * plan_.out_c;
      if (plan_.gemm->block != nullptr) {
        MultiplyPacked(position, packed, c);
      } else {
        MultiplyInPlace(position, packed, c);
      }
    }
    for (int64_t i = 0; i < count_; ++i) TransformOutput(i);
  }

 private:
  // Tiles of the group of tile i, as the product sees them: 1, 4 or all rows of a kernel's tile.
  int Height(int64_t i) const {
    const int rows = plan_.gemm->rows;
    const int64_t left = std::min<int64_t>(rows, count_ - i / rows * rows);
    return left == 1 ? 1 : left <= kHalfRows ? kHalfRows : rows;
  }

  void TransformInput(int64_t i) const {
    const int64_t y = (begin_ + i) / plan_.tiles_x * kWinogradOut - plan_.pad_top;
    const int64_t x = (begin_ + i) % plan_.tiles_x * kWinogradOut - plan_.pad_left;
    WinogradInput tile;
    tile.channels = static_cast<intptr_t>(plan_.in_c);
    tile.position = static_cast<intptr_t>(room_ * plan_.in_c);
    tile.in_pixel = tile.channels;
    if (y >= 0 && x >= 0 && y + kWinogradIn <= plan_.in_h && x + kWinogradIn <= plan_.in_w) {
      tile.in_row = static_cast<intptr_t>(plan_.in_w * plan_.in_c);
      tile.in = input_ + (y * plan_.in_w + x) * plan_.in_c;
    } else {
      CopyPatch(y, x);
      tile.in_row = kWinogradIn * tile.channels;
      tile.in = patch_;
    }
    if (plan_.gemm->block != nullptr) {
      const int rows = plan_.gemm->rows;
      const int64_t row = i % rows;
      tile.quad = Height(i) * 4;
      tile.out = transformed_ + (i - row) * plan_.in_c + row * 4;
    } else {
      tile.quad = 4;
      tile.out = transformed_ + i * plan_.in_c;
    }
    plan_.kernel->input(tile);
  }

  // The 6x6 pixels from (y, x) on, with zeros outside of the image.
  void CopyPatch(int64_t y, int64_t x) const {
    const size_t bytes = static_cast<size_t>(plan_.in_c) * sizeof(float);
    float *to = patch_;
    for (int64_t v = y; v < y + kWinogradIn; ++v) {
      for (int64_t u = x; u < x + kWinogradIn; ++u, to += plan_.in_c) {
        if (v < 0 || u < 0 || v >= plan_.in_h || u >= plan_.in_w) {
          std::memset(to, 0, bytes);
        } else {
          std::memcpy(to, input_ + (v * plan_.in_w + u) * plan_.in_c, bytes);
        }
      }
    }
  }

  void MultiplyPacked(int position, const float *packed, float *c) const {
    constexpr int kMaxRows = 8;
    const int rows = plan_.gemm->rows;
    const int64_t columns = plan_.gemm->columns;
    float *pointers[kMaxRows];
    GemmBlock block;
    block.k = static_cast<intptr_t>(plan_.in_c);
    block.b = packed + panel_begin_ * (plan_.in_c + 1) * columns;
    block.panels = static_cast<intptr_t>(panel_end_ - panel_begin_);
    block.c = pointers;
    block.residual = 0;
    block.flags = 0;
    block.bounds[0] = -std::numeric_limits<float>::infinity();
    block.bounds[1] = std::numeric_limits<float>::infinity();
    for (int64_t i = 0; i < count_; i += rows) {
      block.height = Height(i);
      block.a = transformed_ + (position * room_ + i) * plan_.in_c;
      float *row = c + i * plan_.out_c + panel_begin_ * columns;
      for (int r = 0; r < block.height; ++r, row += plan_.out_c) {
        pointers[r] = i + r < count_ ? row : unused_;
      }
      plan_.gemm->block(block);
    }
  }

  void MultiplyInPlace(int position, const float *packed, float *c) const {
    GemmCall call;
    call.a = transformed_ + position * room_ * plan_.in_c;
    call.tap_offsets = kOneTap;
    call.k = call.lda = plan_.in_c;
    call.packed = packed;
    call.n = call.ldc = plan_.out_c;
    call.c = c;
    call.low = -std::numeric_limits<float>::infinity();
    call.high = std::numeric_limits<float>::infinity();
    call.m = count_;
    Gemm(*plan_.gemm, call, panel_begin_, panel_end_);
  }

  void TransformOutput(int64_t i) const {
    const int64_t y = (begin_ + i) / plan_.tiles_x * kWinogradOut;
    const int64_t x = (begin_ + i) % plan_.tiles_x * kWinogradOut;
    const int64_t first = panel_begin_ * plan_.gemm->columns;
    const int64_t last = std::min(plan_.out_c, panel_end_ * plan_.gemm->columns);
    WinogradOutput tile;
    tile.in = products_ + i * plan_.out_c + first;
    tile.position = static_cast<intptr_t>(plan_.block_tiles * plan_.out_c);
    tile.channels = static_cast<intptr_t>(last - first);
    const int64_t at = (y * plan_.out_w + x) * plan_.out_stride + first;
    tile.out = output_ + at;
    tile.out_row = static_cast<intptr_t>(plan_.out_w * plan_.out_stride);
    tile.out_pixel = static_cast<intptr_t>(plan_.out_stride);
    tile.rows = static_cast<int>(std::min<int64_t>(kWinogradOut, plan_.out_h - y));
    tile.columns = static_cast<int>(std::min<int64_t>(kWinogradOut, plan_.out_w - x));
    tile.low = call_.low;
    tile.high = call_.high;
    if (residual_ == nullptr) {
      plan_.kernel->output(tile);
    } else {
      AddResidual(tile, at);
    }
    if (call_.activation.kind == kActivationNoop) return;
    for (int v = 0; v < tile.rows; ++v) {
      for (int u = 0; u < tile.columns; ++u) {
        float *pixel = tile.out + v * tile.out_row + u * tile.out_pixel;
        ApplyActivationF32(call_.activation, pixel, pixel, tile.channels);
      }
    }
  }

  // Transforms the tile into scratch, and writes it with the residual added; `at` is its place in
  // the image.
  void AddResidual(const WinogradOutput &tile, int64_t at) const {
    constexpr float kInf = std::numeric_limits<float>::infinity();
    WinogradOutput sums = tile;
    sums.out = sums_;
    sums.out_pixel = tile.channels;
    sums.out_row = kWinogradOut * tile.channels;
    sums.low = -kInf;
    sums.high = kInf;
    plan_.kernel->output(sums);
    const EltwiseFunctions &eltwise = Eltwise();
    for (int v = 0; v < tile.rows; ++v) {
      const float *from = sums.out + v * sums.out_row;
      for (int u = 0; u < tile.columns; ++u, from += tile.channels) {
        const intptr_t pixel = v * tile.out_row + u * tile.out_pixel;
        float *to = tile.out + pixel;
        eltwise.binary(kBinarySum, RowStep::kBoth, from, residual_ + at + pixel, to, tile.channels);
        if (tile.low != -kInf) {
          eltwise.binary(kBinaryMax, RowStep::kFirst, to, &tile.low, to, tile.channels);
        }
        if (tile.high != kInf) {
          eltwise.binary(kBinaryMin, RowStep::kFirst, to, &tile.high, to, tile.channels);
        }
      }
    }
  }

  const WinogradPlan &plan_;
  const WinogradCall &call_;
  int64_t panel_begin_, panel_end_;
  int64_t begin_, count_;  // tiles of the image
  const float *input_;     // of the image
  float *output_;
  const float *residual_;  // of the image, or null
  int64_t room_;           // tiles that a position has room for
  float *transformed_;     // [position][room][in_c], in groups as GemmBlock takes them
  float *products_;        // [position][block_tiles][out_c]
  float *patch_;           // [6][6][in_c]
  float *unused_;          // [out_c]: products of rows that no tile has
  float *sums_;            // [4][4][out_c]: outputs that wait for their residual
};

}  // namespace

const KernelList<WinogradKernel> &WinogradKernels() {
  static constexpr KernelList<WinogradKernel> kList = {kKernels,
                                                       sizeof(kKernels) / sizeof(kKernels[0])};
  return kList;
}

const WinogradKernel *BestWinograd(const GemmKernel &gemm, int64_t in_c, int64_t out_c) {
  const WinogradKernel &best = WinogradKernels().Best(gemm.isa);
  if (best.isa == kIsaReference || in_c % 4 != 0 || out_c % gemm.columns != 0) return nullptr;
  return in_c >= kLeastChannels && out_c >= 2 * kLeastChannels ? &best : nullptr;
}

void FinishWinogradPlan(int threads, WinogradPlan *plan) {
  const int64_t position_floats = PackedGemmFloats(*plan->gemm, plan->in_c, plan->out_c);
  plan->packed_floats = kWinogradPositions * position_floats;
  plan->panels = GemmPanels(*plan->gemm, plan->out_c);
  plan->out_stride = plan->out_c;
  plan->tiles_x = CeilDiv(plan->out_w, kWinogradOut);
  plan->image_tiles = plan->tiles_x * CeilDiv(plan->out_h, kWinogradOut);
  const int64_t group = plan->gemm->rows;
  const int64_t tile_floats = kWinogradPositions * (plan->in_c + plan->out_c);
  const int64_t most =
      std::max(kBlockFloats, plan->packed_floats / 4) / tile_floats / group * group;
  int64_t block = std::min(plan->image_tiles, std::max(group, most));
  int64_t splits = 1;
  if (threads > 1) {
    const int64_t wanted = CeilDiv(threads * kTilesPerThread, plan->batch);
    block = std::min(block, RoundUp(CeilDiv(plan->image_tiles, wanted), group));
    const int64_t got = plan->batch * CeilDiv(plan->image_tiles, block);
    if (got < threads) splits = std::min(plan->panels, CeilDiv(2 * threads, got));
  }
  plan->block_tiles = block;
  plan->blocks = plan->batch * CeilDiv(plan->image_tiles, block);
  plan->tile_panels = CeilDiv(plan->panels, splits);
  plan->tiles = plan->blocks * CeilDiv(plan->panels, plan->tile_panels);
  plan->scratch_floats = kWinogradPositions * (RoundUp(block, Group(*plan)) * plan->in_c +
                                               block * plan->out_c + plan->in_c) +
                         plan->out_c + kWinogradOut * kWinogradOut * plan->out_c;
}

void PackWinograd(const WinogradPlan &plan, const float *filter, const float *bias, float *packed) {
  const int64_t position_floats = PackedGemmFloats(*plan.gemm, plan.in_c, plan.out_c);
  std::vector<float> transformed(static_cast<size_t>(plan.out_c * plan.in_c));
  for (int position = 0; position < kWinogradPositions; ++position) {
    float factors[9];
    for (int i = 0; i < 9; ++i) {
      factors[i] = kFilter[position / kWinogradIn][i / 3] * kFilter[position % kWinogradIn][i % 3];
    }
    for (int64_t o = 0; o < plan.out_c; ++o) {
      const float *from = filter + o * 9 * plan.in_c;
      float *to = transformed.data() + o * plan.in_c;
      for (int64_t c = 0; c < plan.in_c; ++c) {
        float sum = 0;
        for (int i = 0; i < 9; ++i) sum += factors[i] * from[i * plan.in_c + c];
        to[c] = sum;
      }
    }
    const GemmSource source = {transformed.data(), kOneTap, 1, plan.in_c, 1, plan.in_c};
    PackGemm(*plan.gemm, source, plan.out_c, position == kWinogradOnes ? bias : nullptr,
             packed + position * position_floats);
  }
}

void RunWinogradTile(const WinogradPlan &plan, const WinogradCall &call, int64_t tile) {
  Piece(plan, call, tile).Run();
}

}  // namespace kernels
}  // namespace mace
