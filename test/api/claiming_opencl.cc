// SPDX-License-Identifier: Apache-2.0
// An OpenCL library for tests, to be named by MACE_OPENCL_LIBRARY: the system's, with extensions
// that drivers of phones have. Hints are noted and kept from the system's driver; queues that
// record (cl_qcom_recordable_queues) do so here.
#define CL_USE_DEPRECATED_OPENCL_1_2_APIS
#include <CL/cl.h>
#include <CL/cl_ext.h>
#include <dlfcn.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <string>
#include <vector>

namespace {

constexpr cl_command_queue_properties kRecordable = cl_command_queue_properties{1} << 30;

std::string claimed;               // names of extensions
std::string refused;               // a function that fails
std::map<int64_t, int64_t> hints;  // by property, as they were given last
int launches = 0, replays = 0;

struct Launch {
  cl_kernel kernel;
  cl_uint dimensions;
  std::array<size_t, 3> global, local;
};
struct Recorded {
  cl_command_queue queue;
  bool ended = false;
  std::vector<Launch> launches;
};
std::vector<cl_command_queue> recordable;
std::vector<Recorded *> recordings;

void *System(const char *name) {
  static void *handle = dlopen("libOpenCL.so.1", RTLD_NOW | RTLD_LOCAL);
  return dlsym(handle, name);
}

#define SYSTEM(function) (reinterpret_cast<decltype(&::function)>(System(#function)))

cl_int DeviceInfo(cl_device_id device, cl_device_info what, size_t size, void *value,
                  size_t *needed) {
  if (what != CL_DEVICE_EXTENSIONS) {
    return SYSTEM(clGetDeviceInfo)(device, what, size, value, needed);
  }
  char own[16384] = "";
  SYSTEM(clGetDeviceInfo)(device, what, sizeof(own), own, nullptr);
  const std::string all = std::string(own) + " " + claimed;
  if (needed != nullptr) *needed = all.size() + 1;
  if (value == nullptr) return CL_SUCCESS;
  if (size < all.size() + 1) return CL_INVALID_VALUE;
  std::memcpy(value, all.c_str(), all.size() + 1);
  return CL_SUCCESS;
}

// Pairs up to a zero without those that the system does not know.
template <typename T>
std::vector<T> WithoutHints(const T *properties) {
  std::vector<T> known;
  for (; properties != nullptr && *properties != 0; properties += 2) {
    const int64_t key = static_cast<int64_t>(properties[0]);
    if (key == 0x40C2 || key == 0x40C9 || key == CL_QUEUE_PRIORITY_KHR) {
      hints[key] = static_cast<int64_t>(properties[1]);
    } else {
      known.insert(known.end(), properties, properties + 2);
    }
  }
  known.push_back(0);
  return known;
}

cl_context NewContext(const cl_context_properties *properties, cl_uint count,
                      const cl_device_id *devices,
                      void(CL_CALLBACK *notify)(const char *, const void *, size_t, void *),
                      void *user, cl_int *error) {
  const std::vector<cl_context_properties> known = WithoutHints(properties);
  const bool hinted = properties != nullptr && properties[known.size() - 1] != 0;
  if (refused == "clCreateContext" && hinted) {
    *error = CL_INVALID_PROPERTY;
    return nullptr;
  }
  return SYSTEM(clCreateContext)(known.data(), count, devices, notify, user, error);
}

cl_command_queue NewQueueWithProperties(cl_context context, cl_device_id device,
                                        const cl_queue_properties *properties, cl_int *error) {
  if (refused == "clCreateCommandQueueWithProperties") {
    *error = CL_INVALID_QUEUE_PROPERTIES;
    return nullptr;
  }
  return SYSTEM(clCreateCommandQueueWithProperties)(context, device,
                                                    WithoutHints(properties).data(), error);
}

cl_command_queue NewQueue(cl_context context, cl_device_id device,
                          cl_command_queue_properties properties, cl_int *error) {
  const bool records = (properties & kRecordable) != 0;
  if (records && properties != kRecordable) {
    *error = CL_INVALID_VALUE;
    return nullptr;
  }
  const cl_command_queue queue =
      SYSTEM(clCreateCommandQueue)(context, device, records ? 0 : properties, error);
  // A queue may have the address of one that is gone.
  recordable.erase(std::remove(recordable.begin(), recordable.end(), queue), recordable.end());
  if (records) recordable.push_back(queue);
  return queue;
}

cl_int EnqueueKernel(cl_command_queue queue, cl_kernel kernel, cl_uint dimensions,
                     const size_t *offset, const size_t *global, const size_t *local, cl_uint waits,
                     const cl_event *wait_list, cl_event *event) {
  if (std::find(recordable.begin(), recordable.end(), queue) == recordable.end()) {
    ++launches;
    return SYSTEM(clEnqueueNDRangeKernel)(queue, kernel, dimensions, offset, global, local, waits,
                                          wait_list, event);
  }
  Recorded *to = recordings.back();
  if (to->queue != queue || to->ended || event != nullptr || offset != nullptr) {
    return CL_INVALID_OPERATION;
  }
  Launch launch = {kernel, dimensions, {1, 1, 1}, {1, 1, 1}};
  std::copy(global, global + dimensions, launch.global.begin());
  std::copy(local, local + dimensions, launch.local.begin());
  to->launches.push_back(launch);
  return CL_SUCCESS;
}

Recorded *NewRecording(cl_command_queue queue, cl_int *error) {
  *error = refused == "clNewRecordingQCOM" ? CL_INVALID_COMMAND_QUEUE : CL_SUCCESS;
  if (*error != CL_SUCCESS) return nullptr;
  recordings.push_back(new Recorded{queue, false, {}});
  return recordings.back();
}

cl_int EndRecording(Recorded *recording) {
  recording->ended = true;
  return refused == "clEndRecordingQCOM" ? CL_OUT_OF_RESOURCES : CL_SUCCESS;
}

cl_int ReleaseRecording(Recorded *recording) {
  recordings.erase(std::find(recordings.begin(), recordings.end(), recording));
  delete recording;
  return CL_SUCCESS;
}

cl_int EnqueueRecording(cl_command_queue queue, Recorded *recording, size_t arguments, const void *,
                        size_t offsets, const void *, size_t globals, const void *, size_t locals,
                        const void *, cl_uint waits, const cl_event *, cl_event *event) {
  if (refused == "clEnqueueRecordingQCOM") return CL_OUT_OF_RESOURCES;
  if (!recording->ended || arguments + offsets + globals + locals + waits > 0 || event != nullptr) {
    return CL_INVALID_VALUE;
  }
  ++replays;
  for (const Launch &launch : recording->launches) {
    const cl_int error = SYSTEM(clEnqueueNDRangeKernel)(queue, launch.kernel, launch.dimensions,
                                                        nullptr, launch.global.data(),
                                                        launch.local.data(), 0, nullptr, nullptr);
    if (error != CL_SUCCESS) return error;
  }
  return CL_SUCCESS;
}

cl_int EnqueueBuffer(cl_uint queues, cl_command_queue *queue, cl_command_buffer_khr buffer,
                     cl_uint waits, const cl_event *wait_list, cl_event *event) {
  if (refused == "clEnqueueCommandBufferKHR") return CL_OUT_OF_RESOURCES;
  ++replays;
  static const auto system = reinterpret_cast<clEnqueueCommandBufferKHR_fn>(
      SYSTEM(clGetExtensionFunctionAddressForPlatform)(
          [] {
            cl_platform_id platform = nullptr;
            SYSTEM(clGetPlatformIDs)(1, &platform, nullptr);
            return platform;
          }(),
          "clEnqueueCommandBufferKHR"));
  return system(queues, queue, buffer, waits, wait_list, event);
}

void *ExtensionFunction(cl_platform_id platform, const char *name) {
  const auto is = [name](const char *function) { return std::strcmp(name, function) == 0; };
  // In the library as symbols of their own, as some drivers have it: see below.
  if (std::strstr(name, "QCOM") != nullptr) return nullptr;
  if (is("clEnqueueCommandBufferKHR")) return reinterpret_cast<void *>(&EnqueueBuffer);
  if (refused == name) return nullptr;
  return SYSTEM(clGetExtensionFunctionAddressForPlatform)(platform, name);
}

}  // namespace

