// SPDX-License-Identifier: Apache-2.0
// Memory for packed weights.
#include <utility>

#include "mace/base/allocator.h"
#include "mace/core/operator.h"

namespace mace {

AlignedBuffer::~AlignedBuffer() { Free(); }

void AlignedBuffer::Free() {
  if (source_ == Source::kKept) FreeKept(data_, size_);
  if (source_ == Source::kOwn) FreeAligned(data_);
  data_ = nullptr;
  size_ = 0;
}

AlignedBuffer::AlignedBuffer(AlignedBuffer &&other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      source_(other.source_) {}

AlignedBuffer &AlignedBuffer::operator=(AlignedBuffer &&other) noexcept {
  if (this != &other) {
    Free();
    data_ = std::exchange(other.data_, nullptr);
    size_ = std::exchange(other.size_, 0);
    source_ = other.source_;
  }
  return *this;
}

MaceStatus AlignedBuffer::Allocate(size_t bytes, bool kept) {
  Free();
  source_ = kept ? Source::kKept : Source::kOwn;
  if (bytes == 0) return MaceStatus::MACE_SUCCESS;
  data_ = kept ? AllocateKept(bytes) : AllocateAligned(bytes);
  if (data_ == nullptr) return OutOfResources("cannot allocate ", bytes, " bytes of memory");
  size_ = bytes;
  return MaceStatus::MACE_SUCCESS;
}

void AlignedBuffer::Borrow(const void *data, size_t bytes) {
  Free();
  source_ = Source::kBorrowed;
  data_ = const_cast<void *>(data);
  size_ = bytes;
}

}  // namespace mace
