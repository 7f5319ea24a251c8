// SPDX-License-Identifier: Apache-2.0
// Windows that slide over images, and functions fused to what they compute: what convolutions and
// pooling have in common.
#ifndef MACE_OPS_WINDOW_H_
#define MACE_OPS_WINDOW_H_

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "mace/kernels/eltwise/activation.h"
#include "mace/ops/activation_params.h"
#include "mace/ops/attr_groups.h"
#include "mace/ops/data_movement.h"

namespace mace {
namespace ops {

// A window in one dimension (height or width), as attributes give it.
struct WindowDimension {
  int64_t kernel = 1;
  int64_t stride = 1;
  int64_t dilation = 1;
  PaddingKind padding = PaddingKind::kValid;
  int64_t pad_begin = 0, pad_end = 0;  // used with EXPLICIT
  bool round_up = false;               // of the number of windows

  // Rows from the first to the last tap.
  int64_t extent() const { return (kernel - 1) * dilation + 1; }
};

// Where the windows lie.
struct WindowLayout {
  int64_t count = 0;
  int64_t pad_begin = 0, pad_end = 0;
};

// Windows over `in` rows:
//   VALID     those that lie inside of the input
//   SAME      ceil(in / stride), the padding split with its surplus at the end (TensorFlow)
//   EXPLICIT  those that lie inside of the padded input
// With round_up one more if rows are left over and it begins inside of the input or the padding in
// front of it (Caffe and ONNX). False with the rest of a sentence in *problem if there is none.
bool LayOutWindow(const WindowDimension &window, int64_t in, WindowLayout *layout,
                  std::string *problem);
// The output of the transposed convolution over `in` rows: the input size for which LayOutWindow
// gives `in` windows, output_padding rows more. count is that size.
bool LayOutTransposed(const WindowDimension &window, int64_t in, int64_t output_padding,
                      WindowLayout *layout, std::string *problem);
// The same with the size of the output given: SAME pads as the convolution of that size would.
bool LayOutTransposedTo(const WindowDimension &window, int64_t in, int64_t out,
                        WindowLayout *layout, std::string *problem);

// What the shapes of convolution and pooling kernels have in common: where windows lie over the
// NHWC image `in`. Arrays of height and width, of WindowDimension with the kernel and of
// WindowLayout.
template <typename Dims, typename Windows, typename Layouts, typename KernelShape>
void SetWindowGeometry(const Dims &in, const Windows &windows, const Layouts &layouts,
                       KernelShape *s) {
  s->batch = in[0];
  s->in_h = in[1];
  s->in_w = in[2];
  s->out_h = layouts[0].count;
  s->out_w = layouts[1].count;
  s->kernel_h = windows[0].kernel;
  s->kernel_w = windows[1].kernel;
  s->stride_h = windows[0].stride;
  s->stride_w = windows[1].stride;
  s->dilation_h = windows[0].dilation;
  s->dilation_w = windows[1].dilation;
  s->pad_top = layouts[0].pad_begin;
  s->pad_left = layouts[1].pad_begin;
}

// An activation as a clamp, which costs nothing in a kernel, and what is left to do after it.
struct FusedActivation {
  float low;
  float high;
  kernels::ActivationParams rest;
};
FusedActivation FuseActivation(const kernels::ActivationParams &params);

// An operator with a window over NHWC images: checks, and what statistics want to know.
class WindowOperation : public ShapedOperation {
 public:
  using ShapedOperation::ShapedOperation;

 protected:
  // An error unless the inputs that are there are float32, from the second on.
  MaceStatus CheckFloatInputs(const std::vector<DataType> &inputs, size_t count) const;
  // Height and width of the attribute group `window` of ops.yml. The kernel is not known yet.
  template <typename Attrs>
  static std::array<WindowDimension, 2> MakeWindow(const Attrs &attrs) {
    std::array<WindowDimension, 2> window;
    for (int i = 0; i < 2; ++i) {
      window[i].stride = attrs.strides[i];
      window[i].dilation = attrs.dilations[i];
      window[i].padding = attrs.padding;
      window[i].pad_begin = attrs.paddings[2 * i];
      window[i].pad_end = attrs.paddings[2 * i + 1];
    }
    return window;
  }
  // Numbers above this are no sensible geometry, and below it nothing overflows.
  static constexpr int64_t kLargest = 1 << 20;
  MaceStatus CheckWindow(const std::array<WindowDimension, 2> &window) const;
  MaceStatus CheckImage(const char *what, const Shape &shape) const;
  // Both dimensions laid out over an NHWC image, and the output's shape set.
  MaceStatus InferWindows(OpShapeContext *context, const std::array<WindowDimension, 2> &window,
                          int64_t channels, std::array<WindowLayout, 2> *layout) const;
  static void DescribeWindow(const std::array<WindowDimension, 2> &window,
                             const std::array<WindowLayout, 2> &layout,
                             const std::vector<int64_t> &kernels, ConvPoolArgs *args);
  // The same laid out over an NHWC image; nothing where it does not fit.
  static void DescribeWindow(const std::array<WindowDimension, 2> &window, const Shape &image,
                             const std::vector<int64_t> &kernels, ConvPoolArgs *args);
  // The activation of `attrs` as what kernels do to the sums that they store: the clamp and the
  // rest of a ConvEpilogue or DwconvEpilogue.
  template <typename Attrs, typename Epilogue>
  MaceStatus FuseInto(const Attrs &attrs, Epilogue *epilogue) const {
    const kernels::ActivationParams activation = MakeActivationParams(attrs);
    if (const char *problem = ActivationProblem(activation)) return Invalid(problem);
    const FusedActivation fused = FuseActivation(activation);
    epilogue->low = fused.low;
    epilogue->high = fused.high;
    epilogue->activation = fused.rest;
    return MaceStatus::MACE_SUCCESS;
  }
};

}  // namespace ops
}  // namespace mace

#endif  // MACE_OPS_WINDOW_H_
