// SPDX-License-Identifier: Apache-2.0
// Checks every index of every kernel (cl/ranges.cl) when MACE_OUT_OF_RANGE_CHECK is set: a run that
// reads or writes outside of what it was given fails with the kernel's name. For tests and new
// drivers; several times slower, and kernels are compiled for it apart.
#ifndef MACE_RUNTIMES_OPENCL_RANGE_CHECK_H_
#define MACE_RUNTIMES_OPENCL_RANGE_CHECK_H_

#include <string>
#include <vector>

#include "mace/runtimes/opencl/context.h"

namespace mace {
namespace opencl {

class RangeCheck {
 public:
  // Whether indices are checked in this process.
  static bool Wanted();
  // The source that is put in front of every other one.
  static const char *Source();

  MaceStatus Init(Context *context);
  // The first argument of a kernel, to which its others are shifted.
  MaceStatus Bind(cl_kernel kernel) const;
  // Before a launch: which buffers it may use.
  MaceStatus Allow(cl_command_queue queue, const std::vector<cl_mem> &buffers) const;
  // After it: waits, and fails if it used others.
  MaceStatus Verify(cl_command_queue queue, const std::string &kernel) const;

 private:
  MemoryHandle ranges_;
  KernelHandle set_range_;
};

}  // namespace opencl
}  // namespace mace

#endif  // MACE_RUNTIMES_OPENCL_RANGE_CHECK_H_
