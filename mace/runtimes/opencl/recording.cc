// SPDX-License-Identifier: Apache-2.0
// Kernels that the driver keeps as a list.
#include "mace/runtimes/opencl/recording.h"

#include <CL/cl_ext.h>

#include <cstdlib>

namespace mace {
namespace opencl {

namespace {

// Function `name` of an extension, null when there is none.
template <typename F>
bool Find(const Device &device, const char *name, F *function) {
  *function = reinterpret_cast<F>(FindExtensionFunction(device.platform(), name));
  return *function != nullptr;
}

class KhrRecording : public Recording {
 public:
  explicit KhrRecording(cl_command_queue queue) : queue_(queue) {}
  ~KhrRecording() override {
    if (buffer_ != nullptr) release_(buffer_);
  }
  bool Begin(const Device &device) {
    // A queue like ours may lack what the driver needs of one.
    cl_command_queue_properties needed = 0;
    Cl().clGetDeviceInfo(device.id(), CL_DEVICE_COMMAND_BUFFER_REQUIRED_QUEUE_PROPERTIES_KHR,
                         sizeof(needed), &needed, nullptr);
    if ((needed & ~static_cast<cl_command_queue_properties>(CL_QUEUE_PROFILING_ENABLE)) != 0 ||
        !Find(device, "clCreateCommandBufferKHR", &create_) ||
        !Find(device, "clCommandNDRangeKernelKHR", &add_) ||
        !Find(device, "clFinalizeCommandBufferKHR", &finish_) ||
        !Find(device, "clEnqueueCommandBufferKHR", &replay_) ||
        !Find(device, "clReleaseCommandBufferKHR", &release_)) {
      return false;
    }
    cl_int error = CL_SUCCESS;
    buffer_ = create_(1, &queue_, nullptr, &error);
    if (error != CL_SUCCESS) buffer_ = nullptr;
    return buffer_ != nullptr;
  }
  cl_int Add(cl_kernel kernel, cl_uint dimensions, const size_t *global,
             const size_t *local) override {
    // Commands of an in-order queue follow each other without points to wait for.
    return add_(buffer_, nullptr, nullptr, kernel, dimensions, nullptr, global, local, 0, nullptr,
                nullptr, nullptr);
  }
  cl_int Finish() override { return finish_(buffer_); }
  cl_int Replay() override { return replay_(0, nullptr, buffer_, 0, nullptr, nullptr); }

 private:
  cl_command_queue queue_;
  cl_command_buffer_khr buffer_ = nullptr;
  clCreateCommandBufferKHR_fn create_ = nullptr;
  clCommandNDRangeKernelKHR_fn add_ = nullptr;
  clFinalizeCommandBufferKHR_fn finish_ = nullptr;
  clEnqueueCommandBufferKHR_fn replay_ = nullptr;
  clReleaseCommandBufferKHR_fn release_ = nullptr;
};

// What is enqueued on a queue made for it is recorded there, and executed on another queue. Its
// declarations, which the common headers do not have.
class QcomRecording : public Recording {
 public:
  explicit QcomRecording(cl_command_queue queue) : queue_(queue) {}
  ~QcomRecording() override {
    if (recording_ != nullptr) release_(recording_);
  }
  bool Begin(const Device &device) {
    if (!Find(device, "clNewRecordingQCOM", &new_) || !Find(device, "clEndRecordingQCOM", &end_) ||
        !Find(device, "clReleaseRecordingQCOM", &release_) ||
        !Find(device, "clEnqueueRecordingQCOM", &enqueue_)) {
      return false;
    }
    // CL_QUEUE_RECORDABLE_QCOM; drivers refuse it together with other properties.
    constexpr cl_command_queue_properties kRecordable = cl_command_queue_properties{1} << 30;
    cl_int error = CL_SUCCESS;
    recordable_ =
        QueueHandle(Cl().clCreateCommandQueue(device.context(), device.id(), kRecordable, &error));
    if (error != CL_SUCCESS || !recordable_) return false;
    recording_ = new_(recordable_.get(), &error);
    if (error != CL_SUCCESS) recording_ = nullptr;
    return recording_ != nullptr;
  }
  cl_int Add(cl_kernel kernel, cl_uint dimensions, const size_t *global,
             const size_t *local) override {
    return Cl().clEnqueueNDRangeKernel(recordable_.get(), kernel, dimensions, nullptr, global,
                                       local, 0, nullptr, nullptr);
  }
  cl_int Finish() override { return end_(recording_); }
  cl_int Replay() override {
    return enqueue_(queue_, recording_, 0, nullptr, 0, nullptr, 0, nullptr, 0, nullptr, 0, nullptr,
                    nullptr);
  }

 private:
  // Arguments, offsets, global and local sizes that differ from what was recorded: none of ours.
  using List = const void *;
  using Handle_ = struct RecordingQcom *;
  cl_command_queue queue_;
  QueueHandle recordable_;
  Handle_ recording_ = nullptr;
  Handle_ (*new_)(cl_command_queue, cl_int *) = nullptr;
  cl_int (*end_)(Handle_) = nullptr;
  cl_int (*release_)(Handle_) = nullptr;
  cl_int (*enqueue_)(cl_command_queue, Handle_, size_t, List, size_t, List, size_t, List, size_t,
                     List, cl_uint, const cl_event *, cl_event *) = nullptr;
};

template <typename Kind>
std::unique_ptr<Recording> Begun(const Device &device, cl_command_queue queue) {
  auto made = std::make_unique<Kind>(queue);
  if (!made->Begin(device)) return nullptr;
  return made;
}

}  // namespace

bool Recording::PaysOff(const Device &device) {
  const char *wanted = std::getenv("MACE_OPENCL_RECORD");
  if (wanted != nullptr && wanted[0] != 0) return wanted[0] != '0';
  // PoCL takes the list apart again: 112 us for 60 small kernels, which single calls took 97 for.
  return device.capabilities().family != GpuFamily::kPocl;
}

std::unique_ptr<Recording> Recording::New(const Device &device, cl_command_queue queue) {
  const auto offers = [&](const char *extension) {
    return device.extensions().find(extension) != std::string::npos;
  };
  std::unique_ptr<Recording> made;
  if (offers("cl_qcom_recordable_queues")) made = Begun<QcomRecording>(device, queue);
  if (made == nullptr && offers("cl_khr_command_buffer")) made = Begun<KhrRecording>(device, queue);
  return made;
}

}  // namespace opencl
}  // namespace mace
