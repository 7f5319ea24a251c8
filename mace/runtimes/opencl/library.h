// SPDX-License-Identifier: Apache-2.0
// libOpenCL, opened at run time: a build with the GPU runtime also starts where there is none.
#ifndef MACE_RUNTIMES_OPENCL_LIBRARY_H_
#define MACE_RUNTIMES_OPENCL_LIBRARY_H_

// Of 1.1 and 1.2 where a later version has another: all drivers have those.
#define CL_USE_DEPRECATED_OPENCL_1_1_APIS
#define CL_USE_DEPRECATED_OPENCL_1_2_APIS
#define CL_USE_DEPRECATED_OPENCL_2_0_APIS
#include <CL/cl.h>

#include <string>
#include <utility>

#include "mace/base/status.h"

namespace mace {
namespace opencl {

// All but clCreateImage are in every driver since 1.1.
#define MACE_OPENCL_FUNCTIONS(X) \
  X(clGetPlatformIDs)            \
  X(clGetPlatformInfo)           \
  X(clGetDeviceIDs)              \
  X(clGetDeviceInfo)             \
  X(clCreateContext)             \
  X(clReleaseContext)            \
  X(clCreateCommandQueue)        \
  X(clReleaseCommandQueue)       \
  X(clCreateBuffer)              \
  X(clCreateSubBuffer)           \
  X(clCreateImage2D)             \
  X(clGetSupportedImageFormats)  \
  X(clReleaseMemObject)          \
  X(clGetMemObjectInfo)          \
  X(clCreateProgramWithSource)   \
  X(clCreateProgramWithBinary)   \
  X(clBuildProgram)              \
  X(clGetProgramInfo)            \
  X(clGetProgramBuildInfo)       \
  X(clReleaseProgram)            \
  X(clCreateKernel)              \
  X(clSetKernelArg)              \
  X(clGetKernelWorkGroupInfo)    \
  X(clReleaseKernel)             \
  X(clEnqueueNDRangeKernel)      \
  X(clEnqueueReadBuffer)         \
  X(clEnqueueWriteBuffer)        \
  X(clEnqueueWriteImage)         \
  X(clEnqueueMapBuffer)          \
  X(clEnqueueUnmapMemObject)     \
  X(clWaitForEvents)             \
  X(clGetEventProfilingInfo)     \
  X(clReleaseEvent)              \
  X(clFlush)                     \
  X(clFinish)

// Of later versions: null where a library does not have them.
#define MACE_OPENCL_LATER_FUNCTIONS(X)  \
  X(clCreateCommandQueueWithProperties) \
  X(clGetExtensionFunctionAddressForPlatform)

struct Library {
#define MACE_OPENCL_MEMBER(name) decltype(&::name) name = nullptr;
  MACE_OPENCL_FUNCTIONS(MACE_OPENCL_MEMBER)
  MACE_OPENCL_LATER_FUNCTIONS(MACE_OPENCL_MEMBER)
#undef MACE_OPENCL_MEMBER
};

// Opens the library of MACE_OPENCL_LIBRARY, or the first of the vendors' that opens, once for the
// process. UNSUPPORTED with the reason when there is none or it lacks functions.
MaceStatus OpenLibrary(const Library **library);
// The one that was opened.
const Library &Cl();
// A function of an extension that the platform's devices say they have; null when there is none.
void *FindExtensionFunction(cl_platform_id platform, const char *name);

// "clBuildProgram: CL_BUILD_PROGRAM_FAILURE (-11)" as a status: OUT_OF_RESOURCES for memory,
// RUNTIME_ERROR otherwise; success for CL_SUCCESS.
MaceStatus ClStatus(const char *call, cl_int error);

// True for a call that is to fail on purpose: each with the probability of
// MACE_RUNTIME_FAILURE_RATIO (0 to 1), which is how fallbacks are tested.
bool InjectFailure();

// Owns one reference.
template <typename T, typename Release>
class Handle {
 public:
  Handle() = default;
  explicit Handle(T object) : object_(object) {}
  ~Handle() { reset(); }
  Handle(Handle &&other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  Handle &operator=(Handle &&other) noexcept {
    if (this != &other) {
      reset();
      object_ = std::exchange(other.object_, nullptr);
    }
    return *this;
  }
  Handle(const Handle &) = delete;
  Handle &operator=(const Handle &) = delete;

  void reset() {
    if (object_ != nullptr) Release()(object_);
    object_ = nullptr;
  }
  T get() const { return object_; }
  explicit operator bool() const { return object_ != nullptr; }

 private:
  T object_ = nullptr;
};

#define MACE_OPENCL_HANDLE(name, type, release)                  \
  struct name##Release {                                         \
    void operator()(type object) const { Cl().release(object); } \
  };                                                             \
  using name = Handle<type, name##Release>
MACE_OPENCL_HANDLE(ContextHandle, cl_context, clReleaseContext);
MACE_OPENCL_HANDLE(QueueHandle, cl_command_queue, clReleaseCommandQueue);
MACE_OPENCL_HANDLE(MemoryHandle, cl_mem, clReleaseMemObject);
MACE_OPENCL_HANDLE(ProgramHandle, cl_program, clReleaseProgram);
MACE_OPENCL_HANDLE(KernelHandle, cl_kernel, clReleaseKernel);
MACE_OPENCL_HANDLE(EventHandle, cl_event, clReleaseEvent);
#undef MACE_OPENCL_HANDLE

}  // namespace opencl
}  // namespace mace

#endif  // MACE_RUNTIMES_OPENCL_LIBRARY_H_
