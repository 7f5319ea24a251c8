// SPDX-License-Identifier: Apache-2.0
// Plans of convolutions in binary16, packing, and the loops that run them.
#include "mace/kernels/half/half_conv.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "mace/base/half.h"
#include "mace/kernels/simd.h"

namespace mace {
namespace kernels {

namespace {

constexpr HalfGemmKernel kGemmKernels[] = {
#define MACE_HALF_GEMM_KERNEL(name, isa) {#name, isa, name, name##_pack},
#define MACE_HALF_DWCONV_KERNEL(name, isa, window, stride, rows, pixels)
#define MACE_HALF_CONVERT_KERNEL(name, isa)
#include "mace/kernels/half/kernels.inc"
#undef MACE_HALF_GEMM_KERNEL
#undef MACE_HALF_CONVERT_KERNEL
};

constexpr HalfConvertKernel kConvertKernels[] = {
#define MACE_HALF_GEMM_KERNEL(name, isa)
#define MACE_HALF_CONVERT_KERNEL(name, isa) {#name, isa, name##_from, name##_to},
#include "mace/kernels/half/kernels.inc"
#undef MACE_HALF_GEMM_KERNEL
#undef MACE_HALF_DWCONV_KERNEL
#undef MACE_HALF_CONVERT_KERNEL
};

// Packed rows of a block: part of an L2 cache of 512 KB, the rest is for panels
// and C.
constexpr int64_t kBlockNumbers = 208 * 1024 / 2;
constexpr int64_t kResidentNumbers = 8 * 1024 / 2;
// Panels of a group: part of an L1 cache of 64 KB, beside a row tile and the
// rows of C.
constexpr int64_t kGroupNumbers = 36 * 1024 / 2;
// Filters above this size are better split among threads than read by each.
constexpr int64_t kSharedNumbers = 256 * 1024;
// Tiles for each thread, so that one that is late does not hold up all.
constexpr int64_t kTilesPerThread = 4;
constexpr int64_t kLine = 32;  // numbers of a cache line

int64_t CeilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }
int64_t RoundUp(int64_t a, int64_t b) { return CeilDiv(a, b) * b; }

int64_t PanelNumbers(const HalfConvPlan &plan) {
  return kHalfBias + RoundUp(plan.k, 4) * kHalfColumns;
}

// Whether each pixel's channels are whole octets, and so can be packed from
// where they lie.
bool InPlace(const ConvShape &s) { return s.in_c / s.group % 8 == 0; }

// What a thread has beside its packed rows.
struct Scratch {
  uint16_t *packed;  // a block of rows
  uint16_t *zeros;   // a pixel's channels
  uint16_t *room;    // rows of a tile before they are packed, if not in place
  uint16_t *tile;    // a tile of C, then its residual

