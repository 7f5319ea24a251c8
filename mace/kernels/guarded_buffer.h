// SPDX-License-Identifier: Apache-2.0
// Memory for tests that ends where a page begins which nobody may touch: reading or writing one
// byte past the end stops the test, natively and under emulation. Guard words stand before the
// data, and behind it when its start had to be aligned.
#ifndef MACE_KERNELS_GUARDED_BUFFER_H_
#define MACE_KERNELS_GUARDED_BUFFER_H_

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace mace {

class GuardedBuffer {
 public:
  GuardedBuffer() = default;
  // `bytes` bytes of value `fill`. With alignment 1 the data ends exactly at the forbidden page;
  // with a larger one (a power of two) it starts at a multiple of it and ends less than that before
  // the page.
  explicit GuardedBuffer(size_t bytes, size_t alignment = 1, int fill = 0xff) : bytes_(bytes) {
    const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    const size_t rounded = (bytes + alignment - 1) / alignment * alignment;
    mapped_ = (rounded + kGuardBytes + page - 1) / page * page + page;
    void *memory =
        mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) abort();
    base_ = static_cast<uint8_t *>(memory);
    uint8_t *limit = base_ + mapped_ - page;
    if (mprotect(limit, page, PROT_NONE) != 0) abort();
    data_ = limit - rounded;
    tail_ = rounded - bytes;
    memset(data_ - kGuardBytes, kGuard, kGuardBytes);
    memset(data_, fill, bytes);
    memset(data_ + bytes, kGuard, tail_);
  }
  ~GuardedBuffer() {
    if (base_ != nullptr) munmap(base_, mapped_);
  }
  GuardedBuffer(GuardedBuffer &&other) noexcept { *this = std::move(other); }
  GuardedBuffer &operator=(GuardedBuffer &&other) noexcept {
    std::swap(base_, other.base_);
    std::swap(mapped_, other.mapped_);
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
    std::swap(tail_, other.tail_);
    return *this;
  }
  GuardedBuffer(const GuardedBuffer &) = delete;
  GuardedBuffer &operator=(const GuardedBuffer &) = delete;

  void *data() const { return data_; }
  size_t bytes() const { return bytes_; }
  template <typename T>
  T *as() const {
    return reinterpret_cast<T *>(data_);
  }
  // False when a guard word was written over.
  bool Intact() const {
    for (size_t i = 0; i < kGuardBytes; ++i) {
      if (*(data_ - 1 - i) != kGuard) return false;
    }
    for (size_t i = 0; i < tail_; ++i) {
      if (data_[bytes_ + i] != kGuard) return false;
    }
    return true;
  }

 private:
  static constexpr size_t kGuardBytes = 256;
  static constexpr uint8_t kGuard = 0xa5;
  uint8_t *base_ = nullptr;
  size_t mapped_ = 0;
  uint8_t *data_ = nullptr;
  size_t bytes_ = 0;
  size_t tail_ = 0;
};

}  // namespace mace

#endif  // MACE_KERNELS_GUARDED_BUFFER_H_
