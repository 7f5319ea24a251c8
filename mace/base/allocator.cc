// SPDX-License-Identifier: Apache-2.0
// Where large blocks come from.
#include "mace/base/allocator.h"

#include <stdlib.h>
#include <sys/mman.h>

#include <atomic>

#include "mace/base/checked.h"

namespace mace {

namespace {

std::atomic<AllocationHook> allocation_hook{nullptr};

// From a few of these on, address translation costs more than the memory lost by rounding up.
constexpr size_t kHugePage = size_t{2} << 20;

}  // namespace

void *AllocateAligned(size_t bytes) {
  if (bytes == 0 || bytes > SIZE_MAX - kHugePage) return nullptr;
  const AllocationHook hook = allocation_hook.load(std::memory_order_relaxed);
  if (hook != nullptr && !hook(bytes)) return nullptr;
  void *memory = nullptr;
  if (bytes >= 2 * kHugePage) {
    bytes = AlignUp(bytes, kHugePage);
    if (posix_memalign(&memory, kHugePage, bytes) != 0) return nullptr;
#ifdef MADV_HUGEPAGE
    // Advice: where the system has no huge pages nothing changes.
    (void)madvise(memory, bytes, MADV_HUGEPAGE);
#endif
    return memory;
  }
  if (posix_memalign(&memory, kMemoryAlignment, AlignUp(bytes, kMemoryAlignment)) != 0) {
    return nullptr;
  }
  return memory;
}

void FreeAligned(void *memory) { free(memory); }

void SetAllocationHook(AllocationHook hook) { allocation_hook.store(hook); }

}  // namespace mace
