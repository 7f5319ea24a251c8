// SPDX-License-Identifier: Apache-2.0
// Checks every index of every kernel: see range_check.h.
#include "mace/runtimes/opencl/range_check.h"

#include <cstdlib>
#include <cstring>

namespace mace {
namespace opencl {

namespace {

// Words of 64 bits, as in ranges.cl.
constexpr size_t kFirst = 8, kMost = 32;

}  // namespace

bool RangeCheck::Wanted() {
  static const bool wanted = [] {
    const char *text = std::getenv("MACE_OUT_OF_RANGE_CHECK");
    return text != nullptr && text[0] != 0 && std::strcmp(text, "0") != 0;
  }();
  return wanted;
}

const char *RangeCheck::Source() {
  for (const EmbeddedKernel *kernel = kEmbeddedKernels; kernel->name != nullptr; ++kernel) {
    if (std::strcmp(kernel->name, "ranges") == 0) return kernel->source;
  }
  return "";
}

MaceStatus RangeCheck::Init(Context *context) {
  MACE_RETURN_IF_ERROR(context->device()->NewBuffer((kFirst + 2 * kMost) * 8, &ranges_));
  KernelLaunch launch;
  launch.program = "transform";  // any
  launch.kernel = "set_range";
  MACE_RETURN_IF_ERROR(context->programs()->NewKernel(launch, &set_range_));
  return Bind(set_range_.get());
}

MaceStatus RangeCheck::Bind(cl_kernel kernel) const {
  const cl_mem memory = ranges_.get();
  return ClStatus("clSetKernelArg", Cl().clSetKernelArg(kernel, 0, sizeof(memory), &memory));
}

MaceStatus RangeCheck::Allow(cl_command_queue queue, const std::vector<cl_mem> &buffers) const {
  if (buffers.size() > kMost) return RuntimeError("a kernel has more buffers than are checked");
  // The count of an earlier launch goes, also where there are images alone.
  const cl_ulong zeros[3] = {0, 0, 0};
  MACE_RETURN_IF_ERROR(
      ClStatus("clEnqueueWriteBuffer",
               Cl().clEnqueueWriteBuffer(queue, ranges_.get(), CL_TRUE, 0, sizeof(zeros), zeros, 0,
                                         nullptr, nullptr)));
  for (cl_int number = 0; number < static_cast<cl_int>(buffers.size()); ++number) {
    const cl_mem memory = buffers[static_cast<size_t>(number)];
    size_t size = 0;
    MACE_RETURN_IF_ERROR(
        ClStatus("clGetMemObjectInfo",
                 Cl().clGetMemObjectInfo(memory, CL_MEM_SIZE, sizeof(size), &size, nullptr)));
    const cl_ulong bytes = size;
    const size_t one = 1;
    cl_int error = Cl().clSetKernelArg(set_range_.get(), 1, sizeof(memory), &memory) |
                   Cl().clSetKernelArg(set_range_.get(), 2, sizeof(bytes), &bytes) |
                   Cl().clSetKernelArg(set_range_.get(), 3, sizeof(number), &number);
    if (error == CL_SUCCESS) {
      error = Cl().clEnqueueNDRangeKernel(queue, set_range_.get(), 1, nullptr, &one, &one, 0,
                                          nullptr, nullptr);
    }
    MACE_RETURN_IF_ERROR(ClStatus("clEnqueueNDRangeKernel", error));
  }
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus RangeCheck::Verify(cl_command_queue queue, const std::string &kernel) const {
  cl_ulong words[kFirst + 2 * kMost] = {};
  MACE_RETURN_IF_ERROR(ClStatus(
      "clEnqueueReadBuffer", Cl().clEnqueueReadBuffer(queue, ranges_.get(), CL_TRUE, 0,
                                                      sizeof(words), words, 0, nullptr, nullptr)));
  const cl_uint count = static_cast<cl_uint>(words[0]);
  if (count == 0) return MaceStatus::MACE_SUCCESS;
  if (words[3] == 0) {
    return RuntimeError("kernel '", kernel, "' uses texels outside of an image ", count,
                        " times, first (", static_cast<cl_int>(words[1] >> 32), ", ",
                        static_cast<cl_int>(words[1]), ")");
  }
  // The argument that lies nearest below.
  cl_ulong buffer = 0;
  for (cl_ulong k = 1; k < words[2] && k < kMost; ++k) {
    const cl_ulong begin = words[kFirst + 2 * k], best = words[kFirst + 2 * buffer];
    if (begin <= words[1] && (best > words[1] || begin > best)) buffer = k;
  }
  return RuntimeError(
      "kernel '", kernel, "' uses memory outside of its arguments ", count, " times, first ",
      words[3], " bytes at ", static_cast<int64_t>(words[1] - words[kFirst + 2 * buffer]),
      " of buffer ", buffer, " with ", words[kFirst + 2 * buffer + 1] - words[kFirst + 2 * buffer]);
}

}  // namespace opencl
}  // namespace mace
