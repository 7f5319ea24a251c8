// SPDX-License-Identifier: Apache-2.0
// Memory for packed weights.
#include <utility>

#include "mace/base/allocator.h"
#include "mace/core/operator.h"

namespace mace {

AlignedBuffer::~AlignedBuffer() { Free(); }

void AlignedBuffer::Free() {
  if (kept_) {
    FreeKept(data_, size_);
  } else {
    FreeAligned(data_);
  }
  data_ = nullptr;
  size_ = 0;
}

AlignedBuffer::AlignedBuffer(AlignedBuffer &&other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      kept_(other.kept_) {}

AlignedBuffer &AlignedBuffer::operator=(AlignedBuffer &&other) noexcept {
  if (this != &other) {
    Free();
    data_ = std::exchange(other.data_, nullptr);
    size_ = std::exchange(other.size_, 0);
    kept_ = other.kept_;
  }
  return *this;
}

MaceStatus AlignedBuffer::Allocate(size_t bytes, bool kept) {
  Free();
  kept_ = kept;
  if (bytes == 0) return MaceStatus::MACE_SUCCESS;
  data_ = kept ? AllocateKept(bytes) : AllocateAligned(bytes);
  if (data_ == nullptr) return OutOfResources("cannot allocate ", bytes, " bytes of memory");
  size_ = bytes;
  return MaceStatus::MACE_SUCCESS;
}

}  // namespace mace