  static int64_t Numbers(const HalfConvPlan &plan) {
    const int64_t k = RoundUp(plan.k, 8);
    return RoundUp(k * plan.block_rows, kLine) + RoundUp(plan.shape.in_c, kLine) +
           (InPlace(plan.shape) ? 0 : k * kHalfRows) + 2 * kHalfRows * kHalfColumns;
  }
  Scratch(const HalfConvPlan &plan, void *memory) {
    const int64_t k = RoundUp(plan.k, 8);
    packed = static_cast<uint16_t *>(memory);
    zeros = packed + RoundUp(k * plan.block_rows, kLine);
    room = zeros + RoundUp(plan.shape.in_c, kLine);
    tile = room + (InPlace(plan.shape) ? 0 : k * kHalfRows);
  }
};

// Eight numbers anywhere.
typedef uint16_t Octet __attribute__((vector_size(16), aligned(2), may_alias));

MACE_INLINE Octet LoadOctet(const uint16_t *p) { return *reinterpret_cast<const Octet *>(p); }
MACE_INLINE void StoreOctet(uint16_t *p, Octet octet) { *reinterpret_cast<Octet *>(p) = octet; }

MACE_INLINE void Copy(const uint16_t *from, int64_t n, uint16_t *to) {
  if (n < 8) {
    for (int64_t i = 0; i < n; ++i) to[i] = from[i];
    return;
  }
  // The last eight may be copied twice.
  for (int64_t i = 0; i + 8 < n; i += 8) std::memcpy(to + i, from + i, 16);
  std::memcpy(to + n - 8, from + n - 8, 16);
}

// One tile of the work.
class TileRunner {
 public:
  TileRunner(const HalfConvPlan &plan, const HalfConvEpilogue &epilogue, const uint16_t *input,
             const uint16_t *packed, uint16_t *output, void *memory)
      : plan_(plan),
        shape_(plan.shape),
        epilogue_(epilogue),
        input_(input),
        packed_(packed),
        output_(output),
        scratch_(plan, memory),
        octets_(CeilDiv(plan.k, 8)),
        tile_numbers_(octets_ * 8 * kHalfRows) {
    std::memset(scratch_.zeros, 0, static_cast<size_t>(shape_.in_c) * sizeof(uint16_t));
    if (!InPlace(shape_)) {
      std::memset(scratch_.room, 0, static_cast<size_t>(tile_numbers_) * sizeof(uint16_t));
    }
    constexpr float kInf = std::numeric_limits<float>::infinity();
    block_.quads = static_cast<intptr_t>(CeilDiv(plan.k, 4));
    block_.bounds[0] = FloatToHalf(epilogue.low);
    block_.bounds[1] = FloatToHalf(epilogue.high);
    block_.flags = 0;
    block_.residual = 0;
    if (epilogue.low != -kInf) block_.flags |= kHalfBlockLow;
    if (epilogue.high != kInf) block_.flags |= kHalfBlockHigh;
    if (epilogue.residual != nullptr) {
      block_.flags |= kHalfBlockResidual;
      block_.residual = static_cast<intptr_t>(reinterpret_cast<uintptr_t>(epilogue.residual) -
                                              reinterpret_cast<uintptr_t>(output));
    }
  }

  // Rows [begin, end) and panels [panel_begin, panel_end), which may be of
  // several groups.
  void Run(int64_t begin, int64_t end, int64_t panel_begin, int64_t panel_end) {
    for (int64_t p = panel_begin; p < panel_end;) {
      const int64_t group = p / plan_.group_panels;
      const int64_t last = std::min(panel_end, (group + 1) * plan_.group_panels);
      for (int64_t row = begin; row < end; row += plan_.block_rows) {
        RunBlock(group, row, std::min(end, row + plan_.block_rows), p, last);
      }
      p = last;
    }
  }

 private:
  static int Height(int64_t count) { return count == 1 ? 1 : count <= 4 ? 4 : kHalfRows; }

  void RunBlock(int64_t group, int64_t begin, int64_t end, int64_t panel_begin, int64_t panel_end) {
    Pack(group, begin, end);
    const int64_t group_n = shape_.out_c / shape_.group;
    const int64_t whole = group * plan_.group_panels + group_n / kHalfColumns;
    const int64_t step = std::max<int64_t>(1, kGroupNumbers / PanelNumbers(plan_));
    int64_t p = panel_begin;
    while (p < std::min(whole, panel_end)) {
      const int64_t count = std::min(step, std::min(whole, panel_end) - p);
      Multiply(begin, end, p, count);
      p += count;
    }
    if (p >= panel_end) return;
    for (int64_t row = begin; row < end; row += kHalfRows) MultiplyPart(begin, row, end, p);
  }

  // The first column of a panel.
  int64_t Column(int64_t panel) const {
    const int64_t group = panel / plan_.group_panels;
    return group * (shape_.out_c / shape_.group) +
           (panel - group * plan_.group_panels) * kHalfColumns;
  }

  // Rows [begin, end) of a block times `count` panels of full width.
  void Multiply(int64_t begin, int64_t end, int64_t panel, int64_t count) {
    uint16_t *pointers[kHalfRows];
    HalfBlock block = block_;
    const int64_t stride = plan_.out_stride;
    uint16_t *c = output_ + begin * stride + Column(panel);
    block.a = scratch_.packed;
    block.b = packed_ + panel * PanelNumbers(plan_);
    block.panels = static_cast<intptr_t>(count);
    block.height = kHalfRows;
    block.c = pointers;
    for (int64_t left = end - begin; left > 0; left -= kHalfRows) {
      if (left >= kHalfRows) {
        MACE_UNROLL
        for (int r = 0; r < kHalfRows; ++r, c += stride) pointers[r] = c;
      } else {
        block.height = Height(left);
        for (int64_t r = 0; r < block.height; ++r) {
          pointers[r] = c + std::min(r, left - 1) * stride;
        }
      }
      plan_.kernel->block(block);
      block.a += tile_numbers_;
    }
  }

