// SPDX-License-Identifier: Apache-2.0
// The list of kernels of bfloat16 products, the choice among them, packing, and the loops.
#include "mace/kernels/bf16/bf16_gemm.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#if defined(__x86_64__)
#include <cpuid.h>
#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif
#endif

namespace mace {
namespace kernels {

namespace {

// Rows of a block, and packed numbers of one: part of the L2 cache, beside panels and C.
constexpr int64_t kBlockRows = 256;
constexpr int64_t kBlockNumbers = 128 * 1024;
constexpr int64_t kLineFloats = 16;  // of a cache line

int64_t CeilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }
int64_t RoundUp(int64_t a, int64_t b) { return CeilDiv(a, b) * b; }

const Bf16GemmKernel &Own(const GemmKernel &kernel) {
  return static_cast<const Bf16GemmKernel &>(kernel);
}

int64_t PanelFloats(const Bf16GemmKernel &kernel, int64_t k) {
  return kernel.columns * (2 + RoundUp(k, kernel.depth)) / 2;
}

int64_t PackedFloats(const GemmKernel &kernel, int64_t k, int64_t n) {
  return RoundUp(GemmPanels(kernel, n) * PanelFloats(Own(kernel), k), kLineFloats);
}

// Rows that are packed at a time, whole tiles.
int64_t BlockRows(const Bf16GemmKernel &kernel, int64_t depth, int64_t rows) {
  const int64_t most = std::min(kBlockRows, kBlockNumbers / std::max<int64_t>(depth, 1));
  const int64_t tiles = std::max<int64_t>(1, most / kernel.rows);
  return std::min(tiles, CeilDiv(rows, kernel.rows)) * kernel.rows;
}

int64_t ScratchFloats(const GemmKernel &kernel, int64_t k, int64_t rows) {
  const int64_t depth = RoundUp(k, Own(kernel).depth);
  return RoundUp(BlockRows(Own(kernel), depth, rows) * depth / 2, kLineFloats);
}

void Pack(const GemmKernel &gemm, const GemmSource &source, int64_t n, const float *bias,
          float *packed) {
  const Bf16GemmKernel &kernel = Own(gemm);
  const int64_t columns = kernel.columns, group = kernel.group;
  const int64_t panel_floats = PanelFloats(kernel, source.taps * source.k);
  for (int64_t first = 0; first < n; first += columns, packed += panel_floats) {
    std::memset(packed, 0, static_cast<size_t>(panel_floats) * sizeof(float));
    const int64_t used = std::min(columns, n - first);
    if (bias != nullptr) std::copy_n(bias + first, used, packed);
    auto *numbers = reinterpret_cast<uint16_t *>(packed + columns);
    for (int64_t j = 0; j < used; ++j) {
      uint16_t *to = numbers + j * group;
      int64_t in_group = 0;
      for (int64_t t = 0; t < source.taps; ++t) {
        const float *from = source.data + source.tap_offsets[t] + (first + j) * source.stride_n;
        for (int64_t l = 0; l < source.k; ++l) {
          to[in_group] = FloatToBf16(from[l * source.stride_k]);
          if (++in_group < group) continue;
          in_group = 0;
          to += columns * group;
        }
      }
    }
  }
}

void Run(const GemmKernel &gemm, const GemmCall &call, int64_t panel_begin, int64_t panel_end) {
  const Bf16GemmKernel &kernel = Own(gemm);
  const float *a[kBlockRows];
  float *c[kBlockRows];
  const float *residual[kBlockRows];
  const int64_t steps = call.taps * call.k, depth = RoundUp(steps, kernel.depth);
  const int64_t first = panel_begin * kernel.columns;
  Bf16Pack pack;
  pack.rows = a;
  pack.tap_offsets = call.tap_offsets;
  pack.taps = call.taps;
  pack.k = call.k;
  pack.depth = depth;
  pack.packed = reinterpret_cast<uint16_t *>(call.scratch);
  Bf16Block block;
  block.a = pack.packed;
  block.depth = depth;
  block.b = call.packed + panel_begin * PanelFloats(kernel, steps);
  block.c = c;
  block.residual = call.residual == nullptr ? nullptr : residual;
  block.n = std::min(call.n, panel_end * kernel.columns) - first;
  block.low = call.low;
  block.high = call.high;
  const int64_t total = call.m * call.lines;
  const int64_t most = BlockRows(kernel, depth, total);
  int64_t line = 0, i = 0;
  for (int64_t begin = 0; begin < total; begin += block.m) {
    block.m = pack.height = std::min(most, total - begin);
    for (int64_t r = 0; r < block.m; ++r) {
      a[r] = call.a + line * call.a_line + i * call.lda;
      c[r] = call.c + line * call.c_line + i * call.ldc + first;
      if (call.residual != nullptr) {
        residual[r] = call.residual + line * call.residual_line + i * call.ldr + first;
      }
      if (++i < call.m) continue;
      i = 0;
      ++line;
    }
    if (depth > 0) kernel.pack_rows(pack);
    kernel.multiply(block);
  }
}

constexpr GemmWay kWay = {PackedFloats, ScratchFloats, Pack, Run};

constexpr Bf16GemmKernel kKernels[] = {
#define MACE_BF16_GEMM_KERNEL(name, isa, rows, columns, depth, group)      \
  {{#name, isa, nullptr, rows, columns, columns, nullptr, nullptr, &kWay}, \
   depth,                                                                  \
   group,                                                                  \
   name,                                                                   \
   name##_pack},
#include "mace/kernels/bf16/kernels.inc"
#undef MACE_BF16_GEMM_KERNEL
};

#if defined(__x86_64__) && !defined(MACE_KERNEL_LISTENER)
// Whether vdpbf16ps of 512 bits is worth it: on Sapphire Rapids one takes two to three cycles, in
// which vfmadd231ps does as much or more; on Zen 4 and 5 it does twice as much.
bool HasSlowDots() {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  return __get_cpuid(0, &eax, &ebx, &ecx, &edx) != 0 && ebx == signature_INTEL_ebx;
}
#endif

const Bf16GemmKernel *Choose() {
#if defined(MACE_KERNEL_LISTENER)
  return nullptr;  // straight-line code has kernels of float32 alone
#else
  const uint32_t isas = SupportedIsas();
  for (const Bf16GemmKernel &kernel : Bf16GemmKernels()) {
    if (kernel.isa == kIsaReference || (kernel.isa & isas) == 0 || !PermitBf16(kernel)) continue;
#if defined(__x86_64__)
    const char *wanted = std::getenv("MACE_ISA");
    const bool asked = wanted != nullptr && std::strcmp(wanted, IsaName(kIsaAvx512Bf16)) == 0;
    if (kernel.isa == kIsaAvx512Bf16 && HasSlowDots() && !asked) continue;
#endif
    return &kernel;
  }
  return nullptr;
#endif
}

}  // namespace

const KernelList<Bf16GemmKernel> &Bf16GemmKernels() {
  static constexpr KernelList<Bf16GemmKernel> kList = {kKernels,
                                                       sizeof(kKernels) / sizeof(kKernels[0])};
  return kList;
}

const Bf16GemmKernel *BestBf16Gemm() {
  static const Bf16GemmKernel *best = Choose();
  return best;
}

bool PermitBf16(const Bf16GemmKernel &kernel) {
#if defined(__x86_64__) && defined(__linux__)
  // ARCH_REQ_XCOMP_PERM for XFEATURE_XTILEDATA: Documentation/arch/x86/xstate.rst of Linux. For
  // all threads of the process, those that run already too.
  constexpr long kRequest = 0x1023, kTileData = 18;
  if (kernel.isa == kIsaAmxBf16) return syscall(SYS_arch_prctl, kRequest, kTileData) == 0;
#endif
  return kernel.isa != kIsaAmxBf16;
}

uint16_t FloatToBf16(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  if ((bits & 0x7fffffffu) > 0x7f800000u) return static_cast<uint16_t>(bits >> 16 | 0x40u);
  return static_cast<uint16_t>((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
}

}  // namespace kernels
}  // namespace mace
