// SPDX-License-Identifier: Apache-2.0
// Winograd convolution around its transforms: filters, blocks of tiles, products.
#include "mace/kernels/winograd/winograd.h"

#if defined(__aarch64__)
#include <arm_neon.h>
#endif

#include <algorithm>
#include <cstring>
#include <limits>
#include <vector>

#include "mace/kernels/eltwise/eltwise.h"
#include "mace/kernels/listener.h"

namespace mace {
namespace kernels {

// Weak: the table of a library for chosen models may take its place.
extern const WinogradKernel kWinogradTable[] __attribute__((weak));
const WinogradKernel kWinogradTable[] = {
#define MACE_WINOGRAD_KERNEL(name, isa, side) {#name, isa, side, name##_input, name##_output},
#include "mace/kernels/winograd/kernels.inc"
#undef MACE_WINOGRAD_KERNEL
};
constexpr int kKernelCount = 0
#define MACE_WINOGRAD_KERNEL(...) +1
#include "mace/kernels/winograd/kernels.inc"
#undef MACE_WINOGRAD_KERNEL
    ;

namespace {

// G
constexpr float kFilter4[6][3] = {
    {1.0f / 4, 0, 0},
    {-1.0f / 6, -1.0f / 6, -1.0f / 6},
    {-1.0f / 6, 1.0f / 6, -1.0f / 6},
    {1.0f / 24, 1.0f / 12, 1.0f / 6},
    {1.0f / 24, -1.0f / 12, 1.0f / 6},
    {0, 0, 1},
};
constexpr float kFilter2[4][3] = {{1, 0, 0}, {0.5f, 0.5f, 0.5f}, {0.5f, -0.5f, 0.5f}, {0, 0, 1}};

// Transformed inputs and products of a block should stay in the L2 cache, unless filters are so
// large that reading them again for the next block costs more.
constexpr int64_t kBlockFloats = 128 * 1024;
// Filters that each thread reads should meet as many tiles as make that little beside the
// multiply-adds; with fewer of them each thread takes filters of its own.
constexpr int64_t kTilesPerRead = 20;
constexpr int64_t kLeastChannels = 8;
constexpr int kHalfRows = 4;
constexpr int64_t kLineFloats = 16;  // of a cache line
// How much faster a way must be that has more filters: they take memory, and more time than
// measured where other programs fill the L3 cache.
constexpr double kMoreFilters = 1.1;
// Where the image is not known when filters are packed.
constexpr int64_t kUsualSide = 28;
int64_t CeilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }
int64_t RoundUp(int64_t a, int64_t b) { return CeilDiv(a, b) * b; }

// Row tiles of a product that are packed together, or one where rows are read in place.
int64_t Group(const WinogradPlan &plan) {
  return plan.gemm->block == nullptr ? 1 : plan.gemm->rows;
}

// A panel that is narrower than a vector of the transforms goes with the one before it.
int64_t WholePanels(const WinogradPlan &plan) {
  return std::max<int64_t>(1, plan.out_c / plan.gemm->columns);
}

// The distance of positions that hold `floats` each: an odd number of cache lines, since a tile's
// elements of all positions would fall in few sets of the cache otherwise.
int64_t PositionStride(int64_t floats) { return RoundUp(floats, 2 * kLineFloats) + kLineFloats; }

void Zero(float *to, int64_t n) { std::memset(to, 0, static_cast<size_t>(n) * sizeof(float)); }

// The C library of Arm copies by general registers, half as fast where stores limit.
void CopyFloats(const float *from, int64_t n, float *to) {
#if defined(__aarch64__)
  constexpr int kFloats = 16;
  for (; n >= kFloats; n -= kFloats, from += kFloats, to += kFloats) {
    vst1q_f32_x4(to, vld1q_f32_x4(from));
  }
#endif
  std::memcpy(to, from, static_cast<size_t>(n) * sizeof(float));
}

// One piece of work: transformed inputs, products, and a tile's input with zeros around the image.
class Piece {
 public:
  Piece(const WinogradPlan &plan, const WinogradCall &call, int64_t tile)
      : Piece(plan, call, BlockBegin(plan, tile / Splits(plan) % ImageBlocks(plan)),
              BlockBegin(plan, tile / Splits(plan) % ImageBlocks(plan) + 1)) {
    const int64_t split = tile % Splits(plan);
    panel_begin_ = split * WholePanels(plan) / Splits(plan);
    const bool last = split == Splits(plan) - 1;
    panel_end_ = last ? plan.panels : (split + 1) * WholePanels(plan) / Splits(plan);
    const int64_t n = tile / Splits(plan) / ImageBlocks(plan);
    const int64_t image_floats = plan.out_h * plan.out_w * plan.out_stride;
    input_ += n * plan.in_h * plan.in_w * plan.in_c;
    output_ += n * image_floats;
    if (residual_ != nullptr) residual_ += n * image_floats;
  }
  // Tiles of the first image from `begin` on, as many as a block has and `end` leaves; all filters.
  Piece(const WinogradPlan &plan, const WinogradCall &call, int64_t begin, int64_t end)
      : plan_(plan),
        call_(call),
        panel_begin_(0),
        panel_end_(plan.panels),
        begin_(begin),
        count_(std::min(plan.block_tiles, end - begin)),
        input_(call.input),
        output_(call.output),
        residual_(call.residual),
        side_(plan.kernel->side) {
    const int positions = WinogradPositions(side_);
    in_position_ = PositionStride(RoundUp(plan.block_tiles, Group(plan)) * plan.in_c);
    out_position_ = PositionStride(plan.block_tiles * plan.out_c);
    transformed_ = call.scratch;
    products_ = transformed_ + positions * in_position_;
    patch_ = products_ + positions * out_position_;
    unused_ = patch_ + positions * plan.in_c;
    sums_ = unused_ + plan.out_c;
  }

