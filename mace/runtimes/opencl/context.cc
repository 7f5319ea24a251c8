// SPDX-License-Identifier: Apache-2.0
// What engines on one GPU share.
#include "mace/runtimes/opencl/context.h"

#include <unistd.h>

#include "mace/base/logging.h"

namespace mace {
namespace opencl {

MaceStatus Context::Open(const ContextOptions &options, std::shared_ptr<Context> *context) {
  auto made = std::make_shared<Context>();
  MACE_RETURN_IF_ERROR(Device::Open(options.hints, &made->device_));
  made->programs_ =
      std::make_unique<Programs>(made->device_, options.storage_path, options.binary_paths);
  made->parameter_path_ = options.parameter_path;
  const bool to_be_made = options.tune && access(options.parameter_path.c_str(), F_OK) != 0;
  if (!options.parameter_path.empty() && !to_be_made) {
    const MaceStatus status = ReadCacheFile(options.parameter_path, CacheKind::kParameters,
                                            made->device_->identity(), &made->parameters_);
    if (!status.ok()) {
      LOG(WARNING) << "tuned OpenCL parameters are not used: " << status.message();
    }
  }
  *context = std::move(made);
  return MaceStatus::MACE_SUCCESS;
}

std::string Context::Parameters(const std::string &key) {
  std::lock_guard<std::mutex> lock(mutex_);
  const auto found = parameters_.find(key);
  return found == parameters_.end() ? "" : found->second;
}

void Context::SetParameters(const std::string &key, const std::string &value) {
  std::lock_guard<std::mutex> lock(mutex_);
  parameters_[key] = value;
}

MaceStatus Context::SaveParameters(const std::string &path) {
  std::lock_guard<std::mutex> lock(mutex_);
  return WriteCacheFile(path, CacheKind::kParameters, device_->identity(), parameters_);
}

MaceStatus Context::SaveTuned() {
  return parameter_path_.empty() ? MaceStatus(MaceStatus::MACE_SUCCESS)
                                 : SaveParameters(parameter_path_);
}

}  // namespace opencl
}  // namespace mace