  // The last panel of a group, which is not of full width: by way of a tile in
  // scratch.
  void MultiplyPart(int64_t begin, int64_t row, int64_t end, int64_t panel) {
    uint16_t *pointers[kHalfRows];
    const int64_t rows = std::min<int64_t>(kHalfRows, end - row);
    const int64_t stride = plan_.out_stride;
    const int64_t group_n = shape_.out_c / shape_.group;
    const size_t bytes = static_cast<size_t>(group_n % kHalfColumns) * sizeof(uint16_t);
    const int64_t at = row * stride + Column(panel);
    uint16_t *residual = scratch_.tile + kHalfRows * kHalfColumns;
    HalfBlock block = block_;
    for (int64_t r = 0; r < kHalfRows; ++r) {
      pointers[r] = scratch_.tile + std::min(r, rows - 1) * kHalfColumns;
      if (epilogue_.residual == nullptr || r >= rows) continue;
      std::memset(residual + r * kHalfColumns, 0, kHalfColumns * sizeof(uint16_t));
      std::memcpy(residual + r * kHalfColumns, epilogue_.residual + at + r * stride, bytes);
    }
    block.a = scratch_.packed + (row - begin) / kHalfRows * tile_numbers_;
    block.b = packed_ + panel * PanelNumbers(plan_);
    block.panels = 1;
    block.height = Height(rows);
    block.c = pointers;
    block.residual = kHalfRows * kHalfColumns * static_cast<intptr_t>(sizeof(uint16_t));
    plan_.kernel->block(block);
    for (int64_t r = 0; r < rows; ++r) std::memcpy(output_ + at + r * stride, pointers[r], bytes);
  }

  // Where the window of an output pixel begins: in the image, and as an offset.
  struct Window {
    int64_t y, x;
    int64_t offset;
  };

  // Output pixels one after the other.
  class Windows {
   public:
    Windows(const ConvShape &s, int64_t row) : s_(s) {
      const int64_t pixels = s.out_h * s.out_w;
      n_ = row / pixels;
      out_y_ = row % pixels / s.out_w;
      out_x_ = row % s.out_w;
      Begin();
    }
    const Window &window() const { return window_; }
    // The one `count` pixels on, of the same row.
    Window window(int64_t count) const {
      Window window = window_;
      window.x += count * s_.stride_w;
      window.offset += count * s_.stride_w * s_.in_c;
      return window;
    }
    // Whether the next `count` pixels are of one row.
    bool InRow(int64_t count) const { return out_x_ + count <= s_.out_w; }
    // Pixels of the same row on.
    void Next(int64_t count) {
      window_ = window(count);
      out_x_ += count;
      if (out_x_ < s_.out_w) return;
      out_x_ = 0;
      if (++out_y_ == s_.out_h) {
        out_y_ = 0;
        ++n_;
      }
      Begin();
    }

   private:
    void Begin() {
      window_.y = out_y_ * s_.stride_h - s_.pad_top;
      window_.x = out_x_ * s_.stride_w - s_.pad_left;
      window_.offset = ((n_ * s_.in_h + window_.y) * s_.in_w + window_.x) * s_.in_c;
    }

    const ConvShape &s_;
    int64_t n_, out_y_, out_x_;
    Window window_;
  };

  bool Inside(const Window &w) const {
    const ConvShape &s = shape_;
    return w.y >= 0 && w.x >= 0 && w.y + (s.kernel_h - 1) * s.dilation_h < s.in_h &&
           w.x + (s.kernel_w - 1) * s.dilation_w < s.in_w;
  }

