// SPDX-License-Identifier: Apache-2.0
// Plans of convolutions, and the loops that run them.
#include "mace/kernels/conv/conv.h"

#include <algorithm>
#include <cstring>

#include "mace/kernels/listener.h"

namespace mace {
namespace kernels {

namespace {

// Of a padded band: it is written, then read by each panel, from the L2 cache.
constexpr int64_t kBandFloats = 64 * 1024;
// Filters above this size do not stay in the L2 cache beside the rest. A thread that reads all of
// them should have as many pixels for them as makes that little beside the multiply-adds.
constexpr int64_t kSharedFilterFloats = 128 * 1024;
constexpr int64_t kPixelsPerRead = 56;
constexpr int64_t kTilesPerReader = 2;
// Tiles for each thread, so that one that is late does not hold up all.
constexpr int64_t kTilesPerThread = 4;

int64_t CeilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }
int64_t RoundUp(int64_t a, int64_t b) { return CeilDiv(a, b) * b; }
int64_t FloorMod(int64_t a, int64_t b) { return (a % b + b) % b; }

bool Consecutive(const std::vector<int64_t> &values) {
  for (size_t i = 1; i < values.size(); ++i) {
    if (values[i] != values[i - 1] + 1) return false;
  }
  return true;
}

// Taps of one dimension of a phase, and the kernel's index of each.
struct Taps {
  std::vector<int64_t> offsets;  // in the input, ascending
  std::vector<int64_t> kernel;
};

// One dimension of a phase of a transposed convolution: the `count` output positions out, out +
// stride, ... Position j reads the input at in + j + each of the offsets.
struct DeconvDimension {
  int64_t out = 0;
  int64_t count = 0;
  int64_t in = 0;
  Taps taps;
};

// The output positions x for which (x + pad) % stride is `phase`: kernel index k meets them if
// k * dilation leaves the same remainder.
DeconvDimension MakeDeconvDimension(int64_t phase, int64_t size, int64_t kernel, int64_t stride,
                                    int64_t dilation, int64_t pad) {
  DeconvDimension d;
  d.out = FloorMod(phase - pad, stride);
  d.count = d.out < size ? CeilDiv(size - d.out, stride) : 0;
  d.in = (d.out + pad) / stride;
  for (int64_t k = kernel - 1; k >= 0; --k) {
    if (k * dilation % stride != phase) continue;
    d.taps.offsets.push_back(-(k * dilation - phase) / stride);
    d.taps.kernel.push_back(k);
  }
  return d;
}

// Fills what GEMM needs from dy, dx and the kernel's indices.
void FinishPhase(const ConvShape &s, const Taps &ty, const Taps &tx, ConvPhase *phase) {
  phase->dy = ty.offsets;
  phase->dx = tx.offsets;
  const int64_t group_c = s.in_c / s.group;
  for (int64_t u : ty.kernel) {
    for (int64_t v : tx.kernel) phase->filter_offsets.push_back((u * s.kernel_w + v) * group_c);
  }
  if (phase->dy.empty() || phase->dx.empty()) {
    phase->dy.clear();
    phase->dx.clear();
    return;  // no taps: the output is the bias
  }
  if (s.group == 1 && Consecutive(phase->dx)) {
    phase->taps = static_cast<int64_t>(phase->dy.size());
    phase->k = static_cast<int64_t>(phase->dx.size()) * s.in_c;
  } else {
    phase->taps = static_cast<int64_t>(phase->dy.size() * phase->dx.size());
    phase->k = group_c;
  }
}

std::vector<int64_t> TapOffsets(const ConvPhase &phase, int64_t in_c, int64_t row_floats) {
  std::vector<int64_t> offsets;
  const bool joined = phase.taps == static_cast<int64_t>(phase.dy.size());
  for (int64_t dy : phase.dy) {
    for (int64_t dx : phase.dx) {
      offsets.push_back((dy - phase.dy[0]) * row_floats + (dx - phase.dx[0]) * in_c);
      if (joined) break;
    }
  }
  return offsets;
}

// First and last input row (or column) that positions [begin, end) of a phase read.
struct Range {
  int64_t begin = 0;
  int64_t end = 0;
  bool empty() const { return begin >= end; }
  void Include(const Range &other) {
    if (other.empty()) return;
    *this = empty() ? other : Range{std::min(begin, other.begin), std::max(end, other.end)};
  }
};

Range InputRows(const ConvPhase &p, int64_t begin, int64_t end) {
  end = std::min(end, p.lines);
  if (p.taps == 0 || begin >= end || p.columns == 0) return {};
  return {p.in_y + begin * p.in_step_y + p.dy.front(),
          p.in_y + (end - 1) * p.in_step_y + p.dy.back() + 1};
}

Range InputColumns(const ConvPhase &p) {
  if (p.taps == 0 || p.columns == 0) return {};
  return {p.in_x + p.dx.front(), p.in_x + (p.columns - 1) * p.in_step_x + p.dx.back() + 1};
}

Range InputRows(const ConvPlan &plan, int64_t begin, int64_t end) {
  Range rows;
  for (const ConvPhase &phase : plan.phases) rows.Include(InputRows(phase, begin, end));
  return rows;
}

// Cuts the work into tiles.
void Divide(int threads, ConvPlan *plan) {
  const ConvShape &s = plan->shape;
  plan->panels = s.group * GemmPanels(*plan->gemm, s.out_c / s.group);
  const int64_t lines = std::max<int64_t>(plan->lines, 1);
  int64_t filter_splits = 1;
  int64_t bands = 1;
  if (threads > 1) {
    // Threads rather take rows than filters of their own: the next operator finds in the cache of
    // its core what it reads, as it takes the same rows.
    const bool large = plan->packed_floats > kSharedFilterFloats;
    const int64_t wanted = threads * (large ? kTilesPerReader : kTilesPerThread);
    const int64_t pixels = s.out_h * s.out_w / lines;
    const int64_t most = large ? lines * pixels / kPixelsPerRead : lines;
    const int64_t images = CeilDiv(large ? threads : wanted, s.batch);
    bands = std::max<int64_t>(1, std::min({images, most, lines}));
    while (large && images % bands != 0) --bands;
    const int64_t got = bands * s.batch;
    if (large || got < threads) filter_splits = CeilDiv(wanted, got);
    // Equal shares.
    if (got % threads != 0) filter_splits = std::max<int64_t>(filter_splits, threads);
    filter_splits = std::min(plan->panels, filter_splits);
  }
  plan->splits = filter_splits;
  plan->bands = bands;
  plan->band_lines = CeilDiv(lines, bands);
  // Padded bands are limited in size, and are of one line at least.
  const bool pads_columns = plan->band_x < 0 || plan->band_x + plan->band_w > s.in_w;
  const Range all = InputRows(*plan, 0, plan->lines);
  plan->scratch_floats = 0;
  if (plan->line_pixels == 0 && (pads_columns || all.begin < 0 || all.end > s.in_h)) {
    const int64_t row = plan->band_w * s.in_c;
    const Range line = InputRows(*plan, 0, 1);
    const int64_t step = plan->phases[0].in_step_y;
    const int64_t least = line.end - line.begin;
    const int64_t rows = std::max(kBandFloats / row, least);
    const int64_t most = (rows - least) / step + 1;
    if (plan->band_lines > most) {
      plan->bands = std::min(lines, RoundUp(CeilDiv(lines, most), threads));
      plan->band_lines = CeilDiv(lines, plan->bands);
    }
    plan->scratch_floats = (least + (plan->band_lines - 1) * step) * row;
  }
  plan->gemm_scratch_floats = 0;
  for (const ConvPhase &phase : plan->phases) {
    const int64_t columns = plan->line_pixels != 0 ? plan->line_pixels : phase.columns;
    plan->gemm_scratch_floats =
        std::max(plan->gemm_scratch_floats,
                 GemmScratchFloats(*plan->gemm, phase.taps * phase.k, plan->band_lines * columns,
                                   phase.taps == 1 ? phase.in_step_x * s.in_c : 0));
  }
  plan->scratch_floats += plan->gemm_scratch_floats;
  plan->tiles = s.batch * plan->bands * plan->splits;
}

// What both kinds of convolution have in common once the phases are known.
void FinishPlan(int threads, ConvPlan *plan) {
  const ConvShape &s = plan->shape;
  Range columns;
  plan->lines = 0;
  plan->packed_floats = 0;
  for (ConvPhase &phase : plan->phases) {
    columns.Include(InputColumns(phase));
    plan->lines = std::max(plan->lines, phase.lines);
    phase.packed_offset = plan->packed_floats;
    phase.packed_group_floats = PackedGemmFloats(*plan->gemm, phase.taps * phase.k,
                                                 s.out_c / s.group, ConvPart(*plan->gemm, phase));
    plan->packed_floats += s.group * phase.packed_group_floats;
  }
  plan->band_x = columns.begin;
  plan->band_w = columns.end - columns.begin;
  plan->out_stride = s.out_c;
  if (plan->line_pixels != 0) plan->lines = CeilDiv(plan->shape.out_w, plan->line_pixels);
  for (ConvPhase &phase : plan->phases) {
    phase.image_offsets = TapOffsets(phase, s.in_c, s.in_w * s.in_c);
    phase.band_offsets = TapOffsets(phase, s.in_c, plan->band_w * s.in_c);
  }
  Divide(threads, plan);
}

// A convolution that is nothing but a matrix product over all pixels of the batch, told so: one
// image of one row.
bool JoinPixels(ConvShape *s) {
  if (s->kernel_h != 1 || s->kernel_w != 1 || s->pad_top != 0 || s->pad_left != 0 ||
      s->out_h != s->in_h || s->out_w != s->in_w || (s->stride_h != 1 && s->in_h != 1) ||
      (s->stride_w != 1 && s->in_w != 1)) {
    return false;
  }
  s->in_w = s->out_w = s->batch * s->in_h * s->in_w;
  s->batch = s->in_h = s->out_h = 1;
  s->stride_h = s->stride_w = 1;
  return true;
}

// Applies the activation to columns [first, last) of the channels of a phase's lines.
void Activate(const ActivationParams &activation, const GemmCall &call, int64_t out_c,
              int64_t first, int64_t last) {
  for (int64_t y = 0; y < call.lines; ++y) {
    float *row = call.c + y * call.c_line;
    if (call.ldc == out_c && first == 0 && last == out_c) {
      ApplyActivationF32(activation, row, row, call.m * out_c);
      continue;
    }
    for (int64_t i = 0; i < call.m; ++i) {
      float *pixel = row + i * call.ldc + first;
      ApplyActivationF32(activation, pixel, pixel, last - first);
    }
  }
}

// Where a tile finds its input: pixel (y, x) of the image at `base`, in rows of `row_floats`.
struct TileInput {
  const float *base;
  int64_t y, x;
  int64_t row_floats;
  bool band;  // padded, in scratch
};

// What a tile computes of each phase: lines, or pixels where all of them are one row.
struct TileRange {
  int64_t line_begin, line_end;
  int64_t panel_begin, panel_end;
};

void RunPhase(const ConvPlan &plan, const ConvPhase &phase, const ConvEpilogue &epilogue,
              const TileInput &in, const TileRange &range, const float *packed, float *image,
              const float *residual, float *gemm_scratch) {
  const ConvShape &s = plan.shape;
  const int64_t group_n = s.out_c / s.group;
  const int64_t group_panels = plan.panels / s.group;
  GemmCall call;
  call.scratch = plan.gemm_scratch_floats > 0 ? gemm_scratch : nullptr;
  call.streamed = plan.packed_floats > kSharedFilterFloats;
  call.tap_offsets = in.band ? phase.band_offsets.data() : phase.image_offsets.data();
  call.taps = phase.taps;
  call.k = phase.k;
  call.part = ConvPart(*plan.gemm, phase);
  call.lda = phase.in_step_x * s.in_c;
  call.n = group_n;
  call.ldc = call.ldr = phase.out_step_x * plan.out_stride;
  call.low = epilogue.low;
  call.high = epilogue.high;
  call.a_line = phase.in_step_y * in.row_floats;
  call.c_line = call.residual_line = phase.out_step_y * s.out_w * plan.out_stride;
  const float *a = in.base;
  if (phase.taps > 0) {
    a += (phase.in_y + phase.dy[0] - in.y) * in.row_floats +
         (phase.in_x + phase.dx[0] - in.x) * s.in_c;
  }
  float *c = image + (phase.out_y * s.out_w + phase.out_x) * plan.out_stride;
  if (plan.line_pixels != 0) {
    const int64_t first = range.line_begin;
    call.m = std::min(phase.columns, range.line_end) - first;
    call.lines = 1;
    a += first * call.lda;
    c += first * call.ldc;
  } else {
    call.m = phase.columns;
    call.lines = std::min(phase.lines, range.line_end) - range.line_begin;
    a += range.line_begin * call.a_line;
    c += range.line_begin * call.c_line;
  }
  if (call.m <= 0 || call.lines <= 0) return;
  for (int64_t p = range.panel_begin; p < range.panel_end;) {
    const int64_t g = p / group_panels;
    const int64_t first = p - g * group_panels;
    const int64_t last = std::min(group_panels, first + range.panel_end - p);
    call.a = a + g * (s.in_c / s.group);
    call.packed = packed + phase.packed_offset + g * phase.packed_group_floats;
    call.c = c + g * group_n;
    if (residual != nullptr) call.residual = residual + (call.c - image);
    Gemm(*plan.gemm, call, first, last);
    p += last - first;
  }
  if (epilogue.activation.kind == kActivationNoop) return;
  const auto channel = [&](int64_t p) {
    return p / group_panels * group_n + std::min(group_n, p % group_panels * plan.gemm->columns);
  };
  call.c = c;
  Activate(epilogue.activation, call, s.out_c, channel(range.panel_begin),
           channel(range.panel_end));
}

WinogradCall MakeWinogradCall(const ConvEpilogue &epilogue, const float *input, const float *packed,
                              float *output, float *scratch) {
  WinogradCall call;
  call.input = input;
  call.packed = packed;
  call.output = output;
  call.low = epilogue.low;
  call.high = epilogue.high;
  call.activation = epilogue.activation;
  call.residual = epilogue.residual;
  call.scratch = scratch;
  return call;
}

// A range of the phases of one image.
void RunRange(const ConvPlan &plan, const ConvEpilogue &epilogue, const float *input,
              const float *packed, float *output, const TileRange &range, float *scratch) {
  const ConvShape &s = plan.shape;
  TileInput in = {input, 0, 0, s.in_w * s.in_c, false};
  if (plan.line_pixels == 0) {
    const Range rows = InputRows(plan, range.line_begin, range.line_end);
    if (!rows.empty() && (rows.begin < 0 || rows.end > s.in_h || plan.band_x < 0 ||
                          plan.band_x + plan.band_w > s.in_w)) {
      float *band_copy = scratch + plan.gemm_scratch_floats;
      CopyPadded(input, s.in_h, s.in_w, s.in_c, rows.begin, rows.end, plan.band_x,
                 plan.band_x + plan.band_w, band_copy);
      in = {band_copy, rows.begin, plan.band_x, plan.band_w * s.in_c, true};
    }
  }
  for (const ConvPhase &phase : plan.phases) {
    RunPhase(plan, phase, epilogue, in, range, packed, output, epilogue.residual, scratch);
  }
}

void PlanWinograd(const ConvShape &s, int threads, ConvPlan *plan) {
  WinogradPlan &w = plan->winograd;
  w.kernel = s.winograd;
  w.gemm = plan->gemm;
  w.batch = s.batch;
  w.in_h = s.in_h;
  w.in_w = s.in_w;
  w.in_c = s.in_c;
  w.out_h = s.out_h;
  w.out_w = s.out_w;
  w.out_c = s.out_c;
  w.pad_top = s.pad_top;
  w.pad_left = s.pad_left;
  kConvParts.winograd->finish_plan(threads, &w);
  plan->packed_floats = w.packed_floats;
  plan->scratch_floats = w.scratch_floats;
  plan->tiles = w.tiles;
  plan->out_stride = w.out_stride;
}

void PlanProductOfParts(const ConvShape &s, int threads, ConvPlan *plan) {
  StrassenPlan &w = plan->strassen;
  w = kConvParts.strassen->plan(*plan->gemm, s.batch * s.out_h * s.out_w, s.in_c, s.out_c, threads);
  plan->packed_floats = w.packed_floats;
  plan->scratch_floats = w.scratch_floats;
  plan->tiles = w.tiles;
  plan->out_stride = w.out_stride;
}

StrassenCall MakeStrassenCall(const ConvEpilogue &epilogue, const float *input, const float *packed,
                              float *output, float *scratch) {
  StrassenCall call;
  call.a = input;
  call.packed = packed;
  call.c = output;
  call.residual = epilogue.residual;
  call.low = epilogue.low;
  call.high = epilogue.high;
  call.activation = epilogue.activation;
  call.scratch = scratch;
  return call;
}

}  // namespace

int64_t ConvPart(const GemmKernel &gemm, const ConvPhase &phase) {
  return phase.filter_offsets.size() == 1 ? GemmPart(gemm, phase.k) : 0;
}

void MakeStrided(int64_t out_stride, ConvPlan *plan) {
  plan->out_stride = plan->winograd.out_stride = plan->strassen.out_stride = out_stride;
}

bool CanWinograd(const ConvShape &s) {
  return s.kernel_h == 3 && s.kernel_w == 3 && s.stride_h == 1 && s.stride_w == 1 &&
         s.dilation_h == 1 && s.dilation_w == 1 && s.group == 1;
}

const WinogradKernel *ChooseWinograd(const ConvShape &s, const GemmKernel &gemm) {
  if (!CanWinograd(s) || kConvParts.winograd == nullptr) return nullptr;
  return kConvParts.winograd->best(gemm, s.in_c, s.out_c, s.out_h, s.out_w);
}

bool CanStrassen(const ConvShape &s) {
  return s.kernel_h == 1 && s.kernel_w == 1 && s.stride_h == 1 && s.stride_w == 1 && s.group == 1 &&
         s.pad_top == 0 && s.pad_left == 0;
}

bool ChooseStrassen(const ConvShape &s, const GemmKernel &gemm) {
  return CanStrassen(s) && kConvParts.strassen != nullptr &&
         kConvParts.strassen->pays(gemm, s.out_h * s.out_w, s.in_c, s.out_c);
}

ConvPlan PlanConv(const ConvShape &shape, const GemmKernel &gemm, int threads) {
  ConvPlan plan;
  plan.shape = plan.image = shape;
  plan.gemm = &gemm;
  if (shape.winograd != nullptr) {
    PlanWinograd(shape, threads, &plan);
    return plan;
  }
  if (shape.strassen) {
    PlanProductOfParts(shape, threads, &plan);
    return plan;
  }
  if (JoinPixels(&plan.shape)) plan.line_pixels = gemm.rows;
  const ConvShape &s = plan.shape;
  ConvPhase phase;
  phase.lines = s.out_h;
  phase.columns = s.out_w;
  phase.in_y = -s.pad_top;
  phase.in_x = -s.pad_left;
  phase.in_step_y = s.stride_h;
  phase.in_step_x = s.stride_w;
  Taps ty, tx;
  for (int64_t u = 0; u < s.kernel_h; ++u) {
    ty.offsets.push_back(u * s.dilation_h);
    ty.kernel.push_back(u);
  }
  for (int64_t v = 0; v < s.kernel_w; ++v) {
    tx.offsets.push_back(v * s.dilation_w);
    tx.kernel.push_back(v);
  }
  FinishPhase(s, ty, tx, &phase);
  plan.phases.push_back(phase);
  FinishPlan(threads, &plan);
  return plan;
}

ConvPlan PlanDeconv(const ConvShape &shape, const GemmKernel &gemm, int threads) {
  ConvPlan plan;
  plan.shape = plan.image = shape;
  plan.gemm = &gemm;
  const ConvShape &s = shape;
  for (int64_t phase_y = 0; phase_y < s.stride_h; ++phase_y) {
    const DeconvDimension y =
        MakeDeconvDimension(phase_y, s.out_h, s.kernel_h, s.stride_h, s.dilation_h, s.pad_top);
    for (int64_t phase_x = 0; phase_x < s.stride_w; ++phase_x) {
      const DeconvDimension x =
          MakeDeconvDimension(phase_x, s.out_w, s.kernel_w, s.stride_w, s.dilation_w, s.pad_left);
      ConvPhase phase;
      phase.lines = y.count;
      phase.columns = x.count;
      phase.out_y = y.out;
      phase.out_x = x.out;
      phase.out_step_y = s.stride_h;
      phase.out_step_x = s.stride_w;
      phase.in_y = y.in;
      phase.in_x = x.in;
      FinishPhase(s, y.taps, x.taps, &phase);
      plan.phases.push_back(phase);
    }
  }
  FinishPlan(threads, &plan);
  return plan;
}

void PackConv(const ConvPlan &plan, const float *filter, const float *bias, float *packed) {
  if (plan.winograd.kernel != nullptr) {
    return kConvParts.winograd->pack(plan.winograd, filter, bias, packed);
  }
  if (plan.strassen.gemm != nullptr) {
    return kConvParts.strassen->pack(plan.strassen, filter, bias, packed);
  }
  const ConvShape &s = plan.shape;
  const int64_t group_n = s.out_c / s.group;
  const int64_t filter_floats = s.kernel_h * s.kernel_w * (s.in_c / s.group);
  for (const ConvPhase &phase : plan.phases) {
    GemmSource source;
    source.tap_offsets = phase.filter_offsets.data();
    source.taps = static_cast<int64_t>(phase.filter_offsets.size());
    source.k = s.in_c / s.group;
    source.part = ConvPart(*plan.gemm, phase);
    source.stride_k = 1;
    source.stride_n = filter_floats;
    for (int64_t g = 0; g < s.group; ++g) {
      source.data = filter + g * group_n * filter_floats;
      PackGemm(*plan.gemm, source, group_n, bias == nullptr ? nullptr : bias + g * group_n,
               packed + phase.packed_offset + g * phase.packed_group_floats);
    }
  }
}

void RunConvTile(const ConvPlan &plan, const ConvEpilogue &epilogue, const float *input,
                 const float *packed, float *output, int64_t tile, float *scratch) {
  if (plan.winograd.kernel != nullptr) {
    return kConvParts.winograd->run_tile(
        plan.winograd, MakeWinogradCall(epilogue, input, packed, output, scratch), tile);
  }
  if (plan.strassen.gemm != nullptr) {
    return kConvParts.strassen->run_tile(
        plan.strassen, MakeStrassenCall(epilogue, input, packed, output, scratch), tile);
  }
  const ConvShape &s = plan.shape;
  const int64_t splits = plan.splits;
  const int64_t split = tile % splits;
  const int64_t band = tile / splits % plan.bands;
  const int64_t n = tile / splits / plan.bands;
  TileRange range;
  range.panel_begin = split * plan.panels / splits;
  range.panel_end = (split + 1) * plan.panels / splits;
  range.line_begin = band * plan.lines / plan.bands;
  range.line_end = (band + 1) * plan.lines / plan.bands;
  if (plan.line_pixels != 0) {
    range.line_begin *= plan.line_pixels;
    range.line_end *= plan.line_pixels;
  }
  const int64_t out_at = n * s.out_h * s.out_w * plan.out_stride;
  ConvEpilogue of_image = epilogue;
  if (of_image.residual != nullptr) of_image.residual += out_at;
  RunRange(plan, of_image, input + n * s.in_h * s.in_w * s.in_c, packed, output + out_at, range,
           scratch);
}

void RunConvRows(const ConvPlan &plan, const ConvEpilogue &epilogue, const float *input,
                 const float *packed, float *output, int64_t begin, int64_t end, float *scratch) {
  if (plan.winograd.kernel != nullptr) {
    return kConvParts.winograd->run_rows(
        plan.winograd, MakeWinogradCall(epilogue, input, packed, output, scratch), begin, end);
  }
  int64_t step = plan.band_lines;
  if (plan.line_pixels != 0) {
    begin *= plan.image.out_w;
    end *= plan.image.out_w;
    step *= plan.line_pixels;
  }
  // Only what lies in scratch limits how many lines there may be at a time.
  if (plan.scratch_floats == 0) step = end - begin;
  for (; begin < end; begin += step) {
    const TileRange range = {begin, std::min(end, begin + step), 0, plan.panels};
    RunRange(plan, epilogue, input, packed, output, range, scratch);
  }
}

void CopyPadded(const float *image, int64_t height, int64_t width, int64_t pixel_floats, int64_t y0,
                int64_t y1, int64_t x0, int64_t x1, float *out) {
  MACE_TELL_LISTENER(OnCopyPadded(image, height, width, pixel_floats, y0, y1, x0, x1, out));
  const int64_t row = (x1 - x0) * pixel_floats;
  const int64_t from = std::min(std::max<int64_t>(x0, 0), width);
  const int64_t to = std::max(from, std::min(x1, width));
  const int64_t left = (from - x0) * pixel_floats;
  const int64_t middle = (to - from) * pixel_floats;
  for (int64_t y = y0; y < y1; ++y, out += row) {
    if (y < 0 || y >= height || middle == 0) {
      std::memset(out, 0, row * sizeof(float));
      continue;
    }
    std::memset(out, 0, left * sizeof(float));
    std::memcpy(out + left, image + (y * width + from) * pixel_floats, middle * sizeof(float));
    std::memset(out + left + middle, 0, (row - left - middle) * sizeof(float));
  }
}

}  // namespace kernels
}  // namespace mace
