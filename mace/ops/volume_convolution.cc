// SPDX-License-Identifier: Apache-2.0
// Checks and plans of convolutions of volumes, and the loops over images, slices and tiles.
#include "mace/ops/volume_convolution.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "mace/runtimes/cpu/thread_pool.h"

namespace mace {
namespace ops {

namespace {

constexpr const char *kDimensions[3] = {"depth", "height", "width"};
// There is a set of packed filters for each of stride^3 phases.
constexpr int64_t kLargestTransposedStride = 16;

int64_t RoundUp(int64_t floats) { return (floats + 15) / 16 * 16; }

}  // namespace

struct VolumeConvolution::State : OpState {
  kernels::VolumePlan plan;
  int64_t batch = 0;
  int64_t packed_scratch_floats = 0;  // before the padded image; 0 if filters are constant
  int64_t padded_floats = 0;          // rounded up; the threads' scratch follows
  int64_t thread_floats = 0;
};

MaceStatus VolumeConvolution::InferType(const std::vector<DataType> &inputs,
                                        std::vector<DataType> *outputs) {
  MACE_RETURN_IF_ERROR(CheckFloatInputs(inputs, 3));
  return WindowOperation::InferType(inputs, outputs);
}

std::array<WindowDimension, 3> VolumeConvolution::WindowOf(const Shape &filter) const {
  std::array<WindowDimension, 3> window = window_;
  for (int i = 0; i < 3; ++i) window[i].kernel = filter[1 + i];
  return window;
}

MaceStatus VolumeConvolution::CheckWindows(const std::array<WindowDimension, 3> &window) const {
  MACE_RETURN_IF_ERROR(CheckWindow({window[0], window[1]}));
  MACE_RETURN_IF_ERROR(CheckWindow({window[2], window[2]}));
  for (int i = 0; i < 3; ++i) {
    if (transposed_ && window[i].stride > kLargestTransposedStride) {
      return NotSupported("stride ", window[i].stride, " is larger than ", kLargestTransposedStride,
                          ", the most of a transposed convolution in three dimensions");
    }
    if (output_paddings_[i] > kLargest) {
      return Invalid("output_paddings must be from 0 to ", kLargest);
    }
  }
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus VolumeConvolution::CheckFilter(const Shape &filter, const Shape *bias) const {
  if (filter.rank() != 5) {
    return Invalid("filter has shape ", filter.ToString(), ", but must have 5 dimensions");
  }
  for (int64_t dim : filter) {
    if (dim < 1 || dim > kLargest) {
      return Invalid("filter has shape ", filter.ToString(), "; dimensions must be from 1 to ",
                     kLargest);
    }
  }
  if (filter[0] % group_ != 0) {
    return Invalid("filter ", filter.ToString(), " has ", filter[0],
                   " output channels, which cannot be divided into ", group_, " groups");
  }
  if (bias != nullptr && bias->elements() != filter[0]) {
    return Invalid("bias has shape ", bias->ToString(), ", but filter ", filter.ToString(), " has ",
                   filter[0], " output channels");
  }
  return CheckWindows(WindowOf(filter));
}

kernels::VolumeShape VolumeConvolution::FilterGeometry(const Shape &filter) const {
  kernels::VolumeShape shape;
  for (int i = 0; i < 3; ++i) {
    shape.dims[i].kernel = filter[1 + i];
    shape.dims[i].stride = window_[i].stride;
    shape.dims[i].dilation = window_[i].dilation;
  }
  shape.in_c = filter[4] * group_;
  shape.out_c = filter[0];
  shape.group = group_;
  shape.transposed = transposed_;
  return shape;
}

MaceStatus VolumeConvolution::PackConstFilter(OpInitContext *context) {
  MACE_RETURN_IF_ERROR(CheckWindows(window_));
  const Tensor *filter = context->ConstInput(1);
  const Tensor *bias = context->ConstInput(2);
  has_bias_ = context->InputType(2) != DT_INVALID;
  if (filter == nullptr || (has_bias_ && bias == nullptr)) return MaceStatus::MACE_SUCCESS;
  MACE_RETURN_IF_ERROR(CheckFilter(filter->shape, has_bias_ ? &bias->shape : nullptr));
  if (context->shape_only()) return MaceStatus::MACE_SUCCESS;
  const kernels::VolumePlan plan =
      kernels::PlanVolume(FilterGeometry(filter->shape), kernels::BestGemm(), 1);
  const size_t bytes = static_cast<size_t>(plan.packed_floats) * sizeof(float);
  MACE_RETURN_IF_ERROR(context->Pack(kernels::BestGemm().name, bytes, &packed_, [&](void *packed) {
    kernels::PackVolume(plan, filter->data<float>(), has_bias_ ? bias->data<float>() : nullptr,
                        static_cast<float *>(packed));
  }));
  filter_is_packed_ = true;
  context->ReleaseConstInput(1);
  if (has_bias_) context->ReleaseConstInput(2);
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus VolumeConvolution::LayOut(const OpShapeContext &context,
                                     std::array<WindowLayout, 3> *layout) const {
  const Shape &in = context.Input(0).shape, &filter = context.Input(1).shape;
  const std::array<WindowDimension, 3> window = WindowOf(filter);
  std::vector<int64_t> sizes;
  if (transposed_ && context.HasInput(3)) {
    MACE_RETURN_IF_ERROR(Integers(context, 3, "output_shape", &sizes));
    if (sizes.size() != 5) {
      return Invalid("output_shape has ", sizes.size(), " elements; it must have 5, NDHWC");
    }
  }
  for (int i = 0; i < 3; ++i) {
    std::string problem;
    if (in[1 + i] < 1) return Invalid("input ", in.ToString(), " is empty");
    bool fits;
    if (!transposed_) {
      fits = LayOutWindow(window[i], in[1 + i], &(*layout)[i], &problem);
    } else if (sizes.empty()) {
      fits = LayOutTransposed(window[i], in[1 + i], output_paddings_[i], &(*layout)[i], &problem);
    } else {
      fits = LayOutTransposedTo(window[i], in[1 + i], sizes[1 + static_cast<size_t>(i)],
                                &(*layout)[i], &problem);
    }
    if (!fits) return Invalid(kDimensions[i], " of input ", in.ToString(), ": ", problem);
  }
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus VolumeConvolution::InferShape(OpShapeContext *context) {
  const Shape &in = context->Input(0).shape, &filter = context->Input(1).shape;
  MACE_RETURN_IF_ERROR(CheckFilter(filter, has_bias_ ? &context->Input(2).shape : nullptr));
  if (in.rank() != 5 || in[4] != filter[4] * group_) {
    return Invalid("input has shape ", in.ToString(), ", but must have 5 dimensions and ",
                   filter[4] * group_, " channels for filter ", filter.ToString(), " with ", group_,
                   " groups");
  }
  std::array<WindowLayout, 3> layout;
  MACE_RETURN_IF_ERROR(LayOut(*context, &layout));
  return SetOutput(context, 0,
                   {in[0], layout[0].count, layout[1].count, layout[2].count, filter[0]});
}

MaceStatus VolumeConvolution::Plan(OpPlanContext *context) {
  const Shape &in = context->Input(0).shape, &out = context->OutputShape(0);
  if (out.elements() == 0) return MaceStatus::MACE_SUCCESS;
  std::array<WindowLayout, 3> layout;
  MACE_RETURN_IF_ERROR(LayOut(*context, &layout));
  kernels::VolumeShape shape = FilterGeometry(context->Input(1).shape);
  for (int i = 0; i < 3; ++i) {
    shape.dims[i].in = in[1 + i];
    shape.dims[i].out = out[1 + i];
    shape.dims[i].pad = layout[i].pad_begin;
  }
  Shape padded({1, 1, 1, 1, shape.in_c});
  for (int i = 0; i < 3; ++i) {
    // At least what padding makes of it.
    const WindowDimension w = WindowOf(context->Input(1).shape)[i];
    padded[1 + i] = std::max(in[1 + i], out[1 + i] / w.stride + 2) + layout[i].pad_begin +
                    layout[i].pad_end + w.extent() + output_paddings_[i];
  }
  size_t bytes = 0;
  if (!CheckedBytes(padded, sizeof(float), &bytes)) {
    return Invalid("the padded input would be too large to be addressed");
  }
  const int64_t threads = context->thread_pool()->num_threads();
  // Slices keep threads busy; their tiles must only if slices are few.
  const int64_t share = (threads + out[1] - 1) / out[1];
  auto state = std::make_unique<State>();
  state->plan = kernels::PlanVolume(shape, kernels::BestGemm(), static_cast<int>(share));
  state->batch = in[0];
  if (!filter_is_packed_) state->packed_scratch_floats = RoundUp(state->plan.packed_floats);
  state->padded_floats = RoundUp(state->plan.padded_floats);
  state->thread_floats = RoundUp(state->plan.scratch_floats);
  const int64_t floats =
      state->packed_scratch_floats + state->padded_floats + threads * state->thread_floats;
  context->RequestScratch(static_cast<size_t>(floats) * sizeof(float));
  context->SetState(std::move(state));
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus VolumeConvolution::Run(OpContext *context) {
  const auto *state = static_cast<const State *>(context->state());
  if (state == nullptr) return MaceStatus::MACE_SUCCESS;
  const kernels::VolumePlan &plan = state->plan;
  float *scratch = static_cast<float *>(context->scratch());
  const float *packed = packed_.as<float>();
  if (!filter_is_packed_) {
    const Tensor *bias = has_bias_ ? context->input(2) : nullptr;
    kernels::PackVolume(plan, context->input(1)->data<float>(),
                        bias == nullptr ? nullptr : bias->data<float>(), scratch);
    packed = scratch;
    scratch += state->packed_scratch_floats;
  }
  const Tensor &in = *context->input(0);
  Tensor *out = context->output(0);
  ThreadPool *pool = context->thread_pool();
  for (int64_t n = 0; n < state->batch; ++n) {
    const float *input = in.data<float>() + n * in.shape.elements(1, 5);
    float *output = out->mutable_data<float>() + n * out->shape.elements(1, 5);
    if (plan.padded_floats > 0) {
      pool->ParallelFor(plan.shape.dims[0].in, 1, [&](int64_t begin, int64_t end, int) {
        for (int64_t z = begin; z < end; ++z) kernels::PadVolumeSlice(plan, input, z, scratch);
      });
      input = scratch;
    }
    pool->ParallelFor(plan.shape.dims[0].out * plan.tiles, 1,
                      [&](int64_t begin, int64_t end, int thread) {
                        float *own = scratch + state->padded_floats + thread * state->thread_floats;
                        for (int64_t i = begin; i < end; ++i) {
                          kernels::RunVolumeTile(plan, epilogue_, input, packed, output,
                                                 i / plan.tiles, i % plan.tiles, own);
                        }
                      });
  }
  return MaceStatus::MACE_SUCCESS;
}

int64_t VolumeConvolution::Macs(const OpShapeContext &context) const {
  const Shape &filter = context.Input(1).shape;
  if (transposed_) return context.Input(0).shape.elements(0, 4) * filter.elements();
  return context.OutputShape(0).elements() * filter.elements(1, 5);
}

}  // namespace ops
}  // namespace mace