  // Rows [begin, end), of a block.
  void Pack(int64_t group, int64_t begin, int64_t end) {
    const int64_t group_c = shape_.in_c / shape_.group;
    const bool in_place = InPlace(shape_);
    const uint16_t *pointers[kHalfRows];
    Window windows[kHalfRows];
    Windows cursor(shape_, begin);
    uint16_t *to = scratch_.packed;
    for (int64_t row = begin; row < end; row += kHalfRows, to += tile_numbers_) {
      const int count = static_cast<int>(std::min<int64_t>(kHalfRows, end - row));
      const int height = Height(count);
      if (one_tap_ && in_place) {
        const uint16_t *a = input_ + row * shape_.in_c + group * group_c;
        for (int r = 0; r < height; ++r) {
          pointers[r] = a;
          if (r + 1 < count) a += shape_.in_c;
        }
        plan_.kernel->pack(pointers, height, static_cast<intptr_t>(octets_), to);
        continue;
      }
      if (!in_place) {
        PackGathered(group, count, &cursor, to);
        continue;
      }
      bool inside = true;
      for (int r = 0; r < height; ++r) {
        windows[r] = r < count ? cursor.window() : windows[count - 1];
        inside = inside && Inside(windows[r]);
        if (r < count) cursor.Next(1);
      }
      PackInPlace(group, windows, height, inside, to);
    }
  }

  void PackInPlace(int64_t group, const Window *windows, int height, bool inside, uint16_t *to) {
    const ConvShape &s = shape_;
    const int64_t group_c = s.in_c / s.group;
    const uint16_t *pointers[kHalfRows];
    const bool joined = inside && joined_;
    for (int64_t u = 0; u < s.kernel_h; ++u) {
      for (int64_t v = 0; v < (joined ? 1 : s.kernel_w); ++v) {
        const int64_t y = u * s.dilation_h, x = v * s.dilation_w;
        const int64_t offset = (y * s.in_w + x) * s.in_c + group * group_c;
        for (int r = 0; r < height; ++r) {
          const Window &w = windows[r];
          const bool there =
              inside || (w.y + y >= 0 && w.y + y < s.in_h && w.x + x >= 0 && w.x + x < s.in_w);
          pointers[r] = there ? input_ + w.offset + offset : scratch_.zeros;
        }
        const int64_t numbers = joined ? s.kernel_w * group_c : group_c;
        to = plan_.kernel->pack(pointers, height, static_cast<intptr_t>(numbers / 8), to);
      }
    }
  }

  // Pixels whose channels are no whole octets: each row is put together first.
  // What follows its last tap are zeros, from the constructor.
  void PackGathered(int64_t group, int count, Windows *cursor, uint16_t *to) {
    const uint16_t *pointers[kHalfRows];
    const int64_t row_numbers = octets_ * 8;
    uint16_t *room = scratch_.room;
    for (int r = 0; r < count; ++r) pointers[r] = room + r * row_numbers;
    const Window first = cursor->window();
    if (joined_ && cursor->InRow(count) && Inside(first) && Inside(cursor->window(count - 1))) {
      CopyRows(input_ + first.offset, count, room);
      cursor->Next(count);
    } else {
      for (int r = 0; r < count; ++r, room += row_numbers) {
        const Window window = cursor->window();
        if (joined_ && Inside(window)) {
          CopyRows(input_ + window.offset, 1, room);
        } else {
          GatherTaps(group, window, room);
        }
        cursor->Next(1);
      }
    }
    const int height = Height(count);
    for (int r = count; r < height; ++r) pointers[r] = pointers[count - 1];
    plan_.kernel->pack(pointers, height, static_cast<intptr_t>(octets_), to);
  }

