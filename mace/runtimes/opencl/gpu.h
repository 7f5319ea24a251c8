// SPDX-License-Identifier: Apache-2.0
// The GPU as an accelerator of one engine: decides what it takes, keeps the weights, makes
// segments. Used by one thread at a time, as the engine is; the context behind it is shared.
#ifndef MACE_RUNTIMES_OPENCL_GPU_H_
#define MACE_RUNTIMES_OPENCL_GPU_H_

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "mace/core/accelerator.h"
#include "mace/runtimes/opencl/context.h"
#include "mace/runtimes/opencl/launch.h"

namespace mace {
namespace opencl {

struct GpuOptions {
  bool half = false;             // activations and weights are stored as half
  bool half_arithmetic = false;  // and multiplied so; with half, on a device with fp16
  // Sorted first outputs of operators that multiply in float nevertheless.
  std::vector<std::string> float_products{};
  MemoryKind memory = MemoryKind::kBuffer;  // preferred for activations
  // Kernels are tuned where the context has no parameters for them yet. progress: operators done,
  // and how many there are; may be empty.
  bool tune = false;
  std::function<void(int, int)> progress{};
  size_t memory_limit = 0;  // bytes of one segment's activations; 0: none
  // Kernels that take longer are launched in parts of about so many microseconds, and at most so
  // many launches are in the queue at a time; 0: no limit.
  int kernel_micros = 0, queued_kernels = 0;
  // Not null: once it is true, segments are no longer made.
  const std::atomic<bool> *cancelled = nullptr;
};

// Device memory that segments of one engine use in turn.
using SharedMemory = std::shared_ptr<MemoryHandle>;

class Gpu : public Accelerator {
 public:
  // context null: only for asking what is supported, on a device of `typical` capabilities.
  Gpu(std::shared_ptr<Context> context, const GpuOptions &options);
  MaceStatus Init();

  bool MayExecute(const OperatorDef &def) const override;
  MaceStatus Supports(const AcceleratorOp &op) const override;
  MaceStatus MakeSegment(std::vector<AcceleratorOp> ops, std::vector<const Tensor *> inputs,
                         std::vector<const Tensor *> outputs,
                         std::unique_ptr<AcceleratorSegment> *segment) override;

  const GpuOptions &options() const { return options_; }
  const GpuCapabilities &capabilities() const { return capabilities_; }
  Context *context() const { return context_.get(); }
  cl_command_queue queue() const { return queue_.get(); }

  // The context that a builder sees. Success: *context has the kind of memory that fits.
  MaceStatus Describe(const AcceleratorOp &op, GpuOpContext *context) const;
  // Uploads a weight, or finds it among those that are on the device. label: for messages.
  MaceStatus Upload(const GpuWeight &weight, SharedMemory *memory);
  MaceStatus UploadBytes(const void *data, size_t bytes, SharedMemory *memory);
  // Blocks of at least these sizes, the largest first, which one segment uses at a time.
  MaceStatus Blocks(const std::vector<size_t> &bytes, std::vector<SharedMemory> *memory);
  size_t weight_bytes() const override { return weight_bytes_; }

 private:
  MaceStatus TryMemory(const GpuOperator &builder, GpuOpContext *context) const;
  MaceStatus UploadImage(const GpuWeight &weight, SharedMemory *memory);

  std::shared_ptr<Context> context_;
  const GpuOptions options_;
  GpuCapabilities capabilities_;
  QueueHandle queue_;
  // By content and form: plans for several shapes, and layers, share what is the same.
  std::map<std::pair<uint64_t, size_t>, std::weak_ptr<MemoryHandle>> weights_;
  size_t weight_bytes_ = 0;
  struct Block {
    std::weak_ptr<MemoryHandle> memory;
    size_t bytes = 0;
  };
  std::vector<Block> blocks_;
};

}  // namespace opencl
}  // namespace mace

#endif  // MACE_RUNTIMES_OPENCL_GPU_H_
