// SPDX-License-Identifier: Apache-2.0
// Prints the system and the instruction set that it was built for; for the tests of the NDK rule.
#include <cstdio>

#if defined(__ARM_NEON)
#include "test/build/isa.h"
#endif

int main() {
#if defined(BUILT_FOR_ANDROID)
  std::printf("android ");
#endif
#if defined(__ARM_NEON)
  std::printf("%s ", mace::Compiled_neon());
#endif
  std::printf("%zu-bit\n", 8 * sizeof(void *));
  return 0;
}
