// SPDX-License-Identifier: Apache-2.0
// Declarations of the kernels of kernels.inc, for their sources. Plain types only: a source that is
// compiled for a wide instruction set must not emit inline functions that others could share.
#ifndef MACE_KERNELS_COPY_KERNELS_H_
#define MACE_KERNELS_COPY_KERNELS_H_

#include "mace/kernels/copy/copy.h"

namespace mace {
namespace kernels {

#define MACE_TRANSPOSE_KERNEL(name, element_bytes, isa) \
  void name(const CopyBlock &block, const uint8_t *src, uint8_t *dst);
#include "mace/kernels/copy/kernels.inc"
#undef MACE_TRANSPOSE_KERNEL

}  // namespace kernels
}  // namespace mace

#endif  // MACE_KERNELS_COPY_KERNELS_H_
