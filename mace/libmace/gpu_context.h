// SPDX-License-Identifier: Apache-2.0
// What GPUContextBuilder collects. The OpenCL runtime is to keep its device here.
#ifndef MACE_LIBMACE_GPU_CONTEXT_H_
#define MACE_LIBMACE_GPU_CONTEXT_H_

#include <string>
#include <vector>

namespace mace {

class GPUContext {
 public:
  std::string storage_path;
  std::vector<std::string> opencl_binary_paths;
  std::string opencl_parameter_path;
};

}  // namespace mace

#endif  // MACE_LIBMACE_GPU_CONTEXT_H_
