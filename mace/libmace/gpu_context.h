// SPDX-License-Identifier: Apache-2.0
// What GPUContextBuilder collects, and the OpenCL device that is opened with it when the first
// engine asks. Thread-safe.
#ifndef MACE_LIBMACE_GPU_CONTEXT_H_
#define MACE_LIBMACE_GPU_CONTEXT_H_

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "mace/base/status.h"
#if defined(MACE_ENABLE_OPENCL)
#include "mace/runtimes/opencl/context.h"
#endif

namespace mace {

#if defined(MACE_ENABLE_OPENCL)

struct GPUContextOptions {
  std::string storage_path;
  std::vector<std::string> opencl_binary_paths;
  std::string opencl_parameter_path;

  void SetStoragePath(const std::string &path) { storage_path = path; }
  void SetBinaryPaths(const std::vector<std::string> &paths) { opencl_binary_paths = paths; }
  void SetParameterPath(const std::string &path) { opencl_parameter_path = path; }
};

class GPUContext {
 public:
  explicit GPUContext(GPUContextOptions options) : options_(std::move(options)) {}

  // The hints count for the engine that opens the device.
  MaceStatus Open(const opencl::DeviceHints &hints, std::shared_ptr<opencl::Context> *context) {
    std::lock_guard<std::mutex> lock(mutex_);
    if (context_ == nullptr) {
      opencl::ContextOptions options;
      options.storage_path = options_.storage_path;
      options.binary_paths = options_.opencl_binary_paths;
      options.parameter_path = options_.opencl_parameter_path;
      options.hints = hints;
      options.tune = tune_;
      MACE_RETURN_IF_ERROR(opencl::Context::Open(options, &context_));
    }
    *context = context_;
    return MaceStatus::MACE_SUCCESS;
  }

  // From now on, kernels of engines that are made with it are tuned.
  void Tune(std::function<void(int, int)> progress) {
    tune_ = true;
    progress_ = std::move(progress);
  }
  // See mace_gpu.h.
  void Limit(int kernel_micros, int queued_kernels) {
    kernel_micros_ = kernel_micros;
    queued_kernels_ = queued_kernels;
  }
  void CompileInBackground(bool background) { background_ = background; }
  bool compiles_in_background() const { return background_; }
  int kernel_micros() const { return kernel_micros_; }
  int queued_kernels() const { return queued_kernels_; }
  bool tune() const { return tune_; }
  const std::function<void(int, int)> &progress() const { return progress_; }

 private:
  GPUContextOptions options_;
  bool tune_ = false, background_ = false;
  int kernel_micros_ = 0, queued_kernels_ = 0;
  std::function<void(int, int)> progress_;
  std::mutex mutex_;
  std::shared_ptr<opencl::Context> context_;
};

#else  // nothing reads what is set

struct GPUContextOptions {
  void SetStoragePath(const std::string &) {}
  void SetBinaryPaths(const std::vector<std::string> &) {}
  void SetParameterPath(const std::string &) {}
};

class GPUContext {
 public:
  explicit GPUContext(const GPUContextOptions &) {}
  void Tune(const std::function<void(int, int)> &) {}
  void Limit(int, int) {}
  void CompileInBackground(bool) {}
};

#endif

}  // namespace mace

#endif  // MACE_LIBMACE_GPU_CONTEXT_H_
