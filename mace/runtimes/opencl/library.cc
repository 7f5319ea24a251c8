// SPDX-License-Identifier: Apache-2.0
// libOpenCL, opened at run time.
#include "mace/runtimes/opencl/library.h"

#include <dlfcn.h>

#include <atomic>
#include <cstdlib>
#include <mutex>
#include <vector>

#include "mace/base/logging.h"

namespace mace {
namespace opencl {

namespace {

// Where vendors put it. A plain name goes through the system's search; from Android 7 on an
// application reaches only what the vendor lists as public, so that whole paths come after it.
#if defined(__ANDROID__)
const char *const kPaths[] = {
    "libOpenCL.so",
    "libOpenCL-pixel.so",  // Pixel phones, which must be asked to enable it
    "libGLES_mali.so",     // Mali drivers that carry OpenCL themselves
    "libPVROCL.so",
#if defined(__LP64__)
    "/vendor/lib64/libOpenCL.so",
    "/system/vendor/lib64/libOpenCL.so",
    "/system/lib64/libOpenCL.so",
    "/vendor/lib64/egl/libGLES_mali.so",
    "/system/vendor/lib64/egl/libGLES_mali.so",
    "/system/lib64/egl/libGLES_mali.so",
    "/vendor/lib64/libPVROCL.so",
    "/system/vendor/lib64/libPVROCL.so",
#else
    "/vendor/lib/libOpenCL.so",
    "/system/vendor/lib/libOpenCL.so",
    "/system/lib/libOpenCL.so",
    "/vendor/lib/egl/libGLES_mali.so",
    "/system/vendor/lib/egl/libGLES_mali.so",
    "/system/lib/egl/libGLES_mali.so",
    "/vendor/lib/libPVROCL.so",
    "/system/vendor/lib/libPVROCL.so",
#endif
};
#else
const char *const kPaths[] = {
    "libOpenCL.so.1",
    "libOpenCL.so",
    "libmali.so.1",  // boards whose Mali driver is the only OpenCL
    "libmali.so",
};
#endif

struct Opened {
  Library library;
  MaceStatus status;
  void *handle = nullptr;
  void *(*loader)(const char *) = nullptr;