extern "C" {

__attribute__((visibility("default"))) void *loadOpenCLPointer(const char *name) {
#define GIVE(function, own) \
  if (std::strcmp(name, #function) == 0) return reinterpret_cast<void *>(&own);
  GIVE(clGetDeviceInfo, DeviceInfo)
  GIVE(clCreateContext, NewContext)
  GIVE(clCreateCommandQueue, NewQueue)
  GIVE(clCreateCommandQueueWithProperties, NewQueueWithProperties)
  GIVE(clEnqueueNDRangeKernel, EnqueueKernel)
  GIVE(clGetExtensionFunctionAddressForPlatform, ExtensionFunction)
  GIVE(clNewRecordingQCOM, NewRecording)
  GIVE(clEndRecordingQCOM, EndRecording)
  GIVE(clReleaseRecordingQCOM, ReleaseRecording)
  GIVE(clEnqueueRecordingQCOM, EnqueueRecording)
#undef GIVE
  return System(name);
}

// What the devices say they have from now on, and the function that fails; forgets all counts.
__attribute__((visibility("default"))) void Claim(const char *extensions, const char *fails) {
  claimed = extensions;
  refused = fails;
  hints.clear();
  launches = replays = 0;
}
// The value of a property as it was given last; 0: never.
__attribute__((visibility("default"))) int64_t ClaimedHint(int64_t property) {
  return hints[property];
}
__attribute__((visibility("default"))) int ClaimedLaunches() { return launches; }
__attribute__((visibility("default"))) int ClaimedReplays() { return replays; }
__attribute__((visibility("default"))) int ClaimedRecordings() {
  return static_cast<int>(recordings.size());
}
}
