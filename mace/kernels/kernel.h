// SPDX-License-Identifier: Apache-2.0
// What all families of kernels share: the list that a family keeps of its kernels, made from its
// kernels.inc, and how one of them is chosen. Tests and benchmarks walk the same list.
#ifndef MACE_KERNELS_KERNEL_H_
#define MACE_KERNELS_KERNEL_H_

#include <cstdint>

#include "mace/base/isa.h"

namespace mace {
namespace kernels {

// The kernels of one family, best first; the last one is the reference, which runs everywhere.
// `Kernel` has members `const char *name` and `Isa isa`.
template <typename Kernel>
struct KernelList {
  const Kernel *kernels;
  int count;

  const Kernel *begin() const { return kernels; }
  const Kernel *end() const { return kernels + count; }

  // The first kernel whose instruction set is among `isas` (bits of Isa) and that `fits`.
  template <typename Fits>
  const Kernel &Best(uint32_t isas, Fits fits) const {
    for (int i = 0; i < count - 1; ++i) {
      if ((kernels[i].isa & isas) != 0 && fits(kernels[i])) return kernels[i];
    }
    return kernels[count - 1];
  }
  const Kernel &Best(uint32_t isas) const {
    return Best(isas, [](const Kernel &) { return true; });
  }
};

}  // namespace kernels
}  // namespace mace

#endif  // MACE_KERNELS_KERNEL_H_
