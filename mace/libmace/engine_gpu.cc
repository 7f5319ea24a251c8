// SPDX-License-Identifier: Apache-2.0
// The GPU of an engine; of a build without one nothing is left here.
#include "mace/libmace/engine.h"

#if defined(MACE_ENABLE_OPENCL)

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "mace/base/logging.h"
#include "mace/libmace/gpu_context.h"
#include "mace/runtimes/opencl/early_products.h"
#include "mace/runtimes/opencl/gpu.h"

namespace mace {

namespace {

// A text argument of the net; empty when it has none of that name.
std::string NetText(const NetDef &net, const char *name) {
  for (const Argument &argument : net.arg) {
    if (argument.name == name) return argument.s;
  }
  return "";
}

// What the model says counts where the application says nothing; 0 is no limit.
int Limit(int wanted, int of_model) { return std::max(0, wanted == 0 ? of_model : wanted); }

// How it stores and computes: as the configuration or else the model says.
GpuStorage StorageOf(const EngineConfig &config, const NetDef &net) {
  if (config.gpu.storage != GpuStorage::kModel) return config.gpu.storage;
  const std::string type = NetText(net, "gpu_data_type");
  return type == "fp16_fp16"   ? GpuStorage::kHalfArithmetic
         : type == "fp16_fp32" ? GpuStorage::kHalf
                               : GpuStorage::kFloat;
}

// Images are what mobile GPUs cache best; desktop GPUs and CPUs read buffers faster.
bool PrefersImages(opencl::GpuFamily family) {
  return family == opencl::GpuFamily::kAdreno || family == opencl::GpuFamily::kMali ||
         family == opencl::GpuFamily::kPowerVR;
}

}  // namespace

bool MadeInBackground(const EngineConfig &config) {
  // The engine that is made there has a way to be cancelled.
  return config.device != CPU && config.gpu.cancelled == nullptr && config.gpu.context != nullptr &&
         config.gpu.context->compiles_in_background();
}

MaceStatus MakeAccelerator(const EngineConfig &config, const NetDef &net, bool for_placement,
                           std::unique_ptr<Accelerator> *accelerator) {
  opencl::DeviceHints hints;
  hints.perf = config.gpu.perf_hint;
  hints.priority = config.gpu.priority_hint;
  std::shared_ptr<opencl::Context> context;
  opencl::GpuOptions options;
  if (!for_placement) {
    std::shared_ptr<GPUContext> shared = config.gpu.context;
    if (shared == nullptr) shared = std::make_shared<GPUContext>(GPUContextOptions());
    MACE_RETURN_IF_ERROR(shared->Open(hints, &context));
    options.tune = shared->tune();
    options.progress = shared->progress();
    options.kernel_micros =
        Limit(shared->kernel_micros(), NetText(net, "limit_opencl_kernel_time") == "1" ? 1000 : 0);
    options.queued_kernels = Limit(shared->queued_kernels(),
                                   std::atoi(NetText(net, "opencl_queue_window_size").c_str()));
  }
  const opencl::GpuCapabilities capabilities =
      context == nullptr ? opencl::TypicalCapabilities() : context->device()->capabilities();
  const GpuStorage storage = StorageOf(config, net);
  options.half = storage == GpuStorage::kHalf || storage == GpuStorage::kHalfArithmetic;
  options.half_arithmetic = storage == GpuStorage::kHalfArithmetic && capabilities.fp16;
  if (options.half_arithmetic) options.float_products = opencl::EarlyProducts(net);
  if (storage == GpuStorage::kHalfArithmetic && !capabilities.fp16 && !for_placement) {
    LOG(WARNING) << "fp16_fp16 is computed as fp16_fp32, in float: the GPU '"
                 << context->device()->name() << "' has no arithmetic in half (cl_khr_fp16)";
  }
  const std::string memory = NetText(net, "opencl_mem_type");
  const bool images = config.gpu.memory == GpuMemory::kModel
                          ? memory == "image" || (memory != "buffer" && capabilities.images &&
                                                  PrefersImages(capabilities.family))
                          : config.gpu.memory == GpuMemory::kImage;
  options.memory = images ? opencl::MemoryKind::kImage : opencl::MemoryKind::kBuffer;
  options.memory_limit = config.memory_limit;
  options.cancelled = config.gpu.cancelled;
  auto gpu = std::make_unique<opencl::Gpu>(std::move(context), options);
  if (!for_placement) MACE_RETURN_IF_ERROR(gpu->Init());
  *accelerator = std::move(gpu);
  return MaceStatus::MACE_SUCCESS;
}

}  // namespace mace

#else

namespace mace {

bool MadeInBackground(const EngineConfig &) { return false; }

MaceStatus MakeAccelerator(const EngineConfig &config, const NetDef &, bool,
                           std::unique_ptr<Accelerator> *) {
  return CheckDevice(config.device);
}

}  // namespace mace

#endif  // MACE_ENABLE_OPENCL
