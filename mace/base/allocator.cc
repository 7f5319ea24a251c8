// SPDX-License-Identifier: Apache-2.0
// Where large blocks come from.
#include "mace/base/allocator.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#include <atomic>
#include <mutex>

#include "mace/base/checked.h"

namespace mace {

namespace {

std::atomic<AllocationHook> allocation_hook{nullptr};

// From a few of these on, address translation costs more than the memory lost by rounding up.
constexpr size_t kHugePage = size_t{2} << 20;

// Blocks of at most kLargestKept are cut from slabs one after the other. A slab begins at a
// multiple of its size, so that a block's address tells its slab. The first huge page's worth is
// left to small pages: a small model needs no more, and would pay for all of it.
constexpr size_t kSlab = size_t{16} << 20;
constexpr size_t kLargestKept = 2 * kHugePage;
#if defined(MADV_HUGEPAGE) && defined(__LP64__) && !defined(__SANITIZE_ADDRESS__)
constexpr bool kSlabs = true;
#else
constexpr bool kSlabs = false;
#endif

struct Slab {
  size_t used;
  size_t blocks;
};

struct Slabs {
  std::mutex mutex;
  Slab *current = nullptr;
};

// Never destroyed: engines may be, after it would have been.
Slabs &AllSlabs() {
  static Slabs &slabs = *new Slabs;
  return slabs;
}

Slab *NewSlab() {
  void *memory = nullptr;
  if (posix_memalign(&memory, kSlab, kSlab) != 0) return nullptr;
#ifdef MADV_HUGEPAGE
  (void)madvise(static_cast<char *>(memory) + kHugePage, kSlab - kHugePage, MADV_HUGEPAGE);
#endif
  Slab *slab = static_cast<Slab *>(memory);
  slab->used = kMemoryAlignment;
  slab->blocks = 0;
  return slab;
}

bool Hooked(size_t bytes) {
  const AllocationHook hook = allocation_hook.load(std::memory_order_relaxed);
  return hook != nullptr && !hook(bytes);
}

}  // namespace

void *AllocateAligned(size_t bytes) {
  if (bytes == 0 || bytes > SIZE_MAX - kHugePage) return nullptr;
  if (Hooked(bytes)) return nullptr;
  void *memory = nullptr;
  if (bytes >= 2 * kHugePage) {
    // The last page is a huge one if half of it is used.
    if (bytes % kHugePage >= kHugePage / 2) bytes = AlignUp(bytes, kHugePage);
    if (posix_memalign(&memory, kHugePage, AlignUp(bytes, kMemoryAlignment)) != 0) return nullptr;
#ifdef MADV_HUGEPAGE
    // Advice: where the system has no huge pages nothing changes.
    (void)madvise(memory, bytes / kHugePage * kHugePage, MADV_HUGEPAGE);
#endif
    return memory;
  }
  if (posix_memalign(&memory, kMemoryAlignment, AlignUp(bytes, kMemoryAlignment)) != 0) {
    return nullptr;
  }
  return memory;
}

void FreeAligned(void *memory) { free(memory); }

void *AllocateKept(size_t bytes) {
  if (!kSlabs || bytes == 0 || bytes >= kLargestKept) return AllocateAligned(bytes);
  if (Hooked(bytes)) return nullptr;
  bytes = AlignUp(bytes, kMemoryAlignment);
  Slabs &slabs = AllSlabs();
  const std::lock_guard<std::mutex> lock(slabs.mutex);
  if (slabs.current == nullptr || slabs.current->used + bytes > kSlab) {
    Slab *made = NewSlab();
    if (made == nullptr) return nullptr;
    slabs.current = made;
  }
  Slab *slab = slabs.current;
  void *memory = reinterpret_cast<char *>(slab) + slab->used;
  slab->used += bytes;
  ++slab->blocks;
  return memory;
}

void FreeKept(void *memory, size_t bytes) {
  if (!kSlabs || bytes == 0 || bytes >= kLargestKept) return FreeAligned(memory);
  if (memory == nullptr) return;
  Slab *slab = reinterpret_cast<Slab *>(reinterpret_cast<uintptr_t>(memory) & ~(kSlab - 1));
  Slabs &slabs = AllSlabs();
  const std::lock_guard<std::mutex> lock(slabs.mutex);
  if (--slab->blocks > 0) return;
  if (slabs.current == slab) slabs.current = nullptr;
  free(slab);
}

void SetAllocationHook(AllocationHook hook) { allocation_hook.store(hook); }

}  // namespace mace
