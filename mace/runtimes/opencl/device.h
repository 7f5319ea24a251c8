// SPDX-License-Identifier: Apache-2.0
// One OpenCL device with its context: chosen, asked for what it can, and with its quirks noted.
// Shared by all engines of a GPUContext; thread-safe.
#ifndef MACE_RUNTIMES_OPENCL_DEVICE_H_
#define MACE_RUNTIMES_OPENCL_DEVICE_H_

#include <memory>
#include <string>

#include "mace/base/status.h"
#include "mace/runtimes/opencl/launch.h"
#include "mace/runtimes/opencl/library.h"

namespace mace {
namespace opencl {

// Values of GPUPerfHint and GPUPriorityHint in mace.h.
struct DeviceHints {
  int perf = 0;
  int priority = 0;
};

class Device {
 public:
  // Chooses the first GPU of the first platform that has one; with MACE_OPENCL_DEVICE=<text> the
  // first device of any type whose "platform device" name contains the text, so that CPU devices
  // are used only when asked for. UNSUPPORTED with the reason and all names when there is none.
  static MaceStatus Open(const DeviceHints &hints, std::shared_ptr<Device> *device);

  cl_context context() const { return context_.get(); }
  cl_platform_id platform() const { return platform_; }
  cl_device_id id() const { return id_; }
  const GpuCapabilities &capabilities() const { return capabilities_; }
  const std::string &name() const { return name_; }
  // Names platform, device and driver: what programs and tuned parameters hold for.
  const std::string &identity() const { return identity_; }
  // Bytes to which parts of a buffer must be aligned.
  size_t alignment() const { return alignment_; }
  const std::string &extensions() const { return extensions_; }
  // An in-order queue that records times, of the priority that the hints ask for.
  MaceStatus NewQueue(QueueHandle *queue) const;
  MaceStatus NewBuffer(size_t bytes, MemoryHandle *buffer) const;
  // CL_RGBA of half or float.
  MaceStatus NewImage(bool half, size_t width, size_t height, MemoryHandle *image) const;

 private:
  MaceStatus Choose(std::string *platform_name);
  MaceStatus NewContext();
  void AskCapabilities(const std::string &platform_name);
  void FindQuirks();

  cl_platform_id platform_ = nullptr;
  cl_device_id id_ = nullptr;
  ContextHandle context_;
  GpuCapabilities capabilities_;
  DeviceHints hints_;
  int version_ = 100;  // 100 * major + minor
  std::string name_, identity_, extensions_;
  size_t alignment_ = 128;
};

// What a phone's GPU can at least, for placement where no device is at hand.
GpuCapabilities TypicalCapabilities();

}  // namespace opencl
}  // namespace mace

#endif  // MACE_RUNTIMES_OPENCL_DEVICE_H_
