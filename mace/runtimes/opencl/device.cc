// SPDX-License-Identifier: Apache-2.0
// One OpenCL device with its context.
#include "mace/runtimes/opencl/device.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "mace/base/checked.h"
#include "mace/base/logging.h"

namespace mace {
namespace opencl {

namespace {

// Of cl_ext_qcom_perf_hint and cl_ext_qcom_priority_hint, which not all headers have.
constexpr cl_context_properties kQcomPerfHint = 0x40C2, kQcomPriorityHint = 0x40C9;
// Of cl_nv_device_attribute_query.
constexpr cl_device_info kNvidiaMajor = 0x4000;
constexpr cl_context_properties kQcomPerf[] = {0, 0x40C5, 0x40C4, 0x40C3};
constexpr cl_context_properties kQcomPriority[] = {0, 0x40CC, 0x40CB, 0x40CA};
// Of cl_khr_priority_hints.
constexpr cl_queue_properties kKhrPriority = 0x1096, kKhrPriorities[] = {0, 1 << 2, 1 << 1, 1 << 0};

template <typename Object, typename Info>
std::string Text(cl_int (*ask)(Object, Info, size_t, void *, size_t *), Object object, Info what) {
  size_t size = 0;
  if (ask(object, what, 0, nullptr, &size) != CL_SUCCESS || size == 0 || size > 65536) return "";
  std::string text(size, 0);
  if (ask(object, what, size, &text[0], nullptr) != CL_SUCCESS) return "";
  return text.c_str();  // without what follows the terminator
}

template <typename T>
T Number(cl_device_id device, cl_device_info what, T otherwise) {
  T value = otherwise;
  return Cl().clGetDeviceInfo(device, what, sizeof(value), &value, nullptr) == CL_SUCCESS
             ? value
             : otherwise;
}

bool Contains(const std::string &text, const char *part) {
  return text.find(part) != std::string::npos;
}

GpuFamily FamilyOf(const std::string &platform, const std::string &vendor,
                   const std::string &device) {
  if (Contains(platform, "Portable Computing Language")) return GpuFamily::kPocl;
  if (Contains(device, "Adreno") || Contains(vendor, "QUALCOMM")) return GpuFamily::kAdreno;
  if (Contains(device, "Mali") || Contains(device, "Immortalis")) return GpuFamily::kMali;
  if (Contains(device, "PowerVR") || Contains(vendor, "Imagination")) return GpuFamily::kPowerVR;
  if (Contains(vendor, "NVIDIA")) return GpuFamily::kNvidia;
  if (Contains(vendor, "Advanced Micro Devices") || Contains(vendor, "AMD")) return GpuFamily::kAmd;
  if (Contains(vendor, "Intel")) return GpuFamily::kIntel;
  return GpuFamily::kUnknown;
}

struct Found {
  cl_platform_id platform;
  cl_device_id device;
  std::string platform_name, device_name;
};

std::vector<Found> FindDevices() {
  cl_platform_id platforms[16];
  cl_uint platform_count = 0;
  if (Cl().clGetPlatformIDs(16, platforms, &platform_count) != CL_SUCCESS) return {};
  std::vector<Found> found;
  for (cl_uint p = 0; p < std::min<cl_uint>(platform_count, 16); ++p) {
    cl_device_id devices[16];
    cl_uint device_count = 0;
    if (Cl().clGetDeviceIDs(platforms[p], CL_DEVICE_TYPE_ALL, 16, devices, &device_count) !=
        CL_SUCCESS) {
      continue;
    }
    const std::string platform =
        Text(Cl().clGetPlatformInfo, platforms[p], cl_uint{CL_PLATFORM_NAME});
    for (cl_uint d = 0; d < std::min<cl_uint>(device_count, 16); ++d) {
      found.push_back({platforms[p], devices[d], platform,
                       Text(Cl().clGetDeviceInfo, devices[d], cl_uint{CL_DEVICE_NAME})});
    }
  }
  return found;
}

}  // namespace

GpuCapabilities TypicalCapabilities() {
  GpuCapabilities typical;
  typical.compute_units = 4;
  typical.max_work_group = 256;
  typical.max_work_items = {256, 256, 256};
  typical.unified_memory = true;
  return typical;
}

MaceStatus Device::Choose(std::string *platform_name) {
  const char *wanted = std::getenv("MACE_OPENCL_DEVICE");
  if (wanted != nullptr && wanted[0] == 0) wanted = nullptr;
  const std::vector<Found> all = FindDevices();
  std::string names;
  for (const Found &found : all) {
    const std::string name = found.platform_name + " " + found.device_name;
    names += (names.empty() ? "'" : ", '") + name + "'";
    const bool gpu = (Number<cl_device_type>(found.device, CL_DEVICE_TYPE, 0) &
                      (CL_DEVICE_TYPE_GPU | CL_DEVICE_TYPE_ACCELERATOR)) != 0;
    if (wanted == nullptr ? !gpu : !Contains(name, wanted)) continue;
    platform_ = found.platform;
    id_ = found.device;
    name_ = found.device_name;
    *platform_name = found.platform_name;
    return MaceStatus::MACE_SUCCESS;
  }
  if (all.empty()) return Unsupported("the OpenCL library offers no device; choose the device CPU");
  if (wanted != nullptr) {
    return Unsupported("no OpenCL device is called like MACE_OPENCL_DEVICE='", wanted,
                       "'; there are ", names);
  }
  return Unsupported("none of the OpenCL devices is a GPU: ", names,
                     "; one of them is used when MACE_OPENCL_DEVICE is set to a part of its name");
}

void Device::AskCapabilities(const std::string &platform_name) {
  GpuCapabilities *to = &capabilities_;
  const std::string vendor = Text(Cl().clGetDeviceInfo, id_, cl_uint{CL_DEVICE_VENDOR});
  const std::string driver = Text(Cl().clGetDeviceInfo, id_, cl_uint{CL_DRIVER_VERSION});
  const std::string version = Text(Cl().clGetDeviceInfo, id_, cl_uint{CL_DEVICE_VERSION});
  extensions_ = Text(Cl().clGetDeviceInfo, id_, cl_uint{CL_DEVICE_EXTENSIONS});
  int major = 1, minor = 0;
  if (std::sscanf(version.c_str(), "OpenCL %d.%d", &major, &minor) == 2) {
    version_ = major * 100 + minor;
  }
  identity_ = platform_name + "|" + vendor + "|" + name_ + "|" + version + "|" + driver;
  to->family = FamilyOf(platform_name, vendor, name_);
  to->compute_units =
      static_cast<int>(std::max<cl_uint>(1, Number<cl_uint>(id_, CL_DEVICE_MAX_COMPUTE_UNITS, 1)));
  to->max_work_group = static_cast<int64_t>(Number<size_t>(id_, CL_DEVICE_MAX_WORK_GROUP_SIZE, 64));
  size_t items[16] = {64, 64, 64};
  Cl().clGetDeviceInfo(id_, CL_DEVICE_MAX_WORK_ITEM_SIZES, sizeof(items), items, nullptr);
  for (size_t d = 0; d < 3; ++d) to->max_work_items[d] = static_cast<int64_t>(items[d]);
  to->local_memory = static_cast<int64_t>(Number<cl_ulong>(id_, CL_DEVICE_LOCAL_MEM_SIZE, 16384));
  to->max_allocation = static_cast<int64_t>(std::min<cl_ulong>(
      Number<cl_ulong>(id_, CL_DEVICE_MAX_MEM_ALLOC_SIZE, cl_ulong{128} << 20), INT64_MAX));
  to->images = Number<cl_bool>(id_, CL_DEVICE_IMAGE_SUPPORT, CL_FALSE) == CL_TRUE;
  to->image_width = static_cast<int64_t>(Number<size_t>(id_, CL_DEVICE_IMAGE2D_MAX_WIDTH, 0));
  to->image_height = static_cast<int64_t>(Number<size_t>(id_, CL_DEVICE_IMAGE2D_MAX_HEIGHT, 0));
  to->fp16 = Contains(extensions_, "cl_khr_fp16");
  to->unified_memory = Number<cl_bool>(id_, CL_DEVICE_HOST_UNIFIED_MEMORY, CL_FALSE) == CL_TRUE;
  // The driver says it in bits.
  const size_t bits = Number<cl_uint>(id_, CL_DEVICE_MEM_BASE_ADDR_ALIGN, 1024);
  while (alignment_ * 8 < bits && alignment_ < 65536) alignment_ *= 2;
}

void Device::FindQuirks() {
  GpuCapabilities *to = &capabilities_;
  if (to->family == GpuFamily::kNvidia) {
    // write_imagef to CL_HALF_FLOAT rounds towards zero, ten times the error of rounding.
    to->half_image_truncates = true;
    to->matrix_halves = Number<cl_uint>(id_, kNvidiaMajor, 0) >= 8;
  }
  if (to->family == GpuFamily::kPocl) {
    // Its loop over the work-items mixes up private state that lives across a barrier in a loop.
    to->unsafe_barriers = true;
    // It offers 16384 and more items, which all go through one loop on one core.
    to->max_work_group = std::min<int64_t>(to->max_work_group, 256);
  }
  if (to->family == GpuFamily::kMali) {
    // More than 256 items need more registers than there are for kernels of these sizes.
    to->max_work_group = std::min<int64_t>(to->max_work_group, 256);
  }
}

MaceStatus Device::Open(const DeviceHints &hints, std::shared_ptr<Device> *device) {
  const Library *library = nullptr;
  MACE_RETURN_IF_ERROR(OpenLibrary(&library));
  if (InjectFailure()) return ClStatus("clCreateContext", CL_OUT_OF_RESOURCES);
  auto made = std::make_shared<Device>();
  std::string platform_name;
  MACE_RETURN_IF_ERROR(made->Choose(&platform_name));
  made->AskCapabilities(platform_name);
  made->FindQuirks();
  made->hints_ = hints;
  MACE_RETURN_IF_ERROR(made->NewContext());
  VLOG(1) << "OpenCL device " << made->identity_;
  *device = std::move(made);
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus Device::NewContext() {
  std::vector<cl_context_properties> properties = {
      CL_CONTEXT_PLATFORM, reinterpret_cast<cl_context_properties>(platform_)};
  const size_t without_hints = properties.size();
  if (hints_.perf > 0 && hints_.perf < 4 && Contains(extensions_, "cl_qcom_perf_hint")) {
    properties.insert(properties.end(), {kQcomPerfHint, kQcomPerf[hints_.perf]});
  }
  if (hints_.priority > 0 && hints_.priority < 4 &&
      Contains(extensions_, "cl_qcom_priority_hint")) {
    properties.insert(properties.end(), {kQcomPriorityHint, kQcomPriority[hints_.priority]});
  }
  cl_int error = CL_SUCCESS;
  const auto create = [&] {
    properties.push_back(0);
    context_ =
        ContextHandle(Cl().clCreateContext(properties.data(), 1, &id_, nullptr, nullptr, &error));
  };
  create();
  if (error != CL_SUCCESS && properties.size() > without_hints + 1) {
    VLOG(1) << "the GPU driver takes no hints: clCreateContext gave " << error;
    properties.resize(without_hints);
    create();
  }
  return ClStatus("clCreateContext", error);
}

MaceStatus Device::NewQueue(QueueHandle *queue) const {
  cl_int error = CL_SUCCESS;
  const auto create = Cl().clCreateCommandQueueWithProperties;
  // A loader has the function for drivers that do not, and would call nothing.
  if (hints_.priority > 0 && hints_.priority < 4 && create != nullptr && version_ >= 200 &&
      Contains(extensions_, "cl_khr_priority_hints")) {
    const cl_queue_properties properties[] = {CL_QUEUE_PROPERTIES, CL_QUEUE_PROFILING_ENABLE,
                                              kKhrPriority, kKhrPriorities[hints_.priority], 0};
    *queue = QueueHandle(create(context_.get(), id_, properties, &error));
    if (error == CL_SUCCESS) return MaceStatus::MACE_SUCCESS;
    VLOG(1) << "the GPU driver takes no priority: clCreateCommandQueueWithProperties gave "
            << error;
  }
  *queue = QueueHandle(
      Cl().clCreateCommandQueue(context_.get(), id_, CL_QUEUE_PROFILING_ENABLE, &error));
  return ClStatus("clCreateCommandQueue", error);
}

MaceStatus Device::NewBuffer(size_t bytes, MemoryHandle *buffer) const {
  cl_int error = CL_SUCCESS;
  if (bytes > static_cast<uint64_t>(capabilities_.max_allocation)) {
    return OutOfResources("a buffer of ", bytes, " bytes is more than the ",
                          capabilities_.max_allocation, " that the GPU allows");
  }
  if (InjectFailure()) return ClStatus("clCreateBuffer", CL_MEM_OBJECT_ALLOCATION_FAILURE);
  // Where memory is shared, the host's mapping is then the memory itself.
  const cl_mem_flags flags =
      CL_MEM_READ_WRITE | (capabilities_.unified_memory ? CL_MEM_ALLOC_HOST_PTR : 0);
  *buffer = MemoryHandle(Cl().clCreateBuffer(context_.get(), flags, bytes, nullptr, &error));
  return ClStatus("clCreateBuffer", error);
}

MaceStatus Device::NewImage(bool half, size_t width, size_t height, MemoryHandle *image) const {
  const cl_image_format format = {CL_RGBA,
                                  static_cast<cl_channel_type>(half ? CL_HALF_FLOAT : CL_FLOAT)};
  cl_int error = CL_SUCCESS;
  if (InjectFailure()) return ClStatus("clCreateImage2D", CL_MEM_OBJECT_ALLOCATION_FAILURE);
  *image = MemoryHandle(Cl().clCreateImage2D(context_.get(), CL_MEM_READ_WRITE, &format, width,
                                             height, 0, nullptr, &error));
  return ClStatus("clCreateImage2D", error);
}

}  // namespace opencl
}  // namespace mace
