// SPDX-License-Identifier: Apache-2.0
// Geometry of windows.
#include "mace/ops/window.h"

#include <algorithm>
#include <limits>

namespace mace {
namespace ops {

bool LayOutWindow(const WindowDimension &w, int64_t in, WindowLayout *layout,
                  std::string *problem) {
  const int64_t extent = w.extent();
  if (w.padding == PaddingKind::kSame) {
    layout->count = (in + w.stride - 1) / w.stride;
    const int64_t total = std::max<int64_t>((layout->count - 1) * w.stride + extent - in, 0);
    layout->pad_begin = total / 2;
    layout->pad_end = total - layout->pad_begin;
    return true;
  }
  const bool explicit_pads = w.padding == PaddingKind::kExplicit;
  layout->pad_begin = explicit_pads ? w.pad_begin : 0;
  layout->pad_end = explicit_pads ? w.pad_end : 0;
  const int64_t padded = in + layout->pad_begin + layout->pad_end;
  if (padded < extent) {
    *problem = MakeString("a window of ", extent, " does not fit into ", padded,
                          explicit_pads ? " with padding" : "",
                          "; the input is too small for this network, or the padding is missing");
    return false;
  }
  const int64_t left = padded - extent;
  layout->count = left / w.stride + 1;
  if (w.round_up && left % w.stride != 0 && layout->count * w.stride < in + layout->pad_begin) {
    ++layout->count;
  }
  return true;
}

bool LayOutTransposed(const WindowDimension &w, int64_t in, int64_t output_padding,
                      WindowLayout *layout, std::string *problem) {
  if (w.padding == PaddingKind::kSame) {
    return LayOutTransposedTo(w, in, in * w.stride + output_padding, layout, problem);
  }
  const bool explicit_pads = w.padding == PaddingKind::kExplicit;
  layout->pad_begin = explicit_pads ? w.pad_begin : 0;
  layout->pad_end = explicit_pads ? w.pad_end : 0;
  const int64_t whole = (in - 1) * w.stride + w.extent() + output_padding;
  layout->count = whole - layout->pad_begin - layout->pad_end;
  if (layout->count <= 0) {
    *problem = MakeString("paddings of ", layout->pad_begin, " and ", layout->pad_end,
                          " leave nothing of ", whole, " output rows or columns");
    return false;
  }
  return true;
}

bool LayOutTransposedTo(const WindowDimension &w, int64_t in, int64_t out, WindowLayout *layout,
                        std::string *problem) {
  if (out <= 0) {
    *problem = MakeString("output_shape has ", out, " rows or columns; there must be one or more");
    return false;
  }
  const int64_t total = std::max<int64_t>((in - 1) * w.stride + w.extent() - out, 0);
  layout->count = out;
  layout->pad_begin = w.padding == PaddingKind::kExplicit ? w.pad_begin
                      : w.padding == PaddingKind::kSame   ? total / 2
                                                          : 0;
  layout->pad_end = std::max<int64_t>(total - layout->pad_begin, 0);
  return true;
}

FusedActivation FuseActivation(const kernels::ActivationParams &params) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  FusedActivation fused = {-kInfinity, kInfinity, {}};
  if (params.kind == kernels::kActivationRelu || params.kind == kernels::kActivationRelux) {
    fused.low = 0;
    if (params.kind == kernels::kActivationRelux) fused.high = params.max_limit;
  } else {
    fused.rest = params;
  }
  return fused;
}

MaceStatus WindowOperation::CheckFloatInputs(const std::vector<DataType> &inputs,
                                             size_t count) const {
  for (size_t i = 1; i < std::min(count, inputs.size()); ++i) {
    if (inputs[i] == DT_INVALID || inputs[i] == DT_FLOAT) continue;
    return NotSupported("input ", i, " is ", DataTypeName(inputs[i]),
                        "; filters and biases of a float32 operator must be float32");
  }
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus WindowOperation::CheckWindow(const std::array<WindowDimension, 2> &window) const {
  for (const WindowDimension &w : window) {
    for (int64_t value : {w.kernel, w.stride, w.dilation}) {
      if (value < 1 || value > kLargest) {
        return Invalid("a kernel, stride or dilation is ", value, "; it must be from 1 to ",
                       kLargest);
      }
    }
    for (int64_t value : {w.pad_begin, w.pad_end}) {
      if (value < 0 || value > kLargest) {
        return Invalid("a padding is ", value, "; it must be from 0 to ", kLargest);
      }
    }
  }
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus WindowOperation::CheckImage(const char *what, const Shape &shape) const {
  if (shape.rank() != 4) {
    return Invalid(what, " has shape ", shape.ToString(), ", but must have 4 dimensions");
  }
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus WindowOperation::InferWindows(OpShapeContext *context,
                                         const std::array<WindowDimension, 2> &window,
                                         int64_t channels,
                                         std::array<WindowLayout, 2> *layout) const {
  const Shape &input = context->Input(0).shape;
  MACE_RETURN_IF_ERROR(CheckWindow(window));
  for (int i = 0; i < 2; ++i) {
    std::string problem;
    if (!LayOutWindow(window[i], input[1 + i], &(*layout)[i], &problem)) {
      return Invalid(i == 0 ? "height" : "width", " of input ", input.ToString(), ": ", problem);
    }
  }
  return SetOutput(context, 0, {input[0], (*layout)[0].count, (*layout)[1].count, channels});
}

void WindowOperation::DescribeWindow(const std::array<WindowDimension, 2> &window,
                                     const std::array<WindowLayout, 2> &layout,
                                     const std::vector<int64_t> &kernels, ConvPoolArgs *args) {
  args->padding_type = static_cast<int>(window[0].padding);
  for (int i = 0; i < 2; ++i) {
    args->strides.push_back(static_cast<int>(window[i].stride));
    args->dilations.push_back(static_cast<int>(window[i].dilation));
    args->paddings.push_back(static_cast<int>(layout[i].pad_begin));
    args->paddings.push_back(static_cast<int>(layout[i].pad_end));
  }
  args->kernels = kernels;
}

void WindowOperation::DescribeWindow(const std::array<WindowDimension, 2> &window,
                                     const Shape &image, const std::vector<int64_t> &kernels,
                                     ConvPoolArgs *args) {
  std::array<WindowLayout, 2> layout;
  std::string problem;
  for (int i = 0; i < 2; ++i) {
    if (!LayOutWindow(window[i], image[1 + i], &layout[i], &problem)) return;
  }
  DescribeWindow(window, layout, kernels, args);
}

}  // namespace ops
}  // namespace mace
