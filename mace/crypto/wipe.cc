// SPDX-License-Identifier: Apache-2.0
// Overwriting of secrets.
#include "mace/crypto/wipe.h"

#include <cstring>

namespace mace {

void WipeMemory(void *memory, size_t size) {
  if (size == 0) return;
  std::memset(memory, 0, size);
  // The compiler must take the memory for read.
  __asm__ __volatile__("" : : "r"(memory) : "memory");
}

}  // namespace mace
