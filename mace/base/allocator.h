// SPDX-License-Identifier: Apache-2.0
// Where large blocks come from: arenas and packed weights. One place, so that tests can make it
// fail and count what it gives out.
#ifndef MACE_BASE_ALLOCATOR_H_
#define MACE_BASE_ALLOCATOR_H_

#include <cstddef>

namespace mace {

constexpr size_t kMemoryAlignment = 64;

// Uninitialized memory aligned to kMemoryAlignment (large blocks: to huge pages, which are asked
// for), or null. Freed with FreeAligned. bytes of 0 gives null.
void *AllocateAligned(size_t bytes);
void FreeAligned(void *memory);

// The same for memory that is kept as long as its engine, many blocks of it: what is smaller than a
// few huge pages shares some with others of its kind. Freed with the same `bytes`; a slab goes back
// to the system when all its blocks are freed. Safe in all threads.
void *AllocateKept(size_t bytes);
void FreeKept(void *memory, size_t bytes);

// For tests: called before each allocation; false makes it fail. Null, the default: never fails.
using AllocationHook = bool (*)(size_t bytes);
void SetAllocationHook(AllocationHook hook);

}  // namespace mace

#endif  // MACE_BASE_ALLOCATOR_H_
