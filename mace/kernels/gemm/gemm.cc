// SPDX-License-Identifier: Apache-2.0
// The list of GEMM kernels, packing, and the loops around a tile.
#include "mace/kernels/gemm/gemm.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "mace/base/core_order.h"
#include "mace/kernels/gemm/gemm_packed.h"
#include "mace/kernels/listener.h"

namespace mace {
namespace kernels {

// Weak: the table of a library for chosen models may take its place.
extern const GemmKernel kGemmTable[] __attribute__((weak));
const GemmKernel kGemmTable[] = {
#define MACE_GEMM_KERNEL(name, isa, rows, columns, lanes) \
  {#name, isa, name, rows, columns, lanes, nullptr, nullptr},
#define MACE_GEMM_BLOCK_KERNEL(name, isa, rows, columns, lanes) \
  {#name, isa, name, rows, columns, lanes, name##_pack, name##_block},
#include "mace/kernels/gemm/kernels.inc"
#undef MACE_GEMM_KERNEL
#undef MACE_GEMM_BLOCK_KERNEL
};
constexpr int kKernelCount = 0
#define MACE_GEMM_KERNEL(...) +1
#define MACE_GEMM_BLOCK_KERNEL(...) +1
#include "mace/kernels/gemm/kernels.inc"
#undef MACE_GEMM_KERNEL
#undef MACE_GEMM_BLOCK_KERNEL
    ;

namespace {

// What is larger does not stay in the L2 cache beside the rest.
constexpr int64_t kResidentBytes = 512 * 1024;
constexpr int64_t kLineFloats = 16;  // of a cache line
// Of the L1 cache: the floats of one line of each set, and how many lines a set has at least.
constexpr int64_t kCacheSetFloats = 1024, kCacheWays = 8;
// With more steps of k it does not count how long a tile waits for its part of C.
constexpr int64_t kShortSteps = 512;

int64_t CeilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }
int64_t RoundUp(int64_t a, int64_t b) { return CeilDiv(a, b) * b; }

// Floats in front of panel p: all panels before the last one are of full width.
int64_t PanelOffset(const GemmKernel &kernel, int64_t k, int64_t p) {
  return p * (1 + k) * kernel.columns;
}

#if defined(__SSE2__) || defined(__aarch64__) || defined(__ARM_NEON)
using Quad = float __attribute__((vector_size(16)));

Quad LoadQuad(const float *from) {
  Quad quad;
  std::memcpy(&quad, from, sizeof(quad));
  return quad;
}

// Transposes the columns of b in fours: block[l * width + j] = b[j * stride_n + l]. Returns how
// many columns are done.
int PackQuads(const float *b, int64_t count, int64_t stride_n, int used, int width, float *block) {
  for (int j = 0; j + 4 <= used; j += 4, b += 4 * stride_n) {
    float *out = block + j;
    int64_t l = 0;
    for (; l + 4 <= count; l += 4, out += 4 * width) {
      const Quad p = LoadQuad(b + l), q = LoadQuad(b + stride_n + l),
                 r = LoadQuad(b + 2 * stride_n + l), s = LoadQuad(b + 3 * stride_n + l);
      const Quad pq_low = __builtin_shufflevector(p, q, 0, 4, 1, 5),
                 pq_high = __builtin_shufflevector(p, q, 2, 6, 3, 7),
                 rs_low = __builtin_shufflevector(r, s, 0, 4, 1, 5),
                 rs_high = __builtin_shufflevector(r, s, 2, 6, 3, 7);
      const Quad steps[4] = {__builtin_shufflevector(pq_low, rs_low, 0, 1, 4, 5),
                             __builtin_shufflevector(pq_low, rs_low, 2, 3, 6, 7),
                             __builtin_shufflevector(pq_high, rs_high, 0, 1, 4, 5),
                             __builtin_shufflevector(pq_high, rs_high, 2, 3, 6, 7)};
      for (int i = 0; i < 4; ++i) std::memcpy(out + i * width, &steps[i], sizeof(Quad));
    }
    for (; l < count; ++l, out += width) {
      for (int i = 0; i < 4; ++i) out[i] = b[i * stride_n + l];
    }
  }
  return used / 4 * 4;
}
#else
int PackQuads(const float *, int64_t, int64_t, int, int, float *) { return 0; }
#endif

// Steps [0, k) of one tap for a panel of `used` columns, rounded up to `width`.
void PackSteps(const float *b, int64_t k, int64_t stride_k, int64_t stride_n, int used, int width,
               float *out) {
  if (stride_n == 1) {
    for (int64_t l = 0; l < k; ++l, out += width) {
      std::memcpy(out, b + l * stride_k, used * sizeof(float));
      for (int j = used; j < width; ++j) out[j] = 0.0f;
    }
    return;
  }
  // A block of steps at a time: each column is read along cache lines, and the block written stays
  // in the L1 cache.
  constexpr int64_t kBlock = 64;
  for (int64_t first = 0; first < k; first += kBlock) {
    const int64_t count = std::min(kBlock, k - first);
    float *block = out + first * width;
    int j = stride_k == 1 ? PackQuads(b + first, count, stride_n, used, width, block) : 0;
    for (; j < used; ++j) {
      const float *from = b + first * stride_k + j * stride_n;
      for (int64_t l = 0; l < count; ++l) block[l * width + j] = from[l * stride_k];
    }
    for (; j < width; ++j) {
      for (int64_t l = 0; l < count; ++l) block[l * width + j] = 0.0f;
    }
  }
}

void PackPart(const GemmKernel &kernel, const GemmSource &source, int64_t n, const float *bias,
              float *packed) {
  for (int64_t j = 0; j < n; j += kernel.columns) {
    const int used = static_cast<int>(std::min<int64_t>(kernel.columns, n - j));
    const int width = static_cast<int>(RoundUp(used, kernel.lanes));
    float *out = packed + PanelOffset(kernel, source.taps * source.k, j / kernel.columns);
    for (int i = 0; i < width; ++i) out[i] = bias != nullptr && i < used ? bias[j + i] : 0.0f;
    out += width;
    for (int64_t t = 0; t < source.taps; ++t) {
      PackSteps(source.data + source.tap_offsets[t] + j * source.stride_n, source.k,
                source.stride_k, source.stride_n, used, width, out);
      out += source.k * width;
    }
  }
}

// What stays the same for all tiles of a call. Row tiles are counted through all lines.
class TileLoop {
 public:
  TileLoop(const GemmKernel &kernel, const GemmCall &call)
      : kernel_(kernel), call_(call), k_(call.taps * call.k) {
    // Equal tiles rather than one small one at the end.
    tile_rows_ = CeilDiv(call.m, CeilDiv(call.m, kernel.rows));
    line_tiles_ = CeilDiv(call.m, tile_rows_);
    tile_.tap_offsets = call.tap_offsets;
    tile_.taps = call.taps;
    tile_.k = call.k;
    tile_.lda = call.lda;
    tile_.ldc = call.ldc;
    tile_.ldr = call.ldr;
    tile_.low = call.low;
    tile_.high = call.high;
    tile_.prefetch_step = 0;
  }

  int64_t row_tiles() const { return call_.lines * line_tiles_; }
  // About the bytes of A that a row tile reads and its neighbours do not.
  int64_t row_tile_bytes() const {
    return tile_rows_ * std::max<int64_t>(call_.lda, 1) * static_cast<int64_t>(sizeof(float));
  }

  void RowTilesOutside(int64_t panel_begin, int64_t panel_end) {
    // Meanwhile the rows that the next tile reads and then those that it writes are fetched, shared
    // out over all steps of k, so that it need not wait for memory.
    const bool whole = panel_end - panel_begin == GemmPanels(kernel_, call_.n);
    const int64_t a_floats = tile_rows_ * call_.lda, c_floats = whole ? tile_rows_ * call_.ldc : 0;
    const int64_t steps = std::max<int64_t>(1, (panel_end - panel_begin) * k_);
    const int64_t step = std::min(kLineFloats, CeilDiv(a_floats + c_floats, steps));
    for (int64_t t = 0; t < row_tiles(); ++t) {
      const bool fetch = (t + 1) % line_tiles_ != 0;
      tile_.prefetch_step = fetch ? step : 0;
      int64_t done = 0;
      for (int64_t p = panel_begin; p < panel_end; ++p, done += k_ * step) {
        SetPanel(p);
        SetRows(t, p);
        tile_.prefetch = !fetch ? tile_.b
                         : done < a_floats
                             ? tile_.a + a_floats + done
                             : tile_.c - p * kernel_.columns + c_floats + done - a_floats;
        kernel_.function(tile_);
      }
    }
  }

  void PanelsOutside(int64_t tile_begin, int64_t tile_end, int64_t panel_begin, int64_t panel_end) {
    // The row tiles share out the fetching of the next panel evenly, so that it does not compete
    // with what they compute; they fetch in every step of k. Where C goes to memory and half of the
    // tiles will do, the others fetch what their successors write, first and second halves of lines
    // in turns.
    const int64_t count = tile_end - tile_begin;
    const bool halves = count >= 2 * kernel_.columns / kLineFloats && k_ <= kShortSteps &&
                        row_tiles() * tile_rows_ * call_.ldc > kResidentBytes / 2;
    const int64_t step = std::min(kLineFloats, (halves ? 2 : 1) * CeilDiv(kernel_.columns, count));
    for (int64_t p = panel_begin; p < panel_end; ++p) {
      SetPanel(p);
      const bool fetch = p + 1 < panel_end || call_.streamed;
      const float *next = call_.packed + PanelOffset(kernel_, k_, p + 1);
      for (int64_t t = tile_begin; t < tile_end; ++t) {
        SetRows(t, p);
        tile_.prefetch_step = fetch ? step : 0;
        tile_.prefetch = fetch ? next : tile_.b;
        if (halves && t % 2 != 0) {
          tile_.prefetch_step = call_.ldc;
          tile_.prefetch = tile_.c + tile_rows_ * call_.ldc + t % 4 / 2 * kLineFloats;
        } else {
          next += k_ * step;
          FetchC();
        }
        kernel_.function(tile_);
      }
    }
  }

 private:
  void SetPanel(int64_t p) {
    tile_.b = call_.packed + PanelOffset(kernel_, k_, p);
    tile_.n = static_cast<int>(std::min<int64_t>(kernel_.columns, call_.n - p * kernel_.columns));
  }

  // What the tile writes at its end, all at once: by then it has arrived.
  void FetchC() const {
#if defined(__x86_64__)
    for (int i = 0; i < tile_.m; ++i) {
      for (int64_t j = 0; j < tile_.n; j += kLineFloats) {
        __builtin_prefetch(tile_.c + i * tile_.ldc + j);
      }
    }
#endif
  }

  void SetRows(int64_t t, int64_t p) {
    const int64_t y = call_.lines == 1 ? 0 : t / line_tiles_;
    const int64_t i = (t - y * line_tiles_) * tile_rows_;
    const int64_t j = p * kernel_.columns;
    tile_.a = call_.a + y * call_.a_line + i * call_.lda;
    tile_.c = call_.c + y * call_.c_line + i * call_.ldc + j;
    tile_.residual = call_.residual == nullptr
                         ? nullptr
                         : call_.residual + y * call_.residual_line + i * call_.ldr + j;
    tile_.m = static_cast<int>(std::min(tile_rows_, call_.m - i));
  }

  const GemmKernel &kernel_;
  const GemmCall &call_;
  const int64_t k_;
  int64_t tile_rows_;
  int64_t line_tiles_;
  GemmTile tile_;
};

}  // namespace

const KernelList<GemmKernel> &GemmKernels() {
  static constexpr KernelList<GemmKernel> kList = {kGemmTable, kKernelCount};
  return kList;
}

namespace {

// Where the core decides: the best kernel, and what takes its place on a core that issues in order.
// Both read the same packed rows and panels and give the same bits. Written once, by BestGemm().
const GemmKernel *core_decides = nullptr, *in_order = nullptr;
// OnInOrderCore(), by an address so that models as straight-line code do not link it.
bool (*on_in_order_core)() = nullptr;

const GemmKernel &Choose() {
  const GemmKernel &best = GemmKernels().Best(SupportedIsas());
  if (best.isa != kIsaNeon || !IsaDependsOnCore()) return best;
  const GemmKernel &other = GemmKernels().Best(kIsaNeonA55);
  if (other.block != nullptr) {
    in_order = &other;
    on_in_order_core = OnInOrderCore;
    core_decides = &best;
  }
  return best;
}

}  // namespace

const GemmKernel &BestGemm() {
  static const GemmKernel &best = Choose();
  return best;
}

int64_t GemmPanels(const GemmKernel &kernel, int64_t n) { return CeilDiv(n, kernel.columns); }

int64_t PackedGemmFloats(const GemmKernel &kernel, int64_t k, int64_t n, int64_t part) {
  if (kernel.way != nullptr) return kernel.way->packed_floats(kernel, k, n);
  const int64_t parts = part == 0 ? 1 : CeilDiv(k, part);
  return RoundUp((parts + k) * RoundUp(n, kernel.lanes), kLineFloats);
}

void PackGemm(const GemmKernel &kernel, const GemmSource &source, int64_t n, const float *bias,
              float *packed) {
  MACE_TELL_LISTENER(OnPackGemm(kernel, source, n, bias, packed));
  if (kernel.way != nullptr) return kernel.way->pack(kernel, source, n, bias, packed);
  const int64_t step = source.part == 0 ? source.k : source.part;
  GemmSource part = source;
  int64_t l = 0;
  do {
    part.data = source.data + l * source.stride_k;
    part.k = std::min(step, source.k - l);
    PackPart(kernel, part, n, l == 0 ? bias : nullptr, packed);
    packed += (1 + part.k) * RoundUp(n, kernel.lanes);
    l += step;
  } while (l < source.k);
}

bool GemmRowsCollide(const GemmKernel &kernel, int64_t lda) {
  return kernel.block == nullptr && kernel.way == nullptr && kernel.rows > kCacheWays && lda > 0 &&
         lda % kCacheSetFloats == 0;
}

int64_t GemmCopiedRows(const GemmKernel &kernel, int64_t k, int64_t rows) {
  const int64_t most = std::max<int64_t>(kernel.rows, kResidentBytes / 4 / (k + kGemmRowGap));
  return RoundUp(CeilDiv(rows, CeilDiv(rows, most)), kernel.rows);
}

namespace {

// All of k. `accumulate`: C holds sums already, and is the call's residual.
void GemmWhole(const GemmKernel &given, const GemmCall &call, bool accumulate, int64_t panel_begin,
               int64_t panel_end) {
  // A call is a thread's share of an operator: long beside the question, short beside the time for
  // which a thread stays on a core.
  const GemmKernel &kernel = &given == core_decides && on_in_order_core() ? *in_order : given;
  panel_begin = GemmPacked(kernel, call, accumulate, panel_begin, panel_end);
  if (panel_begin >= panel_end) return;
  TileLoop loop(kernel, call);
  const int64_t columns =
      std::min(call.n, panel_end * kernel.columns) - panel_begin * kernel.columns;
  const int64_t bytes = call.taps * call.k * columns * static_cast<int64_t>(sizeof(float));
  if (bytes <= kResidentBytes && !call.streamed) {
    loop.RowTilesOutside(panel_begin, panel_end);
    return;
  }
  // As many row tiles at a time as have their rows of A in the L2 cache.
  const int64_t count = loop.row_tiles();
  const int64_t chunks = CeilDiv(count * loop.row_tile_bytes(), kResidentBytes);
  const int64_t chunk = CeilDiv(count, std::min(count, chunks));
  for (int64_t t = 0; t < count; t += chunk) {
    loop.PanelsOutside(t, std::min(count, t + chunk), panel_begin, panel_end);
  }
}

// The same with blocks of rows of A copied to scratch.
void GemmCopied(const GemmKernel &kernel, const GemmCall &call, int64_t panel_begin,
                int64_t panel_end) {
  const int64_t most = GemmCopiedRows(kernel, call.k, call.m * call.lines);
  const int64_t rows = std::min(call.m, most), lines = std::max<int64_t>(1, most / call.m);
  GemmCall part = call;
  part.a = call.scratch;
  part.scratch = nullptr;
  part.tap_offsets = kOneTap;
  part.lda = call.k + kGemmRowGap;
  for (int64_t y = 0; y < call.lines; y += lines) {
    part.lines = std::min(lines, call.lines - y);
    for (int64_t i = 0; i < call.m; i += rows) {
      part.m = std::min(rows, call.m - i);
      part.a_line = part.m * part.lda;
      for (int64_t r = 0; r < part.lines * part.m; ++r) {
        std::memcpy(call.scratch + r * part.lda,
                    call.a + call.tap_offsets[0] + (y + r / part.m) * call.a_line +
                        (i + r % part.m) * call.lda,
                    static_cast<size_t>(call.k) * sizeof(float));
      }
      part.c = call.c + y * call.c_line + i * call.ldc;
      if (call.residual != nullptr) {
        part.residual = call.residual + y * call.residual_line + i * call.ldr;
      }
      GemmWhole(kernel, part, false, panel_begin, panel_end);
    }
  }
}

}  // namespace

void Gemm(const GemmKernel &kernel, const GemmCall &call, int64_t panel_begin, int64_t panel_end) {
  MACE_TELL_LISTENER(OnGemm(kernel, call, panel_begin, panel_end));
  if (call.m <= 0 || call.lines <= 0 || panel_begin >= panel_end) return;
  if (kernel.way != nullptr) return kernel.way->run(kernel, call, panel_begin, panel_end);
  if (call.part == 0 || call.part >= call.k) {
    if (call.scratch != nullptr && call.taps == 1 && call.m * call.lines > kCacheWays &&
        GemmRowsCollide(kernel, call.lda)) {
      return GemmCopied(kernel, call, panel_begin, panel_end);
    }
    return GemmWhole(kernel, call, false, panel_begin, panel_end);
  }
  constexpr float kInf = std::numeric_limits<float>::infinity();
  GemmCall part = call;
  for (int64_t l = 0; l < call.k; l += call.part) {
    const bool last = call.k - l <= call.part;
    part.k = std::min(call.part, call.k - l);
    part.low = last ? call.low : -kInf;
    part.high = last ? call.high : kInf;
    GemmWhole(kernel, part, l > 0, panel_begin, panel_end);
    part.a += part.k;
    part.packed += (1 + part.k) * RoundUp(call.n, kernel.lanes);
    part.residual = part.c;
    part.ldr = part.ldc;
    part.residual_line = part.c_line;
  }
}

}  // namespace kernels
}  // namespace mace