  // The windows of `count` pixels of an output row, which lie in the image.
  void CopyRows(const uint16_t *image, int count, uint16_t *room) const {
    // All in registers: stores into `room` could be stores into members, for
    // all a compiler knows.
    const int64_t numbers = shape_.kernel_w * shape_.in_c, kernel_h = shape_.kernel_h;
    const int64_t step = shape_.dilation_h * shape_.in_w * shape_.in_c;
    const int64_t pixel = shape_.stride_w * shape_.in_c, row_numbers = octets_ * 8;
    if (kernel_h == 3 && numbers >= 8 && numbers <= 16) {
      // 3x3 pixels of 3 channels have rows of 9: 8, and the last 8 of them.
      const uint16_t *second = image + step, *third = second + step;
      const intptr_t n = static_cast<intptr_t>(numbers), end = n - 8;
      for (int r = 0; r < count; ++r, room += row_numbers) {
        const Octet a = LoadOctet(image), b = LoadOctet(image + end);
        const Octet c = LoadOctet(second), d = LoadOctet(second + end);
        const Octet e = LoadOctet(third), f = LoadOctet(third + end);
        image += pixel;
        second += pixel;
        third += pixel;
        StoreOctet(room, a);
        StoreOctet(room + end, b);
        StoreOctet(room + n, c);
        StoreOctet(room + n + end, d);
        StoreOctet(room + 2 * n, e);
        StoreOctet(room + 2 * n + end, f);
      }
      return;
    }
    for (int r = 0; r < count; ++r, image += pixel, room += row_numbers) {
      const uint16_t *row = image;
      uint16_t *to = room;
      for (int64_t u = 0; u < kernel_h; ++u, row += step, to += numbers) Copy(row, numbers, to);
    }
  }

  void GatherTaps(int64_t group, const Window &w, uint16_t *room) const {
    const ConvShape &s = shape_;
    const int64_t group_c = s.in_c / s.group;
    const uint16_t *image = input_ + w.offset + group * group_c;
    for (int64_t u = 0; u < s.kernel_h; ++u) {
      const int64_t y = u * s.dilation_h;
      for (int64_t v = 0; v < s.kernel_w; ++v, room += group_c) {
        const int64_t x = v * s.dilation_w;
        const bool there = w.y + y >= 0 && w.y + y < s.in_h && w.x + x >= 0 && w.x + x < s.in_w;
        Copy(there ? image + (y * s.in_w + x) * s.in_c : scratch_.zeros, group_c, room);
      }
    }
  }

