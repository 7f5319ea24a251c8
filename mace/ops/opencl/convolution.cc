// SPDX-License-Identifier: Apache-2.0
// How a convolution is run: which kernel with which tiles. Names of variants:
//   direct_tw4_tc1_ks8_16x2           pixels and blocks of a thread, split of K, work-group
//   gemm_64x64x16_4x4_ks1             tile M x N x K, results of a thread, split of K
//   gemm_64x64x16_4x4_ks1_p4          the same with work-groups that share K
//   winograd4_32x32x16_4x4_ks1        output tile 4x4, then the tile of the products
//   mma_mt2_nw1_ks4                   NVIDIA's matrix units: pixels / 16 and warps of 32 channels
// The rules for a choice without tuning are what tuning found on each family of GPUs.
#include <algorithm>
#include <cstdio>

#include "mace/ops/opencl/builder.h"
#include "mace/ops/opencl/convolution_mma.h"
#include "mace/ops/opencl/winograd.h"

namespace mace {
namespace opencl {

namespace {

struct Direct {
  int tw, tc, ks, lx, ly;
};

struct Choice {
  int winograd = 0;  // size of the output's tile
  bool gemm = false, mma = false;
  MmaTile warps = {1, 1, 1};
  Direct direct = {4, 1, 1, 16, 4};
  GemmTile tile = {32, 32, 16, 4, 4, 1};
};

constexpr Direct kDirect[] = {
    {4, 1, 1, 16, 8}, {4, 1, 1, 32, 4}, {4, 1, 1, 8, 16},  {2, 1, 1, 16, 8},  {1, 1, 1, 32, 4},
    {4, 2, 1, 8, 8},  {4, 1, 4, 16, 4}, {4, 1, 8, 16, 2},  {4, 1, 16, 16, 1}, {4, 1, 8, 8, 4},
    {2, 1, 4, 16, 4}, {2, 1, 8, 16, 2}, {2, 1, 16, 16, 1}, {1, 1, 8, 32, 1},  {1, 1, 16, 16, 1},
    {1, 1, 32, 8, 1}, {1, 1, 64, 4, 1}};
constexpr GemmTile kGemm[] = {
    {64, 64, 16, 4, 4, 1}, {64, 64, 8, 8, 8, 1},  {128, 64, 8, 8, 8, 1}, {64, 64, 8, 8, 8, 2},
    {128, 64, 8, 8, 8, 2}, {64, 32, 16, 8, 4, 2}, {32, 64, 16, 4, 4, 1}, {16, 64, 16, 4, 4, 2},
    {16, 32, 16, 4, 4, 2}, {64, 32, 16, 4, 4, 1}, {32, 64, 16, 4, 4, 2}, {32, 32, 16, 4, 4, 1},
    {32, 32, 16, 4, 4, 2}, {32, 32, 8, 4, 4, 4},  {32, 32, 8, 4, 4, 8},  {16, 64, 8, 4, 4, 4},
    {16, 32, 16, 4, 4, 4}, {16, 32, 8, 4, 4, 8},  {8, 64, 8, 4, 4, 8},   {8, 32, 8, 4, 4, 16},
    {16, 16, 8, 4, 4, 16}, {32, 32, 16, 4, 4, 4}, {64, 32, 16, 4, 4, 2}, {64, 32, 32, 4, 4, 1},
    {32, 32, 32, 4, 4, 2}, {16, 64, 16, 4, 4, 4}, {64, 16, 16, 4, 4, 2}, {1, 64, 16, 1, 4, 16}};

std::string NameOf(const Direct &d) {
  char name[64];
  snprintf(name, sizeof(name), "direct_tw%d_tc%d_ks%d_%dx%d", d.tw, d.tc, d.ks, d.lx, d.ly);
  return name;
}

std::string NameOf(const char *kind, const GemmTile &t) {
  char name[64];
  snprintf(name, sizeof(name), "%s_%dx%dx%d_%dx%d_ks%d", kind, t.bm, t.bn, t.bk, t.tm, t.tn, t.ks);
  return t.parts == 1 ? name : name + ("_p" + std::to_string(t.parts));
}

// Whether a work-group of the kernel fits on the device.
bool Fits(const GpuCapabilities &device, const Direct &d) {
  const int64_t threads = int64_t{1} * d.lx * d.ly * d.ks;
  return threads <= device.max_work_group && d.lx <= device.max_work_items[0] &&
         d.ly <= device.max_work_items[1] && d.ks <= device.max_work_items[2] &&
         (d.ks == 1 || threads * 16 <= device.local_memory);
}

// What the kernels need besides: channels whose blocks of four do not cross groups and taps. Images
// of phones are read as fast as local memory: there, tiles would only cost time to tune.
bool GemmTakes(const GpuOpContext &context, const Convolution &conv) {
  const GpuFamily family = context.device->family;
  const bool cached =
      family == GpuFamily::kNvidia || family == GpuFamily::kAmd || family == GpuFamily::kPocl;
  return (!context.images() || cached) && conv.group == 1;
}

bool DirectTakes(const GpuOpContext &context, const Convolution &conv, const Direct &d) {
  // Two blocks of channels a thread give wrong results with NVIDIA's compiler and weights in
  // buffers, which they always are there.
  const bool broken = d.tc > 1 && context.device->family == GpuFamily::kNvidia;
  const bool unsafe = d.ks > 1 && context.device->unsafe_barriers;
  return Fits(*context.device, d) && !broken && !unsafe && (d.tc == 1 || conv.group == 1) &&
         (d.ks == 1 || d.ks <= CeilDiv(conv.group_in(), 4));
}

// Work-items that keep a GPU busy.
int64_t WantedThreads(const GpuCapabilities &device) {
  const int64_t per_unit = device.family == GpuFamily::kNvidia   ? 512
                           : device.family == GpuFamily::kAmd    ? 512
                           : device.family == GpuFamily::kPocl   ? 1
                           : device.family == GpuFamily::kAdreno ? 512
                                                                 : 256;
  return per_unit * device.compute_units;
}

Direct ChooseDirect(const GpuOpContext &context, const Convolution &conv) {
  const GpuCapabilities &device = *context.device;
  const int64_t blocks = CeilDiv(conv.oc, 4), rows = conv.n * conv.oh;
  const int64_t wanted = WantedThreads(device), in_blocks = CeilDiv(conv.group_in(), 4);
  // One pixel, as in fully connected layers, has threads by its depth alone.
  const int64_t parts = std::min<int64_t>(conv.ow * rows == 1 ? 64 : 32, device.max_work_items[2]);
  const int most = device.unsafe_barriers || device.family == GpuFamily::kPocl
                       ? 1
                       : static_cast<int>(std::min(parts, in_blocks));
  Direct d = {4, 1, 1, 16, 8};
  if (conv.ow * rows < 4) d.tw = 1;
  // Fewer pixels a thread only where the split alone cannot make enough threads.
  while (d.tw > 1 && CeilDiv(conv.ow, d.tw) * rows * blocks * std::min(most, 16) < wanted / 2) {
    d.tw /= 2;
  }
  const int64_t threads = CeilDiv(conv.ow, d.tw) * rows * blocks;
  // More than 16 pay only where a thread has one pixel.
  const int limit = d.tw > 1 ? std::min(most, 16) : most;
  while (d.ks * 2 <= limit && threads * d.ks < wanted) d.ks *= 2;
  d.lx = blocks >= 12 ? 16 : blocks >= 6 ? 8 : 4;
  const int group =
      static_cast<int>(std::min<int64_t>(d.ks > 8 ? 256 : 128, device.max_work_group));
  while (d.lx * d.ks > group && d.lx > 1) d.lx /= 2;
  while (d.lx * d.ks > group && d.ks > 1) d.ks /= 2;
  d.ly = std::max(1, group / (d.lx * d.ks));
  const int64_t pixels = CeilDiv(conv.ow, d.tw) * rows;
  while (d.ly > 1 && d.ly / 2 >= pixels) d.ly /= 2;
  return d;
}

// On GPUs with caches and fast local memory, tiles are for products of many pixels, for windows,
// and for many weights.
bool PrefersGemm(const GpuOpContext &context, const Convolution &conv) {
  const GpuFamily family = context.device->family;
  if (family != GpuFamily::kNvidia && family != GpuFamily::kAmd) return false;
  if (!GemmTakes(context, conv)) return false;
  const int64_t m = conv.n * conv.oh * conv.ow, taps = conv.kh * conv.kw;
  if (m >= 3000 && taps * conv.ic >= 16 && conv.oc >= 16) return true;
  return m >= 16 && (taps > 1 || conv.ic * conv.oc >= 400000);
}

bool TileFits(const GpuOpContext &context, const GemmTile &tile) {
  // More threads find no registers: an H200 offers groups of 1024 and refuses 512 of these.
  constexpr int64_t kMostThreads = 256;
  return tile.threads() <= std::min(kMostThreads, context.device->max_work_group) &&
         tile.threads() <= context.device->max_work_items[0] &&
         tile.local_bytes() <= context.device->local_memory &&
         (tile.ks == 1 || !context.device->unsafe_barriers) &&
         // Work-groups that wait for each other's memory need what OpenCL 1.2 does not promise.
         (tile.parts == 1 || context.device->family == GpuFamily::kNvidia);
}

// Numbers of work-groups along K that are worth trying: 1, and more where the GPU would be idle.
std::vector<GemmTile> Splits(const GpuOpContext &context, GemmTile tile, int64_t groups,
                             int64_t k) {
  std::vector<GemmTile> splits = {tile};
  const int64_t steps = CeilDiv(k, int64_t{1} * tile.bk * tile.ks);
  const int64_t most = int64_t{4} * context.device->compute_units;
  for (int parts : {2, 4, 8}) {
    tile.parts = parts;
    if (groups * parts > most || steps < 2 * parts || !TileFits(context, tile)) break;
    splits.push_back(tile);
  }
  return splits;
}

// Microseconds of a product, but for a constant: fitted to 5000 measurements of 77 layers on an
// H200. Steps along K have a latency; a compute unit executes its work-groups one after the other,
// as far as their arithmetic and loads are concerned; then slices and parts are summed up.
double EstimateGemm(const GemmTile &tile, int64_t units, int64_t m, int64_t n, int64_t k,
                    bool window) {
  const double steps =
      static_cast<double>(CeilDiv(CeilDiv(k, tile.bk), int64_t{1} * tile.ks * tile.parts));
  const int64_t tiles = CeilDiv(m, tile.bm) * CeilDiv(n, tile.bn);
  const double groups = static_cast<double>(CeilDiv(tiles * tile.parts, units));
  const double depth = steps * groups * tile.bk * tile.ks;
  const int results = tile.tm * tile.tn;
  double time = steps * (window ? 0.335 : 0.406);
  time += depth * tile.bm * tile.bn * (results == 16 ? 7.73e-6 : 6.08e-6);
  time += depth * (tile.bm + tile.bn) * 1.96e-5;
  time += groups * (tile.ks * results * 6.2e-3 - static_cast<double>(tile.threads()) * 2.08e-3);
  if (tile.parts > 1) {
    const double written = static_cast<double>(tiles) * tile.parts * tile.bm * tile.bn;
    time += 2.35 + groups * tile.parts * results / tile.ks * 5.25e-3 + written * 1.23e-6;
  }
  return time;
}

GemmTile ChooseTile(const GpuOpContext &context, int64_t m, int64_t n, int64_t k, bool window) {
  bool found = false;
  GemmTile best = kGemm[0];
  double least = 0;
  for (const GemmTile &tile : kGemm) {
    const int64_t groups = CeilDiv(m, tile.bm) * CeilDiv(n, tile.bn);
    if (!TileFits(context, tile) || (tile.bm >= 2 * m && tile.bm > 4)) continue;
    for (const GemmTile &split : Splits(context, tile, groups, k)) {
      const double time = EstimateGemm(split, context.device->compute_units, m, n, k, window);
      if (!found || time < least) {
        found = true;
        least = time;
        best = split;
      }
    }
  }
  return best;
}

// Where arithmetic outweighs two more launches. Halves would lose too much in the transforms.
bool PrefersWinograd(const GpuOpContext &context, const Convolution &conv) {
  return context.device->family == GpuFamily::kNvidia && !context.half &&
         WinogradTakes(context, conv) && TileFits(context, kGemm[0]) &&
         conv.n * conv.oh * conv.ow * conv.oc * conv.ic * 9 >= int64_t{300} << 20;
}

bool ParseChoice(const std::string &name, Choice *choice) {
  Direct &d = choice->direct;
  GemmTile &t = choice->tile;
  if (sscanf(name.c_str(), "direct_tw%d_tc%d_ks%d_%dx%d", &d.tw, &d.tc, &d.ks, &d.lx, &d.ly) == 5) {
    return d.tw >= 1 && d.tw <= 8 && d.tc >= 1 && d.tc <= 2 && d.ks >= 1 && d.lx >= 1 && d.ly >= 1;
  }
  if (ParseMma(name, &choice->warps)) return choice->mma = true;
  choice->gemm = sscanf(name.c_str(), "gemm_%dx%dx%d_%dx%d_ks%d_p%d", &t.bm, &t.bn, &t.bk, &t.tm,
                        &t.tn, &t.ks, &t.parts) >= 6;
  if (choice->gemm) return IsTile(t);
  return sscanf(name.c_str(), "winograd%d_%dx%dx%d_%dx%d_ks%d", &choice->winograd, &t.bm, &t.bn,
                &t.bk, &t.tm, &t.tn, &t.ks) == 7 &&
         (choice->winograd == 2 || choice->winograd == 4) && IsTile(t);
}

Choice Choose(const GpuOpContext &context, const Convolution &conv) {
  Choice choice;
  if (!context.variant.empty() && ParseChoice(context.variant, &choice)) {
    const bool tiles = choice.gemm || choice.winograd != 0;
    const bool takes = choice.mma             ? MmaTakes(context, conv)
                       : choice.winograd != 0 ? WinogradTakes(context, conv)
                       : choice.gemm          ? GemmTakes(context, conv)
                                              : DirectTakes(context, conv, choice.direct);
    if (takes && (!tiles || TileFits(context, choice.tile))) return choice;
    choice = Choice();
  }
  choice.mma = PrefersMma(context, conv, &choice.warps);
  if (choice.mma) return choice;
  choice.direct = ChooseDirect(context, conv);
  if (PrefersWinograd(context, conv)) {
    choice.winograd = 4;
    choice.tile = kGemm[0];
    return choice;
  }
  choice.gemm = PrefersGemm(context, conv);
  if (choice.gemm) {
    choice.tile = ChooseTile(context, conv.n * conv.oh * conv.ow, conv.oc,
                             conv.kh * conv.kw * CeilDiv(conv.ic, 4) * 4, conv.kh * conv.kw > 1);
    choice.gemm = TileFits(context, choice.tile);
  }
  return choice;
}

int64_t TilesOf(const Convolution &c, const GemmTile &tile) {
  return CeilDiv(c.oc, tile.bn) * CeilDiv(c.n * c.oh * c.ow, tile.bm);
}

void BuildDirect(const GpuOpContext &context, const Convolution &c, const Direct &d,
                 GpuStep *step) {
  KernelLaunch launch = context.NewLaunch("conv_direct", "conv_direct");
  Define(&launch, "TW", d.tw);
  Define(&launch, "TC", d.tc);
  Define(&launch, "KS", d.ks);
  Define(&launch, "LX", d.lx);
  Define(&launch, "LY", d.ly);
  DefineTail(&launch, "IN_TAIL", c.ic % 4 != 0);
  DefineTail(&launch, "OUT_TAIL", c.oc % 4 != 0);
  if (c.pointwise()) Define(&launch, "ONE", 1);
  if (c.group > 1) Define(&launch, "GROUPS", 1);
  if (c.residual >= 0) Define(&launch, "RESIDUAL", 1);
  const std::pair<int32_t, int32_t> numbers = DefineActivation(c.activation, &launch);
  const int64_t blocks = CeilDiv(c.oc, 4);
  launch.arguments = {KernelArgument::Input(c.input),
                      AddMatrix(context, FilterMatrix(c), blocks * 4, step),
                      AddVector(c.bias, c.oc, step)};
  if (c.residual >= 0) launch.arguments.push_back(KernelArgument::Input(c.residual));
  launch.arguments.push_back(KernelArgument::Output(0));
  launch.arguments.push_back(KernelArgument::IntVector(ConvolutionNumbers(c, numbers.first)));
  launch.arguments.push_back(ConvolutionParts(context, c, GroupNumbers(c, numbers.second)));
  AddSecondOutput(context, c, &launch);
  launch.global = {CeilDiv(blocks, d.tc), CeilDiv(c.ow, d.tw) * c.n * c.oh, d.ks};
  launch.local = {d.lx, d.ly, d.ks};
  launch.fixed_local = true;
  step->launches.push_back(std::move(launch));
}

void BuildGemm(const GpuOpContext &context, const Convolution &c, const GemmTile &tile,
               GpuStep *step) {
  KernelLaunch launch = NewGemmLaunch(context, tile);
  DefineTail(&launch, "IN_TAIL", c.ic % 4 != 0);
  DefineTail(&launch, "OUT_TAIL", c.oc % 4 != 0);
  if (c.pointwise()) Define(&launch, "ONE", 1);
  if (c.residual >= 0) Define(&launch, "RESIDUAL", 1);
  const std::pair<int32_t, int32_t> numbers = DefineActivation(c.activation, &launch);
  launch.arguments = {KernelArgument::Input(c.input),
                      AddMatrix(context, FilterMatrix(c), CeilDiv(c.oc, 4) * 4, step),
                      AddVector(c.bias, c.oc, step)};
  if (c.residual >= 0) launch.arguments.push_back(KernelArgument::Input(c.residual));
  launch.arguments.push_back(KernelArgument::Output(0));
  launch.arguments.push_back(KernelArgument::IntVector(ConvolutionNumbers(c, numbers.first)));
  launch.arguments.push_back(
      ConvolutionParts(context, c, {Int(CeilDiv(c.ic, 4)), 0, numbers.second}));
  AddSecondOutput(context, c, &launch);
  launch.global = {tile.threads() * CeilDiv(c.oc, tile.bn), CeilDiv(c.n * c.oh * c.ow, tile.bm),
                   tile.parts};
  launch.local = {tile.threads(), 1, 1};
  if (tile.parts > 1) {
    Define(&launch, "SPLIT", 1);
    launch.last_split = 1;  // the parts of a tile are launched together
    const int64_t tiles = TilesOf(c, tile);
    GpuScratch partial;
    partial.elements = tile.parts * tiles * tile.bm * tile.bn;
    partial.keep_float = true;
    step->scratch.push_back(partial);
    launch.arguments.push_back(KernelArgument::Scratch(0));
    // Zeros that are zeros again after each run.
    launch.arguments.push_back(AddVector(nullptr, tiles, step));
  }
  step->launches.push_back(std::move(launch));
}

}  // namespace

std::vector<float> FilterMatrix(const Convolution &c) {
  const int64_t rows = c.in_blocks() * 4, columns = CeilDiv(c.oc, 4) * 4;
  std::vector<float> matrix(static_cast<size_t>(c.kh * c.kw * rows * columns), 0.0f);
  // Where the channels of an output's group begin in what its block reads.
  std::vector<int64_t> offset(static_cast<size_t>(c.oc));
  for (int64_t o = 0; o < c.oc; ++o) {
    const int64_t first = o / c.group_out() * c.group_in() - c.first_in_block(o / 4) * 4;
    offset[static_cast<size_t>(o)] = c.group == 1 ? o : first * columns + o;
  }
  // Columns together: each of their filters is then read along the depth, as it lies in memory.
  constexpr int64_t kTogether = 16;
  for (int64_t first = 0; first < c.oc; first += kTogether) {
    const int64_t end = std::min(c.oc, first + kTogether);
    for (int64_t tap = 0; tap < c.kh * c.kw; ++tap) {
      for (int64_t i = 0; i < c.group_in(); ++i) {
        float *row = &matrix[static_cast<size_t>((tap * rows + i) * columns)];
        const float *from = c.filter + (tap * c.group_in() + i) * c.stride_k;
        for (int64_t o = first; o < end; ++o) {
          row[offset[static_cast<size_t>(o)]] = from[o * c.stride_o];
        }
      }
    }
  }
  return matrix;
}

bool IsTile(const GemmTile &t) {
  if (t.bm < 1 || t.bn < 4 || t.bk < 4 || t.tm < 1 || t.tn < 4 || t.ks < 1) return false;
  if (t.parts < 1 || t.parts > 16) return false;
  if (t.bm > 256 || t.bn > 256 || t.bk > 64 || t.ks > 32) return false;
  // Threads of a slice fetch columns of one number.
  return t.bm % t.tm == 0 && t.bn % t.tn == 0 && t.tn % 4 == 0 && t.bk % 4 == 0 &&
         (t.bm / t.tm) * (t.bn / t.tn) % (t.bk / 4) == 0;
}

KernelLaunch NewGemmLaunch(const GpuOpContext &context, const GemmTile &tile) {
  KernelLaunch launch = context.NewLaunch("conv_gemm", "conv_gemm");
  Define(&launch, "BM", tile.bm);
  Define(&launch, "BN", tile.bn);
  Define(&launch, "BK", tile.bk);
  Define(&launch, "TM", tile.tm);
  Define(&launch, "TN", tile.tn);
  Define(&launch, "KS", tile.ks);
  launch.fixed_local = true;
  return launch;
}

MaceStatus SupportsConvolution(const GpuOpContext &context, const Convolution &c) {
  if (context.images() && !context.buffer_weights()) {
    const int64_t rows = c.kh * c.kw * c.in_blocks() * 4;
    if (rows > context.device->image_height || CeilDiv(c.oc, 4) > context.device->image_width) {
      return Refuse(context, "its filter of ", rows, " x ", CeilDiv(c.oc, 4),
                    " texels is larger than an image of this device may be");
    }
  }
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus BuildConvolution(const GpuOpContext &context, const Convolution &conv, GpuStep *step) {
  const Choice choice = Choose(context, conv);
  if (choice.mma) {
    BuildMma(context, conv, choice.warps, step);
  } else if (choice.winograd != 0) {
    BuildWinograd(context, conv, choice.winograd, choice.tile, step);
  } else if (choice.gemm) {
    BuildGemm(context, conv, choice.tile, step);
  } else {
    BuildDirect(context, conv, choice.direct, step);
  }
  return MaceStatus::MACE_SUCCESS;
}

std::vector<std::string> ConvolutionVariants(const GpuOpContext &context, const Convolution &conv) {
  std::vector<std::string> names = MmaVariants(context, conv);
  if (!names.empty()) return names;  // nothing else comes near
  for (const Direct &d : kDirect) {
    if (DirectTakes(context, conv, d)) names.push_back(NameOf(d));
  }
  // Of the tiles those that are estimated to be fastest: each takes the driver long to compile.
  constexpr size_t kMostTiles = 14;
  const int64_t m = conv.n * conv.oh * conv.ow, k = conv.kh * conv.kw * conv.ic;
  std::vector<std::pair<double, std::string>> tiles;
  for (const GemmTile &tile : kGemm) {
    if (!GemmTakes(context, conv) || !TileFits(context, tile)) continue;
    const int64_t groups = CeilDiv(m, tile.bm) * CeilDiv(conv.oc, tile.bn);
    if ((tile.bm >= 2 * m && tile.bm > 4) || tile.ks * tile.bk > k) continue;
    if (groups > 20000 || (groups < 8 && m > 64)) continue;
    for (const GemmTile &split : Splits(context, tile, groups, k)) {
      tiles.emplace_back(
          EstimateGemm(split, context.device->compute_units, m, conv.oc, k, conv.kh * conv.kw > 1),
          NameOf("gemm", split));
    }
  }
  std::sort(tiles.begin(), tiles.end());
  tiles.resize(std::min(tiles.size(), kMostTiles));
  for (auto &tile : tiles) names.push_back(std::move(tile.second));
  if (WinogradTakes(context, conv)) {
    for (int size : {2, 4}) {
      const std::string kind = "winograd" + std::to_string(size);
      for (const GemmTile &tile : {kGemm[0], kGemm[3], kGemm[5]}) {
        if (TileFits(context, tile)) names.push_back(NameOf(kind.c_str(), tile));
      }
    }
  }
  return names;
}

}  // namespace opencl
}  // namespace mace
