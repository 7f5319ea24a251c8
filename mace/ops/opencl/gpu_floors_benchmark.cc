// SPDX-License-Identifier: Apache-2.0
// What no kernel of ours can be faster than on this GPU: the cost of an enqueue and of a launch,
// the rate of multiply-adds and of memory, and what these come to for networks given as
// NAME,KERNELS,MILLIONS_OF_MULTIPLY_ADDS,MEGABYTES. A network of as many empty kernels, with input
// (602 KB through pinned memory) and output, is measured, the rest is computed.
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <vector>

#include "mace/ops/opencl/gpu_benchmark_util.h"

namespace {

using mace::opencl::Check;
using mace::opencl::Now;

constexpr char kSource[] = R"(
__kernel void nothing(__global float *x) { if (get_global_id(0) > 1000000) x[0] = 1; }
__kernel void spin(__global float *x, int n) {
  float a = get_global_id(0);
  for (int i = 0; i < n; ++i) a = mad(a, 0.999f, 0.5f);
  if (a == 12345.0f) x[0] = a;
}
__kernel void arithmetic(__global float *x, int n) {
  float4 a = (float4)(1, 2, 3, 4) * get_global_id(0), b = a + 1, c = a + 2, d = a + 3;
  for (int i = 0; i < n; ++i) {
    a = mad(a, 0.999f, 0.5f);
    b = mad(b, 0.999f, 0.5f);
    c = mad(c, 0.999f, 0.5f);
    d = mad(d, 0.999f, 0.5f);
  }
  a += b + c + d;
  if (a.x + a.y + a.z + a.w == 12345.0f) x[0] = 1;
}
__kernel void copy(__global float4 *from, __global float4 *to) {
  to[get_global_id(0)] = from[get_global_id(0)];
}
)";

double Median(std::vector<double> *times) {
  std::nth_element(times->begin(), times->begin() + static_cast<long>(times->size() / 2),
                   times->end());
  return (*times)[times->size() / 2];
}

class Floors {
 public:
  Floors() {
    cl_platform_id platforms[8];
    cl_uint count = 0;
    Check(clGetPlatformIDs(8, platforms, &count), "clGetPlatformIDs");
    for (const cl_device_type type :
         {cl_device_type{CL_DEVICE_TYPE_GPU}, cl_device_type{CL_DEVICE_TYPE_ALL}}) {
      for (cl_uint i = 0; i < count && device_ == nullptr; ++i) {
        clGetDeviceIDs(platforms[i], type, 1, &device_, nullptr);
      }
    }
    if (device_ == nullptr) Check(CL_DEVICE_NOT_FOUND, "clGetDeviceIDs");
    cl_int error = 0;
    context_ = clCreateContext(nullptr, 1, &device_, nullptr, nullptr, &error);
    Check(error, "clCreateContext");
    queue_ = clCreateCommandQueue(context_, device_, CL_QUEUE_PROFILING_ENABLE, &error);
    Check(error, "clCreateCommandQueue");
    const char *source = kSource;
    program_ = clCreateProgramWithSource(context_, 1, &source, nullptr, &error);
    Check(clBuildProgram(program_, 1, &device_, "-cl-mad-enable", nullptr, nullptr), "build");
    a_ = Buffer(kBytes, CL_MEM_READ_WRITE);
    b_ = Buffer(kBytes, CL_MEM_READ_WRITE);
    nothing_ = Kernel("nothing");
    spin_ = Kernel("spin");
    arithmetic_ = Kernel("arithmetic");
    copy_ = Kernel("copy");
    Check(clSetKernelArg(copy_, 1, sizeof(b_), &b_), "clSetKernelArg");
    pinned_ = Buffer(kInput, CL_MEM_READ_WRITE | CL_MEM_ALLOC_HOST_PTR);
    mapped_ = clEnqueueMapBuffer(queue_, pinned_, CL_TRUE, CL_MAP_READ | CL_MAP_WRITE, 0, kInput, 0,
                                 nullptr, nullptr, &error);
    Check(error, "clEnqueueMapBuffer");
  }

  // Microseconds of the host for an enqueue, and of the GPU from one launch to the next.
  double Enqueue() {
    constexpr int kCount = 500;
    std::vector<double> times;
    for (int t = 0; t < 20; ++t) {
      const double begin = Now();
      for (int i = 0; i < kCount; ++i) Launch(nothing_, 64, nullptr);
      times.push_back((Now() - begin) / kCount);
      Finish();
    }
    return Median(&times);
  }
  double LaunchOnGpu() {
    // Behind a kernel that is long enough for the host to be ahead.
    constexpr int kCount = 200;
    std::vector<double> times;
    for (int t = 0; t < 10; ++t) {
      cl_event events[2];
      SetCount(spin_, 4000000);
      Launch(spin_, 64, &events[0]);
      for (int i = 0; i < kCount; ++i) Launch(nothing_, 64, i + 1 < kCount ? nullptr : &events[1]);
      Finish();
      times.push_back(Between(events[0], events[1]) / kCount);
    }
    return Median(&times);
  }
  // Multiply-adds a microsecond.
  double Arithmetic() {
    constexpr int kRounds = 4000;
    constexpr size_t kThreads = size_t{1} << 19;
    SetCount(arithmetic_, kRounds);
    return 16.0 * kRounds * kThreads / GpuTime(arithmetic_, kThreads);
  }
  // Bytes a microsecond, read and written, of more than stays in a cache.
  double Copy(size_t bytes) { return 2 * static_cast<double>(bytes) / GpuTime(copy_, bytes / 16); }
  // Milliseconds of so many empty kernels with input and output.
  double Network(int kernels) {
    std::vector<char> input(kInput), output(4000);
    std::vector<double> times;
    for (int t = 0; t < 220; ++t) {
      const double begin = Now();
      std::memcpy(mapped_, input.data(), kInput);
      Check(clEnqueueWriteBuffer(queue_, a_, CL_FALSE, 0, kInput, mapped_, 0, nullptr, nullptr),
            "clEnqueueWriteBuffer");
      for (int i = 0; i < kernels; ++i) Launch(nothing_, 64, nullptr);
      Check(clEnqueueReadBuffer(queue_, a_, CL_TRUE, 0, 4000, mapped_, 0, nullptr, nullptr),
            "clEnqueueReadBuffer");
      std::memcpy(output.data(), mapped_, 4000);
      if (t >= 20) times.push_back((Now() - begin) * 1e-3);
    }
    return Median(&times);
  }