  const HalfConvPlan &plan_;
  const ConvShape &shape_;
  const HalfConvEpilogue &epilogue_;
  const uint16_t *input_;
  const uint16_t *packed_;
  uint16_t *output_;
  Scratch scratch_;
  const int64_t octets_;
  const int64_t tile_numbers_;  // of a packed row tile
  // The taps of a row of the window lie one after the other.
  const bool joined_ = shape_.group == 1 && shape_.dilation_w == 1;
  // Rows lie as the input's pixels do.
  const bool one_tap_ = shape_.kernel_h == 1 && shape_.kernel_w == 1 && shape_.pad_top == 0 &&
                        shape_.pad_left == 0 && shape_.in_h == shape_.out_h &&
                        shape_.in_w == shape_.out_w && (shape_.stride_h == 1 || shape_.in_h == 1) &&
                        (shape_.stride_w == 1 || shape_.in_w == 1);
  HalfBlock block_;
};

}  // namespace

const KernelList<HalfGemmKernel> &HalfGemmKernels() {
  static constexpr KernelList<HalfGemmKernel> kList = {
      kGemmKernels, sizeof(kGemmKernels) / sizeof(kGemmKernels[0])};
  return kList;
}

const KernelList<HalfConvertKernel> &HalfConvertKernels() {
  static constexpr KernelList<HalfConvertKernel> kList = {
      kConvertKernels, sizeof(kConvertKernels) / sizeof(kConvertKernels[0])};
  return kList;
}

const HalfConvertKernel &BestHalfConvert() {
  static const HalfConvertKernel &best = HalfConvertKernels().Best(SupportedIsas());
  return best;
}

HalfConvPlan PlanHalfConv(const ConvShape &shape, uint32_t isas, int threads) {
  return PlanHalfConv(shape, HalfGemmKernels().Best(isas), threads);
}

HalfConvPlan PlanHalfConv(const ConvShape &shape, const HalfGemmKernel &kernel, int threads) {
  HalfConvPlan plan;
  plan.shape = shape;
  plan.kernel = &kernel;
  const ConvShape &s = shape;
  plan.k = s.kernel_h * s.kernel_w * (s.in_c / s.group);
  plan.group_panels = CeilDiv(s.out_c / s.group, kHalfColumns);
  plan.panels = s.group * plan.group_panels;
  plan.rows = s.batch * s.out_h * s.out_w;
  plan.out_stride = s.out_c;
  plan.packed_size = plan.panels * PanelNumbers(plan);
  const int64_t row_tiles = CeilDiv(plan.rows, kHalfRows);
  int64_t splits = 1, bands = 1;
  if (threads > 1) {
    if (plan.packed_size > kSharedNumbers) splits = std::min<int64_t>(plan.panels, 2 * threads);
    bands = std::min(row_tiles, CeilDiv(kTilesPerThread * threads, splits));
    if (bands * splits < threads) {
      splits = std::min(plan.panels, CeilDiv(kTilesPerThread * threads, bands));
    }
  }
  plan.tile_panels = CeilDiv(plan.panels, splits);
  plan.tile_rows = CeilDiv(row_tiles, bands) * kHalfRows;
  plan.tiles = CeilDiv(plan.panels, plan.tile_panels) * CeilDiv(plan.rows, plan.tile_rows);
  // With all panels in the L1 cache, rows need not stay packed for long.
  const bool resident = plan.tile_panels * PanelNumbers(plan) <= kGroupNumbers;
  const int64_t tile_numbers = RoundUp(plan.k, 8) * kHalfRows;
  const int64_t block_numbers = resident ? kResidentNumbers : kBlockNumbers;
  plan.block_rows = std::max<int64_t>(1, block_numbers / tile_numbers) * kHalfRows;
  plan.block_rows = std::min(plan.block_rows, plan.tile_rows);
  plan.scratch_bytes = static_cast<size_t>(RoundUp(Scratch::Numbers(plan), kLine)) * 2;
  return plan;
}

void PackHalfConv(const HalfConvPlan &plan, const float *filter, const float *bias,
                  uint16_t *packed) {
  const int64_t group_n = plan.shape.out_c / plan.shape.group;
  for (int64_t p = 0; p < plan.panels; ++p, packed += PanelNumbers(plan)) {
    const int64_t first = p % plan.group_panels * kHalfColumns;
    const int64_t column = p / plan.group_panels * group_n + first;
    std::memset(packed, 0, static_cast<size_t>(PanelNumbers(plan)) * sizeof(uint16_t));
    for (int64_t j = 0; j < std::min<int64_t>(kHalfColumns, group_n - first); ++j) {
      if (bias != nullptr) packed[j] = packed[kHalfColumns + j] = FloatToHalf(bias[column + j]);
      const float *from = filter + (column + j) * plan.k;
      for (int64_t l = 0; l < plan.k; ++l) {
        packed[kHalfBias + l * kHalfColumns + j] = FloatToHalf(from[l]);
      }
    }
  }
}

void ApplyActivationHalf(const ActivationParams &activation, uint16_t *numbers, int64_t n) {
  constexpr int64_t kPart = 256;
  float floats[kPart];
  const HalfConvertKernel &convert = BestHalfConvert();
  for (int64_t i = 0; i < n; i += kPart) {
    const int64_t count = std::min(kPart, n - i);
    convert.from(numbers + i, count, floats);
    ApplyActivationF32(activation, floats, floats, count);
    convert.to(floats, count, numbers + i);
  }
}

void RunHalfConvTile(const HalfConvPlan &plan, const HalfConvEpilogue &epilogue,
                     const uint16_t *input, const uint16_t *packed, uint16_t *output, int64_t tile,
                     void *scratch) {
  const int64_t splits = CeilDiv(plan.panels, plan.tile_panels);
  const int64_t panel_begin = tile % splits * plan.tile_panels;
  const int64_t panel_end = std::min(plan.panels, panel_begin + plan.tile_panels);
  const int64_t begin = tile / splits * plan.tile_rows;
  const int64_t end = std::min(plan.rows, begin + plan.tile_rows);
  TileRunner(plan, epilogue, input, packed, output, scratch)
      .Run(begin, end, panel_begin, panel_end);
  if (epilogue.activation.kind == kActivationNoop) return;
  const int64_t group_n = plan.shape.out_c / plan.shape.group;
  const auto column = [&](int64_t panel) {
    return panel / plan.group_panels * group_n +
           std::min(panel % plan.group_panels * kHalfColumns, group_n);
  };
  const int64_t first = column(panel_begin), last = column(panel_end);
  for (int64_t row = begin; row < end; ++row) {
    ApplyActivationHalf(epilogue.activation, output + row * plan.out_stride + first, last - first);
  }
}

}  // namespace kernels
}  // namespace mace
