// SPDX-License-Identifier: Apache-2.0
// XXH64, the checksum of model files: 64 bits, far faster than the memory it reads.
// Specification: https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md
#ifndef MACE_BASE_HASH_H_
#define MACE_BASE_HASH_H_

#include <cstddef>
#include <cstdint>

namespace mace {

// Detects accidents, not attackers: it is no cryptographic hash.
uint64_t XxHash64(const void *data, size_t size, uint64_t seed = 0);

}  // namespace mace

#endif  // MACE_BASE_HASH_H_
