// SPDX-License-Identifier: Apache-2.0
// An OpenCL library for tests, to be named by MACE_OPENCL_LIBRARY: it hands every call on to the
// system's, counts what is created and released, and lets calls fail as a driver would whose device
// has gone. It gives its functions by the loader that some phones' libraries have. WRAPPED_SYSTEM
// names another library than the system's.
#define CL_USE_DEPRECATED_OPENCL_1_1_APIS
#define CL_USE_DEPRECATED_OPENCL_1_2_APIS
#include <CL/cl.h>
#include <dlfcn.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <string>
#include <thread>
#include <tuple>
#include <type_traits>

namespace {

std::atomic<int> live{0}, calls{0};
// Calls of this name (all when empty) fail: `count` of them from number `first` on.
std::string failing;
int first = -1, count = 0;
// Calls of this name take so many milliseconds longer; so many were under way at once.
std::string slow;
std::atomic<int> delay{0}, under_way{0}, most_under_way{0};

void *System() {
  static void *handle = [] {
    const char *other = std::getenv("WRAPPED_SYSTEM");
    return dlopen(other == nullptr ? "libOpenCL.so.1" : other, RTLD_NOW | RTLD_LOCAL);
  }();
  return handle;
}

bool Fails(const char *name) {
  // What is given back is given back by a broken driver, too.
  if (std::strncmp(name, "clRelease", 9) == 0 || (!failing.empty() && failing != name))
    return false;
  const int number = calls++;
  return first >= 0 && number >= first && number - first < count;
}

void Delay(const char *name) {
  if (delay == 0 || slow != name) return;
  const int now = ++under_way;
  int most = most_under_way;
  while (now > most && !most_under_way.compare_exchange_weak(most, now)) {
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(delay));
  --under_way;
}

template <typename Name, typename F>
struct Wrapped;

template <typename Name, typename R, typename... A>
struct Wrapped<Name, R(A...)> {
  static R Call(A... arguments) {
    using System_ = R (*)(A...);
    static const System_ system = reinterpret_cast<System_>(dlsym(System(), Name::Get()));
    const auto last = std::get<sizeof...(A) - 1>(std::tie(arguments...));
    const bool fails = Fails(Name::Get());
    Delay(Name::Get());
    // Oclgrind's compiler fails in two threads.
    static std::mutex mutex;
    std::unique_lock<std::mutex> lock(mutex, std::defer_lock);
    if (std::strcmp(Name::Get(), "clBuildProgram") == 0) lock.lock();
    if constexpr (std::is_pointer_v<R>) {
      if (fails) {
        if (last != nullptr) *last = CL_DEVICE_NOT_AVAILABLE;
        return nullptr;
      }
      const R made = system(arguments...);
      if (made != nullptr && std::strncmp(Name::Get(), "clCreate", 8) == 0) ++live;
      return made;
    } else {
      if (fails) return CL_DEVICE_NOT_AVAILABLE;
      const R error = system(arguments...);
      if (error != CL_SUCCESS) return error;
      if (std::strncmp(Name::Get(), "clRelease", 9) == 0) --live;
      if constexpr (std::is_same_v<std::decay_t<decltype(last)>, cl_event *>) {
        if (last != nullptr) ++live;
      }
      return error;
    }
  }
};

}  // namespace

extern "C" {

__attribute__((visibility("default"))) void *loadOpenCLPointer(const char *name) {
#define WRAP(function)                                                        \
  if (std::strcmp(name, #function) == 0) {                                    \
    struct Name {                                                             \
      static const char *Get() { return #function; }                          \
    };                                                                        \
    return reinterpret_cast<void *>(                                          \
        &Wrapped<Name, std::remove_reference_t<decltype(::function)>>::Call); \
  }
  WRAP(clCreateContext)
  WRAP(clReleaseContext)
  WRAP(clCreateCommandQueue)
  WRAP(clReleaseCommandQueue)
  WRAP(clCreateBuffer)
  WRAP(clCreateSubBuffer)
  WRAP(clCreateImage2D)
  WRAP(clReleaseMemObject)
  WRAP(clCreateProgramWithSource)
  WRAP(clCreateProgramWithBinary)
  WRAP(clBuildProgram)
  WRAP(clGetProgramInfo)
  WRAP(clReleaseProgram)
  WRAP(clCreateKernel)
  WRAP(clSetKernelArg)
  WRAP(clReleaseKernel)
  WRAP(clEnqueueNDRangeKernel)
  WRAP(clEnqueueReadBuffer)
  WRAP(clEnqueueWriteBuffer)
  WRAP(clEnqueueWriteImage)
  WRAP(clEnqueueMapBuffer)
  WRAP(clEnqueueUnmapMemObject)
  WRAP(clWaitForEvents)
  WRAP(clReleaseEvent)
  WRAP(clFlush)
  WRAP(clFinish)
#undef WRAP
  return dlsym(System(), name);
}

// Objects that were created or retained and not released.
__attribute__((visibility("default"))) int WrappedLive() { return live; }
// To be chosen while no call is under way. The most at once since the choice.
__attribute__((visibility("default"))) int WrappedDelay(const char *name, int millis) {
  const int most = most_under_way;
  delay = 0;
  slow = name;
  most_under_way = 0;
  delay = millis;
  return most;
}
// Calls of the chosen name since the choice.
__attribute__((visibility("default"))) int WrappedCalls() { return calls; }
__attribute__((visibility("default"))) void WrappedFail(const char *name, int from, int number) {
  failing = name;
  first = from;
  count = number;
  calls = 0;
}
}
