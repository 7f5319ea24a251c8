// SPDX-License-Identifier: Apache-2.0
// Memory for what was decrypted: private pages of its own, kept out of core dumps and, where the
// system lets it, out of the swap; overwritten before they are given back.
#ifndef MACE_CRYPTO_SECRET_MEMORY_H_
#define MACE_CRYPTO_SECRET_MEMORY_H_

#include <cstddef>
#include <cstdint>

#include "mace/base/status.h"

namespace mace {

class SecretMemory {
 public:
  SecretMemory() = default;
  ~SecretMemory();
  SecretMemory(const SecretMemory &) = delete;
  SecretMemory &operator=(const SecretMemory &) = delete;

  // OUT_OF_RESOURCES when there is no memory. What was there before is given back.
  MaceStatus Allocate(size_t size);
  void Free();
  // Overwrites [offset, offset + size) and gives the pages back that lie wholly inside; the rest
  // stays readable.
  void Release(size_t offset, size_t size);

  // Page-aligned; null for a size of 0.
  uint8_t *data() const { return data_; }
  size_t size() const { return size_; }

 private:
  uint8_t *data_ = nullptr;
  size_t size_ = 0;
};

// A key of a model, overwritten when it goes.
class ModelKey {
 public:
  static constexpr size_t kBytes = 32;

  ModelKey() = default;
  ~ModelKey() { Clear(); }
  ModelKey(const ModelKey &) = default;
  ModelKey &operator=(const ModelKey &) = default;

  // INVALID_ARGS unless size is kBytes.
  MaceStatus Set(const void *key, size_t size);
  void Clear();
  bool given() const { return given_; }
  const uint8_t *data() const { return bytes_; }

 private:
  uint8_t bytes_[kBytes] = {};
  bool given_ = false;
};

}  // namespace mace

#endif  // MACE_CRYPTO_SECRET_MEMORY_H_
