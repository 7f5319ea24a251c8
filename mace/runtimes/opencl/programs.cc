// SPDX-License-Identifier: Apache-2.0
// The compiled programs of a device.
#include "mace/runtimes/opencl/programs.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <set>
#include <thread>
#include <utility>

#include "mace/base/hash.h"
#include "mace/base/logging.h"
#include "mace/runtimes/opencl/range_check.h"

namespace mace {
namespace opencl {

namespace {

constexpr char kFileName[] = "/mace_cl_compiled_program.bin";
// Drivers hold locks while they compile: more threads than these gain nothing.
constexpr size_t kMaxThreads = 4;

const char *FindSource(const std::string &name) {
  for (const EmbeddedKernel *kernel = kEmbeddedKernels; kernel->name != nullptr; ++kernel) {
    if (name == kernel->name) return kernel->source;
  }
  return nullptr;
}

// As the driver takes it.
std::string Decoded(const char *source) {
  std::string text = source;
  if ((text[0] & 0x80) == 0) return text;
  for (size_t i = 0; i < text.size(); ++i) {
    text[i] = static_cast<char>((text[i] ^ static_cast<int>((i * 37 + 11) & 0x7f)) & 0x7f);
  }
  return text;
}

std::string Options(const KernelLaunch &launch) {
  std::string options =
      RangeCheck::Wanted() ? "-DMACE_OUT_OF_RANGE_CHECK -cl-mad-enable" : "-cl-mad-enable";
  for (const std::string &define : launch.defines) options += " -D" + define;
  return options;
}

// Names a program by all that its binary depends on beside the device.
std::string Key(const KernelLaunch &launch, const std::string &options, const char *source) {
  return MakeString(launch.program, "|", options, "|", XxHash64(source, std::strlen(source)));
}

}  // namespace

Programs::Programs(std::shared_ptr<Device> device, const std::string &storage,
                   const std::vector<std::string> &files)
    : device_(std::move(device)), file_(storage.empty() ? "" : storage + kFileName) {
  std::vector<std::string> all = files;
  if (!file_.empty()) all.push_back(file_);
  for (const std::string &path : all) {
    // The first run finds no file of its own.
    if (path == file_ && access(path.c_str(), F_OK) != 0) continue;
    CacheEntries entries;
    const MaceStatus status =
        ReadCacheFile(path, CacheKind::kPrograms, device_->identity(), &entries);
    if (!status.ok()) {
      LOG(WARNING) << "compiled OpenCL programs are not used: " << status.message();
      continue;
    }
    stored_.insert(entries.begin(), entries.end());
  }
}

bool Programs::FromBinary(const std::string &key, const std::string &options,
                          ProgramHandle *program) {
  const auto found = stored_.find(key);
  if (found == stored_.end()) return false;
  const size_t size = found->second.size();
  const auto *bytes = reinterpret_cast<const unsigned char *>(found->second.data());
  const cl_device_id device = device_->id();
  cl_int error = CL_SUCCESS, loaded = CL_SUCCESS;
  ProgramHandle made(Cl().clCreateProgramWithBinary(device_->context(), 1, &device, &size, &bytes,
                                                    &loaded, &error));
  if (error != CL_SUCCESS || loaded != CL_SUCCESS ||
      Cl().clBuildProgram(made.get(), 1, &device, options.c_str(), nullptr, nullptr) !=
          CL_SUCCESS) {
    LOG(WARNING) << "the driver refuses a compiled OpenCL program, which is compiled again: "
                 << key;
    return false;
  }
  *program = std::move(made);
  return true;
}

MaceStatus Programs::Compile(const std::string &key, const std::string &options, const char *source,
                             ProgramHandle *program) {
  if (FromBinary(key, options, program)) return MaceStatus::MACE_SUCCESS;
  if (InjectFailure()) return ClStatus("clBuildProgram", CL_BUILD_PROGRAM_FAILURE);
  cl_int error = CL_SUCCESS;
  const std::string checks = Decoded(RangeCheck::Source()), own = Decoded(source);
  const char *sources[] = {checks.c_str(), own.c_str()};
  const cl_uint first = RangeCheck::Wanted() ? 0 : 1;
  ProgramHandle made(Cl().clCreateProgramWithSource(device_->context(), 2 - first, sources + first,
                                                    nullptr, &error));
  MACE_RETURN_IF_ERROR(ClStatus("clCreateProgramWithSource", error));
  const cl_device_id device = device_->id();
  error = Cl().clBuildProgram(made.get(), 1, &device, options.c_str(), nullptr, nullptr);
  if (error != CL_SUCCESS) {
    std::string log(4096, 0);
    size_t size = 0;
    Cl().clGetProgramBuildInfo(made.get(), device, CL_PROGRAM_BUILD_LOG, 0, nullptr, &size);
    log.resize(std::min<size_t>(size, size_t{1} << 20));
    Cl().clGetProgramBuildInfo(made.get(), device, CL_PROGRAM_BUILD_LOG, log.size(), &log[0],
                               nullptr);
    log.resize(std::min<size_t>(log.size(), 2000));
    return RuntimeError("the GPU driver cannot compile ", key, ": ", log.c_str(), " (error ", error,
                        ")");
  }
  VLOG(1) << "compiled " << key;
  *program = std::move(made);
  std::lock_guard<std::mutex> lock(mutex_);
  fresh_ = true;
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus Programs::Get(const KernelLaunch &launch, cl_program *program) {
  const char *source = FindSource(launch.program);
  if (source == nullptr) return RuntimeError("there is no OpenCL source '", launch.program, "'");
  const std::string options = Options(launch);
  const std::string key = Key(launch, options, source);
  {
    std::lock_guard<std::mutex> lock(mutex_);
    const auto found = programs_.find(key);
    if (found != programs_.end()) {
      *program = found->second.get();
      return MaceStatus::MACE_SUCCESS;
    }
  }
  ProgramHandle made;
  MACE_RETURN_IF_ERROR(Compile(key, options, source, &made));
  std::lock_guard<std::mutex> lock(mutex_);
  // Another thread may have been faster; both are the same.
  *program = programs_.emplace(key, std::move(made)).first->second.get();
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus Programs::Prepare(const std::vector<const KernelLaunch *> &launches,
                             const std::atomic<bool> *cancelled) {
  std::vector<const KernelLaunch *> distinct;
  std::set<std::string> seen;
  for (const KernelLaunch *launch : launches) {
    if (seen.insert(launch->program + Options(*launch)).second) distinct.push_back(launch);
  }
  std::atomic<size_t> next{0};
  std::mutex mutex;
  MaceStatus first;
  const auto work = [&] {
    for (size_t i = next++; i < distinct.size(); i = next++) {
      cl_program program = nullptr;
      const bool wanted = cancelled == nullptr || !cancelled->load(std::memory_order_relaxed);
      const MaceStatus status =
          wanted ? Get(*distinct[i], &program) : RuntimeError("the engine ends before it is made");
      std::lock_guard<std::mutex> lock(mutex);
      if (!status.ok() && first.ok()) first = status;
    }
  };
  const size_t count = std::min(
      {kMaxThreads, distinct.size(), std::max<size_t>(1, std::thread::hardware_concurrency())});
  std::vector<std::thread> threads;
  for (size_t t = 1; t < count; ++t) threads.emplace_back(work);
  work();
  for (std::thread &thread : threads) thread.join();
  return first;
}

MaceStatus Programs::NewKernel(const KernelLaunch &launch, KernelHandle *kernel) {
  cl_program program = nullptr;
  MACE_RETURN_IF_ERROR(Get(launch, &program));
  cl_int error = CL_SUCCESS;
  *kernel = KernelHandle(Cl().clCreateKernel(program, launch.kernel.c_str(), &error));
  if (error == CL_SUCCESS) return MaceStatus::MACE_SUCCESS;
  const MaceStatus status = ClStatus("clCreateKernel", error);
  return MaceStatus(status.code(),
                    MakeString(status.message(), " for '", launch.kernel, "' of ", launch.program));
}

CacheEntries Programs::Binaries() {
  std::lock_guard<std::mutex> lock(mutex_);
  CacheEntries entries = stored_;
  for (const auto &[key, program] : programs_) {
    size_t size = 0;
    if (entries.count(key) > 0 ||
        Cl().clGetProgramInfo(program.get(), CL_PROGRAM_BINARY_SIZES, sizeof(size), &size,
                              nullptr) != CL_SUCCESS ||
        size == 0) {
      continue;
    }
    std::string binary(size, 0);
    auto *bytes = reinterpret_cast<unsigned char *>(&binary[0]);
    if (Cl().clGetProgramInfo(program.get(), CL_PROGRAM_BINARIES, sizeof(bytes), &bytes, nullptr) ==
        CL_SUCCESS) {
      entries[key] = std::move(binary);
    }
  }
  return entries;
}

MaceStatus Programs::SaveTo(const std::string &path) {
  return WriteCacheFile(path, CacheKind::kPrograms, device_->identity(), Binaries());
}

void Programs::Save() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (file_.empty() || !fresh_) return;
    fresh_ = false;
  }
  const MaceStatus status = SaveTo(file_);
  if (!status.ok()) LOG(WARNING) << "compiled OpenCL programs are not kept: " << status.message();
}

}  // namespace opencl
}  // namespace mace
