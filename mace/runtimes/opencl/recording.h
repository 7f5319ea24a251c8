// SPDX-License-Identifier: Apache-2.0
// Kernels that the driver keeps as a list and executes by one call, which takes the host less time
// than to enqueue each: cl_khr_command_buffer, or cl_qcom_recordable_queues of Adreno.
#ifndef MACE_RUNTIMES_OPENCL_RECORDING_H_
#define MACE_RUNTIMES_OPENCL_RECORDING_H_

#include <memory>

#include "mace/runtimes/opencl/device.h"

namespace mace {
namespace opencl {

class Recording {
 public:
  virtual ~Recording() = default;
  // Whether it is worth it on this device; MACE_OPENCL_RECORD (0 or 1) decides otherwise.
  static bool PaysOff(const Device &device);
  // For kernels on an in-order queue, which outlives it. Null where the device offers no such list
  // or refuses to begin one.
  static std::unique_ptr<Recording> New(const Device &device, cl_command_queue queue);

  // The kernel with its arguments as they are now; sizes as for clEnqueueNDRangeKernel.
  virtual cl_int Add(cl_kernel kernel, cl_uint dimensions, const size_t *global,
                     const size_t *local) = 0;
  // Ends the list: nothing is added afterwards.
  virtual cl_int Finish() = 0;
  // Enqueues all of it. The last one must have been executed.
  virtual cl_int Replay() = 0;
};

}  // namespace opencl
}  // namespace mace

#endif  // MACE_RUNTIMES_OPENCL_RECORDING_H_