  void Run() {
    for (int64_t i = 0; i < count_; ++i) TransformInput(i);
    const int64_t position_floats = PackedGemmFloats(*plan_.gemm, plan_.in_c, plan_.out_c);
    for (int position = 0; position < WinogradPositions(side_); ++position) {
      const float *packed = call_.packed + position * position_floats;
      float *c = products_ + position * out_position_;
      if (plan_.gemm->block != nullptr) {
        MultiplyPacked(position, packed, c);
      } else {
        MultiplyInPlace(position, packed, c);
      }
    }
    for (int64_t i = 0; i < count_; ++i) TransformOutput(i);
  }

 private:
  static int64_t Splits(const WinogradPlan &plan) { return plan.tiles / plan.blocks; }
  static int64_t ImageBlocks(const WinogradPlan &plan) { return plan.blocks / plan.batch; }
  // Blocks of an image are equal, but for tiles that are packed together.
  static int64_t BlockBegin(const WinogradPlan &plan, int64_t block) {
    const int64_t group = Group(plan);
    const int64_t groups = CeilDiv(plan.image_tiles, group);
    return std::min(plan.image_tiles, block * groups / ImageBlocks(plan) * group);
  }

  // Tiles of the group of tile i, as the product sees them: 1, 4 or all rows of a kernel's tile.
  int Height(int64_t i) const {
    const int rows = plan_.gemm->rows;
    const int64_t left = std::min<int64_t>(rows, count_ - i / rows * rows);
    return left == 1 ? 1 : left <= kHalfRows ? kHalfRows : rows;
  }

