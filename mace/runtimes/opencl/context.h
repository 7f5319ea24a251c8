// SPDX-License-Identifier: Apache-2.0
// What engines on one GPU share: the device, its programs and tuned parameters. Thread-safe.
#ifndef MACE_RUNTIMES_OPENCL_CONTEXT_H_
#define MACE_RUNTIMES_OPENCL_CONTEXT_H_

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "mace/runtimes/opencl/cache_file.h"
#include "mace/runtimes/opencl/device.h"
#include "mace/runtimes/opencl/programs.h"

namespace mace {
namespace opencl {

struct ContextOptions {
  std::string storage_path;
  std::vector<std::string> binary_paths;
  std::string parameter_path;
  bool tune = false;  // the parameters may be made now
  DeviceHints hints;
};

class Context {
 public:
  // Opens the device. UNSUPPORTED when there is none that can be used.
  static MaceStatus Open(const ContextOptions &options, std::shared_ptr<Context> *context);

  Device *device() const { return device_.get(); }
  Programs *programs() const { return programs_.get(); }

  // The tuned parameters of an operator; empty when there are none.
  std::string Parameters(const std::string &key);
  void SetParameters(const std::string &key, const std::string &value);
  // Writes all tuned parameters to a file.
  MaceStatus SaveParameters(const std::string &path);
  // To the one that they were read from, if there is one.
  MaceStatus SaveTuned();

 private:
  std::shared_ptr<Device> device_;
  std::unique_ptr<Programs> programs_;
  std::mutex mutex_;
  std::string parameter_path_;
  CacheEntries parameters_;
};

}  // namespace opencl
}  // namespace mace

#endif  // MACE_RUNTIMES_OPENCL_CONTEXT_H_
