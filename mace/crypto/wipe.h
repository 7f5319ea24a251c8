// SPDX-License-Identifier: Apache-2.0
// Overwriting of secrets.
#ifndef MACE_CRYPTO_WIPE_H_
#define MACE_CRYPTO_WIPE_H_

#include <cstddef>

namespace mace {

// Fills memory with zeros in a way that no compiler leaves out.
void WipeMemory(void *memory, size_t size);

}  // namespace mace

#endif  // MACE_CRYPTO_WIPE_H_
