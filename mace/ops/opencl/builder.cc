// SPDX-License-Identifier: Apache-2.0
// What the GPU sides of operators share: see builder.h.
#include "mace/ops/opencl/builder.h"

#include <algorithm>

namespace mace {
namespace opencl {

KernelLaunch GpuOpContext::NewLaunch(const std::string &program, const std::string &kernel) const {
  KernelLaunch launch;
  launch.program = program;
  launch.kernel = kernel;
  if (images()) launch.defines.emplace_back("IMG=1");
  if (half) launch.defines.emplace_back("HALF=1");
  if (half_arithmetic) launch.defines.emplace_back("HALF_ARITHMETIC=1");
  if (buffer_weights()) launch.defines.emplace_back("BUFFER_WEIGHTS=1");
  // Read by the kernels that ask for the number of their work-group.
  if (parts) launch.defines.emplace_back("PARTS=1");
  if (half && images() && device->half_image_truncates) {
    launch.defines.emplace_back("TRUNCATES=1");
  }
  return launch;
}

MaceStatus NeedConstant(const GpuOpContext &context, int i, const char *what) {
  if (!context.HasInput(i)) return MaceStatus::MACE_SUCCESS;
  const GpuTensor &input = context.Input(i);
  if (input.constant == nullptr) {
    return Refuse(context, "its ", what, " is computed; the GPU takes constants only");
  }
  if (input.dtype != DT_FLOAT) {
    return Refuse(context, "its ", what, " is ", DataTypeName(input.dtype), ", not float32");
  }
  return MaceStatus::MACE_SUCCESS;
}

GpuOpContext InBuffers(const GpuOpContext &context, GpuStep *step) {
  GpuOpContext buffers = context;
  buffers.memory = MemoryKind::kBuffer;
  if (step != nullptr && context.images()) {
    step->input_memory.assign(context.inputs.size(), MemoryKind::kBuffer);
    step->output_memory.assign(context.outputs.size(), MemoryKind::kBuffer);
  }
  return buffers;
}

KernelArgument AddVector(const float *values, int64_t count, GpuStep *step) {
  GpuWeight weight;
  weight.keep_float = true;
  weight.values.assign(static_cast<size_t>(CeilDiv(count, 4) * 4), 0.0f);
  if (values != nullptr) std::copy(values, values + count, weight.values.begin());
  step->weights.push_back(std::move(weight));
  return KernelArgument::Weight(Int(static_cast<int64_t>(step->weights.size()) - 1));
}

KernelArgument AddScratch(int64_t elements, bool keep_float, GpuStep *step) {
  GpuScratch scratch;
  scratch.elements = elements;
  scratch.keep_float = keep_float;
  step->scratch.push_back(scratch);
  return KernelArgument::Scratch(Int(static_cast<int64_t>(step->scratch.size()) - 1));
}

KernelArgument AddMatrix(const GpuOpContext &context, std::vector<float> values, int64_t columns,
                         GpuStep *step) {
  GpuWeight weight;
  weight.memory = context.buffer_weights() ? MemoryKind::kBuffer : context.memory;
  weight.keep_float = context.buffer_weights();
  weight.width = columns / 4;
  weight.height = static_cast<int64_t>(values.size()) / columns;
  weight.values = std::move(values);
  step->weights.push_back(std::move(weight));
  return KernelArgument::Weight(Int(static_cast<int64_t>(step->weights.size()) - 1));
}

std::array<int64_t, 3> BlockThreads(const GpuOpContext &context, const View &view) {
  if (context.images()) return {view.w, view.blocks(), view.rows()};
  return {view.blocks(), view.pixels(), 1};
}

std::array<int64_t, 3> WindowThreads(const GpuOpContext &context, int64_t blocks, int64_t w,
                                     int64_t rows) {
  if (context.images()) return {w, blocks, rows};
  return {blocks, w, rows};
}

std::array<int64_t, 3> LocalSize(const GpuOpContext &context,
                                 const std::array<int64_t, 3> &global) {
  // Two dimensions of an image at least: its caches hold squares.
  const int64_t most[3] = {context.images() ? 16 : 32, context.images() ? 8 : 16, 8};
  int64_t left = std::min<int64_t>(context.device->max_work_group,
                                   context.device->family == GpuFamily::kNvidia ? 128 : 64);
  std::array<int64_t, 3> local = {1, 1, 1};
  for (size_t d = 0; d < 3; ++d) {
    const int64_t bound = std::min({most[d], left, context.device->max_work_items[d]});
    while (local[d] < global[d] && local[d] * 2 <= bound) local[d] *= 2;
    left /= local[d];
  }
  return local;
}

int64_t GroupFor(const GpuOpContext &context, int64_t work) {
  const int64_t most =
      std::min({int64_t{256}, context.device->max_work_group, context.device->max_work_items[0]});
  int64_t group = 1;
  while (group * 2 <= most && group * 2 <= work) group *= 2;
  return group;
}

std::pair<int32_t, int32_t> DefineActivation(const kernels::ActivationParams &params,
                                             KernelLaunch *launch) {
  if (params.kind != kernels::kActivationNoop) Define(launch, "ACT", params.kind);
  if (params.kind == kernels::kActivationRelux) return {FloatBits(params.max_limit), 0};
  return {FloatBits(params.coefficient), FloatBits(params.offset)};
}

int64_t Convolution::first_in_block(int64_t out_block) const {
  const int64_t first = out_block * 4 / group_out() * group_in() / 4;
  return std::min(first, CeilDiv(ic, 4) - in_blocks());
}

int64_t Convolution::in_blocks() const {
  if (group == 1 || (group_in() % 4 == 0 && group_out() % 4 == 0)) return CeilDiv(group_in(), 4);
  int64_t most = 0;
  for (int64_t block = 0; block < CeilDiv(oc, 4); ++block) {
    const int64_t first = block * 4 / group_out() * group_in() / 4;
    const int64_t end = (std::min(block * 4 + 3, oc - 1) / group_out() + 1) * group_in();
    most = std::max(most, CeilDiv(end, 4) - first);
  }
  return most;
}

std::vector<int32_t> GroupNumbers(const Convolution &c, int32_t activation_number) {
  return {Int(c.in_blocks()), Int(c.group_out()), activation_number, Int(c.group_in())};
}

std::vector<int32_t> PartNumbers(const GpuTensor &tensor, int64_t channels) {
  return {Int(tensor.whole_channels == 0 ? channels : tensor.whole_channels),
          Int(tensor.first_channel / 4)};
}

KernelArgument ConvolutionParts(const GpuOpContext &context, const Convolution &conv,
                                std::vector<int32_t> first) {
  first.resize(4);
  const int64_t channels = conv.first_channels != 0 ? conv.first_channels : conv.oc;
  for (const auto &part : {PartNumbers(context.Output(0), channels),
                           PartNumbers(context.Input(conv.input), conv.ic)}) {
    first.insert(first.end(), part.begin(), part.end());
  }
  return KernelArgument::IntVector(std::move(first));
}

void AddSecondOutput(const GpuOpContext &context, const Convolution &conv, KernelLaunch *launch) {
  if (conv.first_channels == 0) return;
  Define(launch, "SECOND", 1);
  if (conv.plain_first) Define(launch, "PLAIN_FIRST", 1);
  const std::vector<int32_t> part =
      PartNumbers(context.Output(conv.second_output), conv.oc - conv.first_channels);
  launch->arguments.push_back(KernelArgument::Output(conv.second_output));
  launch->arguments.push_back(
      KernelArgument::IntVector({Int(conv.first_channels / 4), part[0], part[1], 0}));
}

std::vector<int32_t> ConvolutionNumbers(const Convolution &c, int32_t activation_number) {
  return {Int(c.n * c.oh), Int(c.oh), Int(c.ow), Int(c.oc),        Int(c.ih), Int(c.iw),
          Int(c.ic),       Int(c.kh), Int(c.kw), Int(c.sh),        Int(c.sw), Int(c.pad_top),
          Int(c.pad_left), Int(c.dh), Int(c.dw), activation_number};
}

}  // namespace opencl
}  // namespace mace