  void TransformInput(int64_t i) const {
    const int64_t y = (begin_ + i) / plan_.tiles_x * side_ - plan_.pad_top;
    const int64_t x = (begin_ + i) % plan_.tiles_x * side_ - plan_.pad_left;
    const int64_t size = WinogradIn(side_);
    WinogradInput tile;
    tile.channels = static_cast<intptr_t>(plan_.in_c);
    tile.position = static_cast<intptr_t>(in_position_);
    tile.in_pixel = tile.channels;
    if (y >= 0 && x >= 0 && y + size <= plan_.in_h && x + size <= plan_.in_w) {
      tile.in_row = static_cast<intptr_t>(plan_.in_w * plan_.in_c);
      tile.in = input_ + (y * plan_.in_w + x) * plan_.in_c;
    } else {
      CopyPatch(y, x);
      tile.in_row = static_cast<intptr_t>(size) * tile.channels;
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

  // The pixels below the tile from (y, x) on, with zeros outside of the image.
  void CopyPatch(int64_t y, int64_t x) const {
    const int64_t size = WinogradIn(side_), row = size * plan_.in_c;
    const int64_t left = std::clamp<int64_t>(-x, 0, size);
    const int64_t right = std::clamp(plan_.in_w - x, left, size);
    float *to = patch_;
    for (int64_t v = y; v < y + size; ++v, to += row) {
      if (v < 0 || v >= plan_.in_h) {
        Zero(to, row);
        continue;
      }
      Zero(to, left * plan_.in_c);
      CopyFloats(input_ + (v * plan_.in_w + x + left) * plan_.in_c, (right - left) * plan_.in_c,
                 to + left * plan_.in_c);
      Zero(to + right * plan_.in_c, row - right * plan_.in_c);
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
      block.a = transformed_ + position * in_position_ + i * plan_.in_c;
      float *row = c + i * plan_.out_c + panel_begin_ * columns;
      for (int r = 0; r < block.height; ++r, row += plan_.out_c) {
        pointers[r] = i + r < count_ ? row : unused_;
      }
      plan_.gemm->block(block);
    }
  }

  void MultiplyInPlace(int position, const float *packed, float *c) const {
    GemmCall call;
    call.a = transformed_ + position * in_position_;
    call.tap_offsets = kOneTap;
    call.k = call.lda = plan_.in_c;
    call.packed = packed;
    call.n = call.ldc = plan_.out_c;
    call.c = c;
    call.low = -std::numeric_limits<float>::infinity();
    call.high = std::numeric_limits<float>::infinity();
    call.m = count_;
    call.streamed = true;
    Gemm(*plan_.gemm, call, panel_begin_, panel_end_);
  }

  void TransformOutput(int64_t i) const {
    const int64_t y = (begin_ + i) / plan_.tiles_x * side_;
    const int64_t x = (begin_ + i) % plan_.tiles_x * side_;
    const int64_t first = panel_begin_ * plan_.gemm->columns;
    const int64_t last = std::min(plan_.out_c, panel_end_ * plan_.gemm->columns);
    WinogradOutput tile;
    tile.in = products_ + i * plan_.out_c + first;
    tile.position = static_cast<intptr_t>(out_position_);
    tile.channels = static_cast<intptr_t>(last - first);
    const int64_t at = (y * plan_.out_w + x) * plan_.out_stride + first;
    tile.out = output_ + at;
    tile.out_row = static_cast<intptr_t>(plan_.out_w * plan_.out_stride);
    tile.out_pixel = static_cast<intptr_t>(plan_.out_stride);
    tile.rows = static_cast<int>(std::min<int64_t>(side_, plan_.out_h - y));
    tile.columns = static_cast<int>(std::min<int64_t>(side_, plan_.out_w - x));
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
    sums.out_row = side_ * tile.channels;
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
  int side_;
  int64_t in_position_, out_position_;  // from a position to the next
  float *transformed_;  // [position][block_tiles][in_c], in groups as GemmBlock takes them
  float *products_;     // [position][block_tiles][out_c]
  float *patch_;        // [side + 2][side + 2][in_c]
  float *unused_;       // [out_c]: products of rows that no tile has
  float *sums_;         // [side][side][out_c]: outputs that wait for their residual
};

}  // namespace

const KernelList<WinogradKernel> &WinogradKernels() {
  static constexpr KernelList<WinogradKernel> kList = {kWinogradTable, kKernelCount};
  return kList;
}

bool WinogradFits(const WinogradKernel &kernel, const GemmKernel &gemm, int64_t in_c,
                  int64_t out_c) {
  if (kernel.isa != VectorIsa(gemm) || gemm.isa == kIsaReference) return false;
  if (gemm.block == nullptr) return std::min(in_c, out_c) >= gemm.lanes;
  return in_c % 4 == 0 && out_c % gemm.columns == 0 && in_c >= kLeastChannels &&
         out_c >= 2 * kLeastChannels;
}

Work WinogradWork(const WinogradKernel *kernel, const GemmKernel &gemm, int64_t in_c, int64_t out_c,
                  int64_t out_h, int64_t out_w) {
  if (out_h <= 0 || out_w <= 0) out_h = out_w = kUsualSide;
  // Rows of a product in lines, each cut into tiles.
  int64_t lines = out_h, rows = out_w, k = 9 * in_c, products = 1;
  if (kernel != nullptr) {
    lines = 1;
    rows = CeilDiv(out_h, kernel->side) * CeilDiv(out_w, kernel->side);
    k = in_c;
    products = WinogradPositions(kernel->side);
  }
  const double width = static_cast<double>(RoundUp(out_c, gemm.lanes));
  const double filters = static_cast<double>(products * k) * width;
  const double all_rows = static_cast<double>(lines * rows);
  Work work;
  work.macs = filters * all_rows;
  work.steps = filters * static_cast<double>(lines * CeilDiv(rows, gemm.rows));
  work.filters = filters;
  // A plain product copies the image with zeros around it.
  work.inputs = kernel == nullptr ? static_cast<double>((out_h + 2) * (out_w + 2) * in_c)
                                  : static_cast<double>(products * rows * in_c);
  work.outputs = static_cast<double>(products) * all_rows * width;
  return work;
}

const WinogradKernel *BestWinograd(const GemmKernel &gemm, int64_t in_c, int64_t out_c,
                                   int64_t out_h, int64_t out_w) {
  const Costs &costs = CostsOf(VectorIsa(gemm));
  Work work = WinogradWork(nullptr, gemm, in_c, out_c, out_h, out_w);
  double least = CostOf(work, costs.product), filters = work.filters;
  const WinogradKernel *best = nullptr;
  for (const WinogradKernel &kernel : WinogradKernels()) {
    if (!WinogradFits(kernel, gemm, in_c, out_c)) continue;
    work = WinogradWork(&kernel, gemm, in_c, out_c, out_h, out_w);
    const double cost = CostOf(work, kernel.side == 4 ? costs.winograd_4 : costs.winograd_2);
    if (work.filters > filters ? cost * kMoreFilters < least : cost < least * kMoreFilters) {
      least = cost;
      filters = work.filters;
      best = &kernel;
    }
  }
  return best;
}

void FinishWinogradPlan(int threads, WinogradPlan *plan) {
  const int64_t position_floats = PackedGemmFloats(*plan->gemm, plan->in_c, plan->out_c);
  const int64_t side = plan->kernel->side;
  const int64_t positions = WinogradPositions(plan->kernel->side);
  plan->packed_floats = positions * position_floats;
  plan->panels = GemmPanels(*plan->gemm, plan->out_c);
  plan->out_stride = plan->out_c;
  plan->tiles_x = CeilDiv(plan->out_w, side);
  plan->image_tiles = plan->tiles_x * CeilDiv(plan->out_h, side);
  const int64_t group = plan->gemm->rows;
  const int64_t tile_floats = positions * (plan->in_c + plan->out_c);
  const int64_t most =
      std::max(kBlockFloats, plan->packed_floats / (plan->gemm->block != nullptr ? 4 : 2)) /
      tile_floats / group * group;
  int64_t block = std::min(plan->image_tiles, std::max(group, most));
  // Where rows are read in place, a somewhat larger block is better than filters that are read
  // twice.
  if (plan->gemm->block == nullptr && 2 * plan->image_tiles <= 3 * block) block = plan->image_tiles;
  int64_t splits = 1;
  plan->blocks = plan->batch * CeilDiv(plan->image_tiles, block);
  if (threads > 1) {
    const int64_t units = CeilDiv(plan->image_tiles, Group(*plan));
    const int64_t shares = RoundUp(plan->blocks, threads);
    if (plan->batch * plan->image_tiles >= threads * kTilesPerRead) {
      plan->blocks = plan->batch * std::min(units, CeilDiv(shares, plan->batch));
    } else {
      splits = std::min(WholePanels(*plan), shares / plan->blocks);
    }
  }
  const int64_t image_blocks = plan->blocks / plan->batch;
  plan->block_tiles =
      std::min(plan->image_tiles,
               CeilDiv(CeilDiv(plan->image_tiles, Group(*plan)), image_blocks) * Group(*plan));
  plan->tiles = plan->blocks * splits;
  plan->scratch_floats =
      positions * (PositionStride(RoundUp(plan->block_tiles, Group(*plan)) * plan->in_c) +
                   PositionStride(plan->block_tiles * plan->out_c) + plan->in_c) +
      (1 + side * side) * plan->out_c;
}

void PackWinograd(const WinogradPlan &plan, const float *filter, const float *bias, float *packed) {
  const int64_t position_floats = PackedGemmFloats(*plan.gemm, plan.in_c, plan.out_c);
  std::vector<float> transformed(static_cast<size_t>(plan.out_c * plan.in_c));
  const int side = plan.kernel->side, size = WinogradIn(side);
  const auto *matrix = side == 4 ? kFilter4 : kFilter2;
  for (int position = 0; position < WinogradPositions(side); ++position) {
    float factors[9];
    for (int i = 0; i < 9; ++i) {
      factors[i] = matrix[position / size][i / 3] * matrix[position % size][i % 3];
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
    PackGemm(*plan.gemm, source, plan.out_c, position == WinogradOnes(side) ? bias : nullptr,
             packed + position * position_floats);
  }
}

void RunWinogradTile(const WinogradPlan &plan, const WinogradCall &call, int64_t tile) {
  MACE_TELL_LISTENER(OnWinogradTile(plan, call, tile));
  Piece(plan, call, tile).Run();
}

void RunWinogradRows(const WinogradPlan &plan, const WinogradCall &call, int64_t begin,
                     int64_t end) {
  const int64_t side = plan.kernel->side;
  const int64_t last = CeilDiv(end, side) * plan.tiles_x;
  for (int64_t i = begin / side * plan.tiles_x; i < last; i += plan.block_tiles) {
    Piece(plan, call, i, last).Run();
  }
}

const WinogradFunctions kWinogradFunctions = {BestWinograd, FinishWinogradPlan, PackWinograd,
                                              RunWinogradTile, RunWinogradRows};

}  // namespace kernels
}  // namespace mace