  void *Find(const char *name) const {
    return loader == nullptr ? dlsym(handle, name) : loader(name);
  }
};

bool Load(const char *path, Opened *opened, std::string *why) {
  void *handle = dlopen(path, RTLD_LAZY | RTLD_LOCAL);
  if (handle == nullptr) {
    const char *error = dlerror();
    *why = error == nullptr ? "unknown reason" : error;
    return false;
  }
  using Enable = void (*)();
  // Pixel's library gives its functions only after this, and by its own loader.
  if (const auto enable = reinterpret_cast<Enable>(dlsym(handle, "enableOpenCL"))) enable();
  using Loader = void *(*)(const char *);
  opened->handle = handle;
  opened->loader = reinterpret_cast<Loader>(dlsym(handle, "loadOpenCLPointer"));
  const char *missing = nullptr;
#define MACE_OPENCL_FIND(name) \
  opened->library.name = reinterpret_cast<decltype(&::name)>(opened->Find(#name));
#define MACE_OPENCL_NEED(name) \
  MACE_OPENCL_FIND(name)       \
  if (opened->library.name == nullptr) missing = #name;
  MACE_OPENCL_FUNCTIONS(MACE_OPENCL_NEED)
  MACE_OPENCL_LATER_FUNCTIONS(MACE_OPENCL_FIND)
#undef MACE_OPENCL_NEED
#undef MACE_OPENCL_FIND
  if (missing == nullptr) return true;
  *why = MakeString(path, " has no function ", missing);
  // Never closed when it was used; this one was not.
  dlclose(handle);
  return false;
}

Opened *Open() {
  auto *opened = new Opened;  // lives as long as the process: drivers have threads of their own
  const char *given = std::getenv("MACE_OPENCL_LIBRARY");
  std::string why;
  if (given != nullptr && given[0] != 0) {
    if (!Load(given, opened, &why)) {
      opened->status = Unsupported("MACE_OPENCL_LIBRARY cannot be used: ", why);
    }
    return opened;
  }
  std::string first;
  for (const char *path : kPaths) {
    if (Load(path, opened, &why)) {
      VLOG(1) << "OpenCL library " << path;
      return opened;
    }
    if (first.empty()) first = why;
  }
  opened->status = Unsupported("there is no usable OpenCL library (", first,
                               "); name one by MACE_OPENCL_LIBRARY or choose the device CPU");
  return opened;
}

Opened *TheLibrary() {
  static Opened *const opened = Open();
  return opened;
}

struct Name {
  cl_int code;
  const char *name;
};
const Name kErrors[] = {
#define MACE_OPENCL_ERROR(code) {code, #code},
    MACE_OPENCL_ERROR(CL_DEVICE_NOT_FOUND) MACE_OPENCL_ERROR(CL_DEVICE_NOT_AVAILABLE)
        MACE_OPENCL_ERROR(CL_COMPILER_NOT_AVAILABLE) MACE_OPENCL_ERROR(
            CL_MEM_OBJECT_ALLOCATION_FAILURE) MACE_OPENCL_ERROR(CL_OUT_OF_RESOURCES)
            MACE_OPENCL_ERROR(CL_OUT_OF_HOST_MEMORY) MACE_OPENCL_ERROR(
                CL_IMAGE_FORMAT_NOT_SUPPORTED) MACE_OPENCL_ERROR(CL_BUILD_PROGRAM_FAILURE)
                MACE_OPENCL_ERROR(CL_MAP_FAILURE) MACE_OPENCL_ERROR(CL_INVALID_VALUE)
                    MACE_OPENCL_ERROR(CL_INVALID_CONTEXT) MACE_OPENCL_ERROR(
                        CL_INVALID_COMMAND_QUEUE) MACE_OPENCL_ERROR(CL_INVALID_MEM_OBJECT)
                        MACE_OPENCL_ERROR(CL_INVALID_IMAGE_SIZE) MACE_OPENCL_ERROR(
                            CL_INVALID_BINARY) MACE_OPENCL_ERROR(CL_INVALID_BUILD_OPTIONS)
                            MACE_OPENCL_ERROR(CL_INVALID_PROGRAM_EXECUTABLE) MACE_OPENCL_ERROR(
                                CL_INVALID_KERNEL_NAME) MACE_OPENCL_ERROR(CL_INVALID_ARG_INDEX)
                                MACE_OPENCL_ERROR(CL_INVALID_ARG_VALUE) MACE_OPENCL_ERROR(
                                    CL_INVALID_ARG_SIZE) MACE_OPENCL_ERROR(CL_INVALID_KERNEL_ARGS)
                                    MACE_OPENCL_ERROR(CL_INVALID_WORK_GROUP_SIZE)
                                        MACE_OPENCL_ERROR(CL_INVALID_WORK_ITEM_SIZE)
                                            MACE_OPENCL_ERROR(CL_INVALID_BUFFER_SIZE)
                                                MACE_OPENCL_ERROR(CL_INVALID_GLOBAL_WORK_SIZE)
#undef MACE_OPENCL_ERROR
};

}  // namespace

MaceStatus OpenLibrary(const Library **library) {
  Opened *opened = TheLibrary();
  *library = &opened->library;
  return opened->status;
}

const Library &Cl() { return TheLibrary()->library; }

void *FindExtensionFunction(cl_platform_id platform, const char *name) {
  const Opened *opened = TheLibrary();
  const auto ask = opened->library.clGetExtensionFunctionAddressForPlatform;
  void *function = ask == nullptr ? nullptr : ask(platform, name);
  // Some libraries have them as functions of their own alone.
  return function != nullptr ? function : opened->Find(name);
}

MaceStatus ClStatus(const char *call, cl_int error) {
  if (error == CL_SUCCESS) return MaceStatus::MACE_SUCCESS;
  const char *name = "error";
  for (const Name &known : kErrors) {
    if (known.code == error) name = known.name;
  }
  const bool memory = error == CL_MEM_OBJECT_ALLOCATION_FAILURE || error == CL_OUT_OF_RESOURCES ||
                      error == CL_OUT_OF_HOST_MEMORY || error == CL_INVALID_BUFFER_SIZE;
  const std::string text = MakeString("the GPU driver failed: ", call, " gave ", name, " (", error,
                                      memory ? "), the GPU is out of memory or was reset" : ")");
  return memory ? OutOfResources(text) : RuntimeError(text);
}

bool InjectFailure() {
  static const double ratio = [] {
    const char *text = std::getenv("MACE_RUNTIME_FAILURE_RATIO");
    if (text == nullptr || *text == 0) return 0.0;
    char *end = nullptr;
    const double wanted = std::strtod(text, &end);
    if (*end == 0 && wanted >= 0 && wanted <= 1) return wanted;
    LOG(WARNING) << "no failures are made up: MACE_RUNTIME_FAILURE_RATIO is '" << text
                 << "' and not a number from 0 to 1";
    return 0.0;
  }();
  if (ratio <= 0) return false;
  // A stride through the unit interval that is even and repeats for no one; no random device.
  static std::atomic<uint32_t> state{1};
  const uint32_t draw = state.fetch_add(0x9e3779b9u) ^ 0x5bd1e995u;
  return draw * (1.0 / 4294967296.0) < ratio;
}

}  // namespace opencl
}  // namespace mace
