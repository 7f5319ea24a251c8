// SPDX-License-Identifier: Apache-2.0
// Memory for what was decrypted.
#include "mace/crypto/secret_memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "mace/base/logging.h"
#include "mace/crypto/wipe.h"

namespace mace {

SecretMemory::~SecretMemory() { Free(); }

MaceStatus SecretMemory::Allocate(size_t size) {
  Free();
  if (size == 0) return MaceStatus::MACE_SUCCESS;
  void *memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    return OutOfResources("cannot allocate the ", size, " bytes of a decrypted model");
  }
#ifdef MADV_DONTDUMP
  madvise(memory, size, MADV_DONTDUMP);
#endif
  if (mlock(memory, size) != 0) {
    VLOG(1) << "the system does not let " << size
            << " bytes of a decrypted model be kept out of the swap (see ulimit -l)";
  }
  data_ = static_cast<uint8_t *>(memory);
  size_ = size;
  return MaceStatus::MACE_SUCCESS;
}

void SecretMemory::Free() {
  if (data_ == nullptr) return;
  WipeMemory(data_, size_);
  munmap(data_, size_);
  data_ = nullptr;
  size_ = 0;
}

void SecretMemory::Release(size_t offset, size_t size) {
  if (data_ == nullptr || offset >= size_) return;
  size = std::min(size, size_ - offset);
  const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  const size_t begin = (offset + page - 1) / page * page;
  const size_t end = (offset + size) / page * page;
  if (begin >= end) return;
  WipeMemory(data_ + begin, end - begin);
  // Locked pages are not given back.
  munlock(data_ + begin, end - begin);
  madvise(data_ + begin, end - begin, MADV_DONTNEED);
}

MaceStatus ModelKey::Set(const void *key, size_t size) {
  if (key == nullptr || size != kBytes) {
    return InvalidArgs("the key of a model has ", kBytes, " bytes, not ",
                       key == nullptr ? size_t{0} : size);
  }
  std::memcpy(bytes_, key, kBytes);
  given_ = true;
  return MaceStatus::MACE_SUCCESS;
}

void ModelKey::Clear() {
  WipeMemory(bytes_, sizeof(bytes_));
  given_ = false;
}

}  // namespace mace
