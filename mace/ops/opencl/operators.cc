// SPDX-License-Identifier: Apache-2.0
// The operators that have a GPU side, by type.
#include "mace/runtimes/opencl/launch.h"

namespace mace {
namespace opencl {

const GpuOperator kGpuOperators[] = {
    {nullptr, nullptr, nullptr, nullptr, false},
};

const GpuOperator *FindGpuOperator(const std::string &type) {
  for (const GpuOperator *op = kGpuOperators; op->type != nullptr; ++op) {
    if (type == op->type) return op;
  }
  return nullptr;
}

}  // namespace opencl
}  // namespace mace
