// SPDX-License-Identifier: Apache-2.0
// A family whose instruction sets each give a table of functions: what its list has of each.
#ifndef MACE_KERNELS_FUNCTION_KERNEL_H_
#define MACE_KERNELS_FUNCTION_KERNEL_H_

#include "mace/base/isa.h"
#include "mace/kernels/kernel.h"

namespace mace {
namespace kernels {

template <typename Functions>
struct FunctionKernel {
  const char *name;
  Isa isa;
  const Functions *functions;
};

// The list of a family whose table (function_table.inc) is seen whole.
template <typename Kernel, int n>
KernelList<Kernel> ListOf(const Kernel (&table)[n]) {
  return {table, n};
}

}  // namespace kernels
}  // namespace mace

#endif  // MACE_KERNELS_FUNCTION_KERNEL_H_
