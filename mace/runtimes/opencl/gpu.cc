// SPDX-License-Identifier: Apache-2.0
// The GPU as an accelerator of one engine.
#include "mace/runtimes/opencl/gpu.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "mace/base/half.h"
#include "mace/base/hash.h"
#include "mace/runtimes/opencl/segment_builder.h"

namespace mace {
namespace opencl {

Gpu::Gpu(std::shared_ptr<Context> context, const GpuOptions &options)
    : context_(std::move(context)),
      options_(options),
      capabilities_(context_ == nullptr ? TypicalCapabilities()
                                        : context_->device()->capabilities()) {}

MaceStatus Gpu::Init() { return context_->device()->NewQueue(&queue_); }

bool Gpu::MayExecute(const OperatorDef &def) const { return FindGpuOperator(def.type) != nullptr; }

MaceStatus Gpu::TryMemory(const GpuOperator &builder, GpuOpContext *context) const {
  if (context->images()) {
    if (!capabilities_.images) return Unsupported("the GPU has no images");
    for (const std::vector<GpuTensor> *tensors : {&context->inputs, &context->outputs}) {
      for (const GpuTensor &tensor : *tensors) {
        if (!tensor.present || tensor.constant != nullptr) continue;
        const auto [width, height] = ImageSize(tensor.shape);
        if (width <= capabilities_.image_width && height <= capabilities_.image_height) continue;
        return Unsupported("a tensor of shape ", tensor.shape.ToString(), " needs an image of ",
                           width, " x ", height, " texels, more than the ",
                           capabilities_.image_width, " x ", capabilities_.image_height,
                           " of the GPU");
      }
    }
  }
  return builder.supports(*context);
}

MaceStatus Gpu::Describe(const AcceleratorOp &op, GpuOpContext *context) const {
  const GpuOperator *builder = FindGpuOperator(op.def->type);
  if (builder == nullptr) return Unsupported("there is no GPU kernel for ", op.def->type);
  context->def = op.def;
  context->half = options_.half;
  context->half_arithmetic =
      options_.half_arithmetic &&
      !std::binary_search(options_.float_products.begin(), options_.float_products.end(),
                          op.def->output.empty() ? std::string() : op.def->output[0]);
  context->parts = options_.kernel_micros > 0;
  context->device = &capabilities_;
  const auto add = [&](const Tensor *tensor, std::vector<GpuTensor> *to) -> MaceStatus {
    to->emplace_back();
    if (tensor == nullptr) return MaceStatus::MACE_SUCCESS;
    GpuTensor &described = to->back();
    described.present = true;
    described.shape = tensor->shape;
    described.dtype = tensor->dtype;
    described.constant = tensor->is_const ? tensor : nullptr;
    const int64_t elements = tensor->elements();
    const char *what = to == &context->inputs ? "input " : "output ";
    const size_t number = to->size() - 1;
    if (tensor->quantize_info != nullptr) {
      return Unsupported(what, number, " is quantized");
    }
    if (!builder->other_types && tensor->dtype != DT_FLOAT) {
      return Unsupported(what, number, " has element type ", DataTypeName(tensor->dtype),
                         ", and the GPU has it for float32 alone");
    }
    if (elements == 0) return Unsupported(what, number, " has no elements");
    // Kernels count in 32 bits.
    if (elements > INT32_MAX ||
        tensor->bytes() > static_cast<size_t>(capabilities_.max_allocation)) {
      return Unsupported(what, number, " of shape ", tensor->shape.ToString(),
                         " is larger than what the GPU can hold in one piece");
    }
    return MaceStatus::MACE_SUCCESS;
  };
  for (const Tensor *input : op.inputs) MACE_RETURN_IF_ERROR(add(input, &context->inputs));
  for (const Tensor *output : op.outputs) MACE_RETURN_IF_ERROR(add(output, &context->outputs));
  context->memory = options_.memory;
  const MaceStatus status = TryMemory(*builder, context);
  if (status.ok() || !context->images()) return status;
  context->memory = MemoryKind::kBuffer;
  return TryMemory(*builder, context);
}

MaceStatus Gpu::Supports(const AcceleratorOp &op) const {
  GpuOpContext context;
  return Describe(op, &context);
}

MaceStatus Gpu::MakeSegment(std::vector<AcceleratorOp> ops, std::vector<const Tensor *> inputs,
                            std::vector<const Tensor *> outputs,
                            std::unique_ptr<AcceleratorSegment> *segment) {
  SegmentBuilder builder(this, std::move(ops), std::move(inputs), std::move(outputs));
  return builder.Build(segment);
}

MaceStatus Gpu::UploadBytes(const void *data, size_t bytes, SharedMemory *memory) {
  std::weak_ptr<MemoryHandle> &known = weights_[{XxHash64(data, bytes), bytes}];
  *memory = known.lock();
  if (*memory != nullptr) return MaceStatus::MACE_SUCCESS;
  MemoryHandle buffer;
  MACE_RETURN_IF_ERROR(context_->device()->NewBuffer(std::max<size_t>(bytes, 4), &buffer));
  MACE_RETURN_IF_ERROR(ClStatus("clEnqueueWriteBuffer",
                                Cl().clEnqueueWriteBuffer(queue_.get(), buffer.get(), CL_TRUE, 0,
                                                          bytes, data, 0, nullptr, nullptr)));
  weight_bytes_ += bytes;
  *memory = std::make_shared<MemoryHandle>(std::move(buffer));
  known = *memory;
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus Gpu::UploadImage(const GpuWeight &weight, SharedMemory *memory) {
  const size_t width = static_cast<size_t>(weight.width);
  const size_t height = static_cast<size_t>(weight.height);
  if (weight.width < 1 || weight.height < 1 || weight.width > capabilities_.image_width ||
      weight.height > capabilities_.image_height || weight.values.size() / 4 / width != height) {
    return RuntimeError("a weight image of ", weight.width, " x ", weight.height, " texels with ",
                        weight.values.size(), " values is none, or larger than the GPU's images");
  }
  const bool half = options_.half && !weight.keep_float;
  const size_t bytes = weight.values.size() * (half ? 2 : 4);
  const uint64_t hash =
      XxHash64(weight.values.data(), weight.values.size() * 4, width * 2 + (half ? 1 : 0) + 1);
  std::weak_ptr<MemoryHandle> &known = weights_[{hash, bytes}];
  *memory = known.lock();
  if (*memory != nullptr) return MaceStatus::MACE_SUCCESS;
  MemoryHandle image;
  MACE_RETURN_IF_ERROR(context_->device()->NewImage(half, width, height, &image));
  std::vector<uint16_t> halves;
  const void *data = weight.values.data();
  if (half) {
    halves.resize(weight.values.size());
    std::transform(weight.values.begin(), weight.values.end(), halves.begin(), FloatToHalf);
    data = halves.data();
  }
  const size_t origin[3] = {0, 0, 0}, region[3] = {width, height, 1};
  MACE_RETURN_IF_ERROR(ClStatus("clEnqueueWriteImage",
                                Cl().clEnqueueWriteImage(queue_.get(), image.get(), CL_TRUE, origin,
                                                         region, 0, 0, data, 0, nullptr, nullptr)));
  weight_bytes_ += bytes;
  *memory = std::make_shared<MemoryHandle>(std::move(image));
  known = *memory;
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus Gpu::Upload(const GpuWeight &weight, SharedMemory *memory) {
  if (weight.memory == MemoryKind::kImage) return UploadImage(weight, memory);
  if (!options_.half || weight.keep_float) {
    return UploadBytes(weight.values.data(), weight.values.size() * sizeof(float), memory);
  }
  std::vector<uint16_t> halves(weight.values.size());
  std::transform(weight.values.begin(), weight.values.end(), halves.begin(), FloatToHalf);
  return UploadBytes(halves.data(), halves.size() * sizeof(uint16_t), memory);
}

MaceStatus Gpu::Blocks(const std::vector<size_t> &bytes, std::vector<SharedMemory> *memory) {
  blocks_.resize(std::max(blocks_.size(), bytes.size()));
  for (size_t b = 0; b < bytes.size(); ++b) {
    Block &block = blocks_[b];
    SharedMemory shared = block.memory.lock();
    if (shared == nullptr || block.bytes < bytes[b]) {
      MemoryHandle buffer;
      MACE_RETURN_IF_ERROR(context_->device()->NewBuffer(bytes[b], &buffer));
      shared = std::make_shared<MemoryHandle>(std::move(buffer));
      block = {shared, bytes[b]};
    }
    memory->push_back(std::move(shared));
  }
  return MaceStatus::MACE_SUCCESS;
}

}  // namespace opencl
}  // namespace mace
