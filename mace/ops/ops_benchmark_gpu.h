// SPDX-License-Identifier: Apache-2.0
// The cases of ops_benchmark on the GPU: a model of one operator in an engine, and the times that
// the driver gives for its kernels. Builds without the GPU runtime have no such cases.
#ifndef MACE_OPS_OPS_BENCHMARK_GPU_H_
#define MACE_OPS_OPS_BENCHMARK_GPU_H_

#include <cstdint>
#include <memory>
#include <string>

#include "mace/base/status.h"
#include "mace/ops/ops_benchmark_cases.h"

namespace mace {

class GPUContext;

namespace ops {
namespace test {

struct GpuTime {
  int64_t iterations = 0;
  double nanoseconds = 0;  // of the operator's kernels in one round, whole microseconds on average
  int64_t macs = 0;
};

class GpuBenchmark {
 public:
  // Whether this build can.
  static bool IsBuilt();
  // Whether there are kernels for such an operator, at some shapes.
  static bool MayRun(const BenchmarkCase &one);
  // As BenchmarkCase::Name, with the type in which elements are stored.
  static std::string Name(const BenchmarkCase &one, bool half);
  static int64_t InputBytes(const BenchmarkCase &one, bool half) {
    return one.InputBytes() / (half ? 2 : 1);
  }

  // Fails where OpenCL offers no device.
  MaceStatus Open();
  // At least `least` rounds, and until their kernels took `seconds`. Fails with the reason when the
  // CPU would execute the operator.
  MaceStatus Measure(const BenchmarkCase &one, bool half, double seconds, int64_t least,
                     GpuTime *time) const;

 private:
  std::shared_ptr<GPUContext> context_;
};

}  // namespace test
}  // namespace ops
}  // namespace mace

#endif  // MACE_OPS_OPS_BENCHMARK_GPU_H_
