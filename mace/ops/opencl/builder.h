// SPDX-License-Identifier: Apache-2.0
// What the GPU sides of operators share: how they see tensors, weights in the order of the kernels,
// and convolutions, of which several operators are made.
#ifndef MACE_OPS_OPENCL_BUILDER_H_
#define MACE_OPS_OPENCL_BUILDER_H_

#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "mace/kernels/eltwise/activation.h"
#include "mace/runtimes/opencl/launch.h"

namespace mace {
namespace opencl {

// A tensor of any rank as rows x W x C (NhwcOf, with N and H together): see cl/common.h.
struct View {
  explicit View(const Shape &shape)
      : n(NhwcOf(shape)[0]), h(NhwcOf(shape)[1]), w(NhwcOf(shape)[2]), c(NhwcOf(shape)[3]) {}
  int64_t rows() const { return n * h; }
  int64_t pixels() const { return n * h * w; }
  int64_t blocks() const { return (c + 3) / 4; }
  bool tail() const { return c % 4 != 0; }

  int64_t n, h, w, c;
};

inline int32_t Int(int64_t value) { return static_cast<int32_t>(value); }
inline int32_t FloatBits(float value) {
  int32_t bits;
  memcpy(&bits, &value, sizeof(bits));
  return bits;
}
inline int64_t CeilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }

inline void Define(KernelLaunch *launch, const char *name, int64_t value) {
  launch->defines.push_back(std::string(name) + "=" + std::to_string(value));
}
// TAIL, IN_TAIL, ... as the kernels take them. Only buffers load tails differently, both store them
// so.
inline void DefineTail(KernelLaunch *launch, const char *name, bool tail) {
  Define(launch, name, tail ? 1 : 0);
}

// UNSUPPORTED with a sentence that begins with the operator.
template <typename... Args>
MaceStatus Refuse(const GpuOpContext &context, const Args &...args) {
  return Unsupported(context.def->type, " '", context.def->name, "': ", args...);
}

// An error unless input i is a constant of float32; `what` names it.
MaceStatus NeedConstant(const GpuOpContext &context, int i, const char *what);

// The same operator with its tensors in buffers, whatever was wanted; the step says so.
GpuOpContext InBuffers(const GpuOpContext &context, GpuStep *step);

// Adds weights to the step, and gives the argument for them. A vector of `count` floats for each
// channel, zeros up to a multiple of four; it stays float. Null `values` gives zeros.
KernelArgument AddVector(const float *values, int64_t count, GpuStep *step);
// Another scratch buffer of the step, of `elements` floats or of the storage type.
KernelArgument AddScratch(int64_t elements, bool keep_float, GpuStep *step);
// A matrix of rows of `columns` (a multiple of four) numbers; an image is columns / 4 x rows.
KernelArgument AddMatrix(const GpuOpContext &context, std::vector<float> values, int64_t columns,
                         GpuStep *step);

// Global sizes for one thread a block of four channels of a pixel, in the order of elementwise.cl.
std::array<int64_t, 3> BlockThreads(const GpuOpContext &context, const View &view);
// The same in the order of pooling.cl: for buffers (blocks, w, rows).
std::array<int64_t, 3> WindowThreads(const GpuOpContext &context, int64_t blocks, int64_t w,
                                     int64_t rows);

// A work-group for kernels that need none: the first dimensions of `global` lie together in memory.
std::array<int64_t, 3> LocalSize(const GpuOpContext &context, const std::array<int64_t, 3> &global);
// Threads of a group that share `work` items: a power of two that the device allows.
int64_t GroupFor(const GpuOpContext &context, int64_t work);

// ACT, and the bits of the two numbers that Activate takes.
std::pair<int32_t, int32_t> DefineActivation(const kernels::ActivationParams &params,
                                             KernelLaunch *launch);

// A convolution whose filter is known: also fully connected layers and matrix products.
struct Convolution {
  int64_t n = 1, ih = 1, iw = 1, ic = 1, oh = 1, ow = 1, oc = 1;
  int64_t kh = 1, kw = 1, sh = 1, sw = 1, pad_top = 0, pad_left = 0, dh = 1, dw = 1;
  int64_t group = 1;
  kernels::ActivationParams activation;
  int input = 0;  // numbers of the operator's tensors
  int residual = -1;
  // Element (o, k) with k over (kh, kw, channels of a group): filter[o * stride_o + k * stride_k].
  const float *filter = nullptr;
  int64_t stride_o = 1, stride_k = 1;
  const float *bias = nullptr;  // may be null
  // Several in one: what filter and bias then point at. Channels from first_channels on (0: none)
  // go to the operator's output second_output; the ones before are not activated if plain_first.
  std::shared_ptr<const std::vector<float>> joined_filter, joined_bias;
  int64_t first_channels = 0;
  int second_output = 0;
  bool plain_first = false;

  int64_t group_in() const { return ic / group; }
  int64_t group_out() const { return oc / group; }
  // Blocks of input channels that a block of output channels reads, and the first of them: those of
  // its group. Where groups are no whole blocks they are those of all groups in the block, and
  // weights are 0 between what does not belong together.
  int64_t in_blocks() const;
  int64_t first_in_block(int64_t out_block) const;
  // 1x1 with stride 1 and no padding: a matrix product of the image itself.
  bool pointwise() const {
    return kh * kw == 1 && sh * sw == 1 && pad_top == 0 && pad_left == 0 && oh == ih && ow == iw;
  }
};

// The filter as [taps][in_blocks() * 4][output blocks * 4], zeros where it is padded.
std::vector<float> FilterMatrix(const Convolution &conv);

// The numbers of a convolution in the order of conv_direct.cl.
std::vector<int32_t> ConvolutionNumbers(const Convolution &conv, int32_t activation_number);
// Channels of the tensor in memory, `channels` unless it is a part, and the first block of its own.
std::vector<int32_t> PartNumbers(const GpuTensor &tensor, int64_t channels);
// What follows the arguments of each convolution where results go to two tensors.
void AddSecondOutput(const GpuOpContext &context, const Convolution &conv, KernelLaunch *launch);
// The first numbers of q of conv_direct.cl; with a part's numbers they are all.
std::vector<int32_t> GroupNumbers(const Convolution &conv, int32_t activation_number);
KernelArgument ConvolutionParts(const GpuOpContext &context, const Convolution &conv,
                                std::vector<int32_t> first);

// Whether the kernels take the convolution on this device.
MaceStatus SupportsConvolution(const GpuOpContext &context, const Convolution &conv);
// Launches and weights; context.variant says how, or is empty.
MaceStatus BuildConvolution(const GpuOpContext &context, const Convolution &conv, GpuStep *step);
std::vector<std::string> ConvolutionVariants(const GpuOpContext &context, const Convolution &conv);

}  // namespace opencl
}  // namespace mace

#endif  // MACE_OPS_OPENCL_BUILDER_H_
