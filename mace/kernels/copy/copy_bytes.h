// SPDX-License-Identifier: Apache-2.0
// Copies that need no plan.
#ifndef MACE_KERNELS_COPY_COPY_BYTES_H_
#define MACE_KERNELS_COPY_COPY_BYTES_H_

#include <cstddef>
#include <cstdint>

namespace mace {
namespace kernels {

struct CopyBlock;

// memcpy for operators.
void CopyBytes(void *dst, const void *src, size_t bytes);

// Copies a block without a kernel that transposes.
void CopyBlocks(const CopyBlock &block, const uint8_t *src, uint8_t *dst);

}  // namespace kernels
}  // namespace mace

#endif  // MACE_KERNELS_COPY_COPY_BYTES_H_
