// SPDX-License-Identifier: Apache-2.0
// Runs one operator of a test on an OpenCL device and compares with what the CPU gave. Buffers end
// where a forbidden page begins, so that a kernel that reads past a tensor stops the test.
#ifndef MACE_OPS_OPENCL_GPU_TEST_UTIL_H_
#define MACE_OPS_OPENCL_GPU_TEST_UTIL_H_

#include <memory>
#include <string>
#include <vector>

#include "mace/ops/ops_test_util.h"
#include "mace/runtimes/opencl/launch.h"

namespace mace {
namespace opencl {
namespace test {

struct GpuRun {
  MemoryKind memory = MemoryKind::kBuffer;
  bool half = false;
  GpuFamily family = GpuFamily::kPocl;  // whose rules choose kernels
  std::string variant{};
  bool parts = false;            // kernels are launched in three parts where they may be
  bool half_arithmetic = false;  // with half, and a device that has it
};

// What a builder is given for the operator of a test; `net` and `def` must outlive it.
class TestContext {
 public:
  TestContext(const ops::test::OpsTestNet &net, const OperatorDef &def, const GpuRun &run);
  GpuOpContext context;

 private:
  std::vector<ops::test::TestTensor> kept_;
  std::vector<std::unique_ptr<Tensor>> constants_;
};

// The device's capabilities as builders see them, with the rules of `family`.
const GpuCapabilities &TestDevice(GpuFamily family);
// False without an OpenCL device: the test has nothing to run on.
bool HasDevice();
// Whether it computes in half (cl_khr_fp16).
bool HasHalfArithmetic();

// Whether the kernels check every index, as MACE_OUT_OF_RANGE_CHECK in the environment wants; any
// that is wrong is then a test failure.
bool ChecksRanges();
// How many are found in a launch over more elements than there are: three are read and three
// written for each of two pixels.
uint32_t WrongIndices();

// Runs the operator of `net`, whose RunOp succeeded. Differences, and kernels that do not compile,
// are test failures; a refusal by Supports is one unless `refusal` is a part of its message.
void ExpectSameOnGpu(const ops::test::OpsTestNet &net, const OperatorDef &def, const GpuRun &run,
                     const std::string &refusal = "");

// After RunOp: all memory kinds and float types, as rules for small and large GPUs choose; with
// `few` two of them, for the many kinds of one kernel.
void ExpectSameOnGpu(ops::test::OpsTestNet *net, bool few = false);

}  // namespace test
}  // namespace opencl
}  // namespace mace

#endif  // MACE_OPS_OPENCL_GPU_TEST_UTIL_H_
