// SPDX-License-Identifier: Apache-2.0
// Plans of convolutions in two dimensions with taps added in the third.
#include "mace/kernels/conv/volume.h"

#include <algorithm>
#include <cstring>

namespace mace {
namespace kernels {

namespace {

int64_t FloorDiv(int64_t a, int64_t b) { return a >= 0 ? a / b : -((-a + b - 1) / b); }

// Input positions [begin, end) that the outputs of a dimension read.
void InputRange(const VolumeDimension &d, bool transposed, int64_t *begin, int64_t *end) {
  const int64_t reach = (d.kernel - 1) * d.dilation;
  if (transposed) {
    *begin = FloorDiv(d.pad - reach, d.stride);
    *end = (d.out - 1 + d.pad) / d.stride + 1;
  } else {
    *begin = -d.pad;
    *end = (d.out - 1) * d.stride - d.pad + reach + 1;
  }
}

ConvShape SliceShape(const VolumeShape &shape) {
  const VolumeDimension &h = shape.dims[1], &w = shape.dims[2];
  ConvShape s;
  s.in_h = h.in;
  s.in_w = w.in;
  s.in_c = shape.in_c;
  s.out_h = h.out;
  s.out_w = w.out;
  s.out_c = shape.out_c;
  s.kernel_h = h.kernel;
  s.kernel_w = w.kernel;
  s.stride_h = h.stride;
  s.stride_w = w.stride;
  s.dilation_h = h.dilation;
  s.dilation_w = w.dilation;
  s.pad_top = h.pad;
  s.pad_left = w.pad;
  s.group = shape.group;
  return s;
}

// Repeats the taps of a plan for each of `kernel` (indices of filter slices), which read the input
// slices `offsets` (ascending).
void AddDepth(const VolumeShape &shape, const std::vector<int64_t> &kernel,
              const std::vector<int64_t> &offsets, ConvPlan *plan) {
  const int64_t slice_floats = shape.dims[1].in * shape.dims[2].in * shape.in_c;
  const int64_t group_c = shape.in_c / shape.group;
  const int64_t filter_floats = shape.dims[1].kernel * shape.dims[2].kernel * group_c;
  plan->packed_floats = plan->gemm_scratch_floats = 0;
  for (ConvPhase &phase : plan->phases) {
    std::vector<int64_t> image, filter;
    for (size_t z = 0; z < kernel.size(); ++z) {
      for (int64_t o : phase.image_offsets) {
        image.push_back((offsets[z] - offsets[0]) * slice_floats + o);
      }
      for (int64_t o : phase.filter_offsets) filter.push_back(kernel[z] * filter_floats + o);
    }
    phase.taps *= static_cast<int64_t>(kernel.size());
    if (kernel.empty()) {
      phase.dy.clear();
      phase.dx.clear();
      phase.k = 0;
    }
    phase.image_offsets = phase.band_offsets = image;
    phase.filter_offsets = filter;
    phase.packed_offset = plan->packed_floats;
    phase.packed_group_floats = PackedGemmFloats(
        *plan->gemm, phase.taps * phase.k, shape.out_c / shape.group, ConvPart(*plan->gemm, phase));
    plan->packed_floats += shape.group * phase.packed_group_floats;
    const int64_t columns = plan->line_pixels != 0 ? plan->line_pixels : phase.columns;
    plan->gemm_scratch_floats =
        std::max(plan->gemm_scratch_floats,
                 GemmScratchFloats(*plan->gemm, phase.taps * phase.k, plan->band_lines * columns));
  }
  plan->scratch_floats = plan->gemm_scratch_floats;
  // What PackConv takes for the distance of filters.
  plan->shape.kernel_h = shape.dims[0].kernel * shape.dims[1].kernel;
}

}  // namespace

VolumePlan PlanVolume(const VolumeShape &shape, const GemmKernel &gemm, int threads) {
  VolumePlan plan;
  plan.shape = shape;
  bool is_padded = false;
  for (int i = 0; i < 3; ++i) {
    VolumeDimension &d = plan.shape.dims[i];
    int64_t begin, end;
    InputRange(d, shape.transposed, &begin, &end);
    plan.size[i] = d.in;
    plan.pad_begin[i] = std::max<int64_t>(0, -begin);
    const int64_t padded = plan.pad_begin[i] + std::max(d.in, end);
    is_padded = is_padded || padded != d.in;
    d.in = padded;
    d.pad = shape.transposed ? d.pad + plan.pad_begin[i] * d.stride : d.pad - plan.pad_begin[i];
  }
  const VolumeDimension &depth = plan.shape.dims[0];
  if (is_padded) {
    plan.padded_floats = depth.in * plan.shape.dims[1].in * plan.shape.dims[2].in * plan.shape.in_c;
  }
  const ConvShape slice = SliceShape(plan.shape);
  const int64_t count = shape.transposed ? depth.stride : 1;
  for (int64_t remainder = 0; remainder < count; ++remainder) {
    VolumePhase phase;
    phase.plan =
        shape.transposed ? PlanDeconv(slice, gemm, threads) : PlanConv(slice, gemm, threads);
    std::vector<int64_t> kernel, offsets;
    for (int64_t i = 0; i < depth.kernel; ++i) {
      // Ascending offsets: those of a transposed convolution go against the filters.
      const int64_t k = shape.transposed ? depth.kernel - 1 - i : i;
      const int64_t at = k * depth.dilation;
      if (shape.transposed && at % depth.stride != remainder) continue;
      kernel.push_back(k);
      offsets.push_back(shape.transposed ? -(at - remainder) / depth.stride : at);
    }
    AddDepth(plan.shape, kernel, offsets, &phase.plan);
    phase.first = offsets.empty() ? 0 : offsets[0];
    phase.packed_offset = plan.packed_floats;
    plan.packed_floats += phase.plan.packed_floats;
    plan.scratch_floats = std::max(plan.scratch_floats, phase.plan.scratch_floats);
    plan.tiles = phase.plan.tiles;
    plan.phases.push_back(std::move(phase));
  }
  return plan;
}

void PackVolume(const VolumePlan &plan, const float *filter, const float *bias, float *packed) {
  for (const VolumePhase &phase : plan.phases) {
    PackConv(phase.plan, filter, bias, packed + phase.packed_offset);
  }
}

void PadVolumeSlice(const VolumePlan &plan, const float *input, int64_t slice, float *padded) {
  const VolumeDimension &h = plan.shape.dims[1], &w = plan.shape.dims[2];
  const int64_t slice_floats = h.in * w.in * plan.shape.in_c;
  const int64_t from = slice - plan.pad_begin[0];
  float *out = padded + slice * slice_floats;
  if (from < 0 || from >= plan.size[0]) {
    std::memset(out, 0, static_cast<size_t>(slice_floats) * sizeof(float));
    return;
  }
  CopyPadded(input + from * plan.size[1] * plan.size[2] * plan.shape.in_c, plan.size[1],
             plan.size[2], plan.shape.in_c, -plan.pad_begin[1], h.in - plan.pad_begin[1],
             -plan.pad_begin[2], w.in - plan.pad_begin[2], out);
}

void RunVolumeTile(const VolumePlan &plan, const ConvEpilogue &epilogue, const float *input,
                   const float *packed, float *output, int64_t slice, int64_t tile,
                   float *scratch) {
  const VolumeDimension &d = plan.shape.dims[0], &h = plan.shape.dims[1], &w = plan.shape.dims[2];
  const int64_t at = plan.shape.transposed ? slice + d.pad : slice * d.stride - d.pad;
  const VolumePhase &phase =
      plan.phases[plan.shape.transposed ? static_cast<size_t>(at % d.stride) : 0];
  const int64_t first = (plan.shape.transposed ? at / d.stride : at) + phase.first;
  RunConvTile(phase.plan, epilogue, input + first * h.in * w.in * plan.shape.in_c,
              packed + phase.packed_offset, output + slice * h.out * w.out * plan.shape.out_c, tile,
              scratch);
}

}  // namespace kernels
}  // namespace mace
