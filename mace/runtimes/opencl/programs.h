// SPDX-License-Identifier: Apache-2.0
// The compiled programs of a device: each source with each set of defines is compiled once, or
// comes as a binary from files. Thread-safe.
#ifndef MACE_RUNTIMES_OPENCL_PROGRAMS_H_
#define MACE_RUNTIMES_OPENCL_PROGRAMS_H_

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "mace/base/status.h"
#include "mace/runtimes/opencl/cache_file.h"
#include "mace/runtimes/opencl/device.h"

namespace mace {
namespace opencl {

class Programs {
 public:
  // storage: a folder for the file of compiled programs; empty: none. files: more of them, which
  // are only read. What cannot be used is ignored with a warning.
  Programs(std::shared_ptr<Device> device, const std::string &storage,
           const std::vector<std::string> &files);

  // Compiles what these launches need and is not there yet, several at a time. cancelled: fails
  // once it is true; may be null.
  MaceStatus Prepare(const std::vector<const KernelLaunch *> &launches,
                     const std::atomic<bool> *cancelled);
  // A kernel of a program; compiles it if need be.
  MaceStatus NewKernel(const KernelLaunch &launch, KernelHandle *kernel);
  // Writes the file in the storage folder if there is something new; a warning if that fails.
  void Save();
  // Writes all programs of this process to a file.
  MaceStatus SaveTo(const std::string &path);

 private:
  MaceStatus Get(const KernelLaunch &launch, cl_program *program);
  MaceStatus Compile(const std::string &key, const std::string &options, const char *source,
                     ProgramHandle *program);
  bool FromBinary(const std::string &key, const std::string &options, ProgramHandle *program);
  CacheEntries Binaries();

  std::shared_ptr<Device> device_;
  std::string file_;
  std::mutex mutex_;
  CacheEntries stored_;  // binaries of the files
  std::map<std::string, ProgramHandle> programs_;
  bool fresh_ = false;  // something was compiled that the file does not have
};

}  // namespace opencl
}  // namespace mace

#endif  // MACE_RUNTIMES_OPENCL_PROGRAMS_H_