 private:
  static constexpr size_t kBytes = size_t{256} << 20, kInput = 224 * 224 * 3 * 4;

  cl_mem Buffer(size_t bytes, cl_mem_flags flags) {
    cl_int error = 0;
    cl_mem buffer = clCreateBuffer(context_, flags, bytes, nullptr, &error);
    Check(error, "clCreateBuffer");
    return buffer;
  }
  cl_kernel Kernel(const char *name) {
    cl_int error = 0;
    cl_kernel kernel = clCreateKernel(program_, name, &error);
    Check(error, name);
    Check(clSetKernelArg(kernel, 0, sizeof(a_), &a_), "clSetKernelArg");
    return kernel;
  }
  void SetCount(cl_kernel kernel, cl_int count) {
    Check(clSetKernelArg(kernel, 1, sizeof(count), &count), "clSetKernelArg");
  }
  void Launch(cl_kernel kernel, size_t threads, cl_event *event) {
    const size_t local = std::min<size_t>(threads, 256);
    Check(clEnqueueNDRangeKernel(queue_, kernel, 1, nullptr, &threads, &local, 0, nullptr, event),
          "clEnqueueNDRangeKernel");
  }
  void Finish() { Check(clFinish(queue_), "clFinish"); }
  // From the end of one to the end of the other; releases both.
  static double Between(cl_event from, cl_event to) {
    cl_ulong begin = 0, end = 0;
    clGetEventProfilingInfo(from, CL_PROFILING_COMMAND_END, sizeof(begin), &begin, nullptr);
    clGetEventProfilingInfo(to, CL_PROFILING_COMMAND_END, sizeof(end), &end, nullptr);
    clReleaseEvent(from);
    clReleaseEvent(to);
    return static_cast<double>(end - begin) * 1e-3;
  }
  // Of one launch among ten.
  double GpuTime(cl_kernel kernel, size_t threads) {
    std::vector<double> times;
    for (int t = 0; t < 5; ++t) {
      cl_event events[2];
      Launch(kernel, threads, &events[0]);
      for (int i = 0; i < 10; ++i) Launch(kernel, threads, i < 9 ? nullptr : &events[1]);
      Finish();
      times.push_back(Between(events[0], events[1]) / 10);
    }
    return Median(&times);
  }

  cl_device_id device_ = nullptr;
  cl_context context_ = nullptr;
  cl_command_queue queue_ = nullptr;
  cl_program program_ = nullptr;
  cl_kernel nothing_ = nullptr, spin_ = nullptr, arithmetic_ = nullptr, copy_ = nullptr;
  cl_mem a_ = nullptr, b_ = nullptr, pinned_ = nullptr;
  void *mapped_ = nullptr;
};

}  // namespace

int main(int argc, char **argv) {
  Floors floors;
  const double enqueue = floors.Enqueue(), launch = floors.LaunchOnGpu();
  const double rate = floors.Arithmetic();
  const double memory = floors.Copy(size_t{256} << 20);
  printf(
      "enqueue %.2f us of the host, launch %.2f us of the GPU, %.1f million multiply-adds a us, "
      "memory %.2f MB a us\n",
      enqueue, launch, rate * 1e-6, memory * 1e-6);
  printf(
      "| network | kernels | empty kernels, input and output, ms | launches on the GPU, us | "
      "arithmetic, us | memory, us |\n| --- | --- | --- | --- | --- | --- |\n");
  for (int i = 1; i < argc; ++i) {
    char name[64] = "";
    int kernels = 0;
    double million = 0, megabytes = 0;
    if (sscanf(argv[i], "%63[^,],%d,%lf,%lf", name, &kernels, &million, &megabytes) != 4 ||
        kernels < 0 || kernels > 100000) {
      fprintf(stderr, "'%s' is not NAME,KERNELS,MILLIONS_OF_MULTIPLY_ADDS,MEGABYTES\n", argv[i]);
      return 1;
    }
    printf("| %s | %d | %.3f | %.0f | %.0f | %.0f |\n", name, kernels, floors.Network(kernels),
           launch * kernels, million * 1e6 / rate, megabytes * 1e6 / memory);
  }
  return 0;
}
