// SPDX-License-Identifier: Apache-2.0
// The constant tensors of a model in memory, from model.data until the last reader has packed them.
#ifndef MACE_CORE_CONSTANTS_H_
#define MACE_CORE_CONSTANTS_H_

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "mace/base/mapped_file.h"
#include "mace/base/status.h"
#include "mace/core/model.h"
#include "mace/core/operator.h"
#include "mace/core/tensor.h"
#include "mace/crypto/secret_memory.h"

namespace mace {

// Elements lie in the mapped file or in the application's memory; float32 that is stored in fewer
// bytes is expanded when it is needed. What operators' Init leads to may be called by several
// threads: Expand, RemoveReader, ReleaseIfUnread.
class Constants {
 public:
  // The content of model.data in memory that outlives this object.
  void UseMemory(const void *data, size_t size);
  MaceStatus UseFile(const std::string &path);
  // A decrypted content.
  void UseSecret(std::unique_ptr<SecretMemory> content);
  // Elements are copied from those of another, which may go afterwards: for subgraphs.
  void CopyFrom(const Constants &other);
  uint64_t size() const { return size_; }
  const void *data() const { return data_; }

  // Makes the tensors of a verified model, in its order. Constants without stored elements (when
  // only shapes are wanted) have a null raw, and those that were not expanded.
  MaceStatus Load(const NetDef &net);
  // Makes elements that are stored in fewer bytes readable, unless they are.
  MaceStatus Expand(const NetDef &net, int i);
  const std::vector<Tensor> &tensors() const { return tensors_; }

  // Constant i will be read once more, or once less.
  void AddReader(int i) { ++readers_[static_cast<size_t>(i)]; }
  void RemoveReader(int i) {
    const std::lock_guard<std::mutex> lock(mutex_);
    --readers_[static_cast<size_t>(i)];
  }
  // Gives the memory of constant i back if nobody will read it: called as soon as that may be, so
  // that a model and its packed weights are never in memory both at once.
  void ReleaseIfUnread(const NetDef &net, int i);
  // Afterwards constants with no reader have a null raw, and all of their memory is given back;
  // the others are expanded.
  MaceStatus Trim(const NetDef &net);
  // A checksum of the stored elements that have readers.
  uint64_t ReadChecksum(const NetDef &net) const;

 private:
  MappedFile file_;
  std::unique_ptr<SecretMemory> secret_;
  bool copied_ = false;
  bool mapped_ = false;
  const void *data_ = nullptr;
  uint64_t size_ = 0;
  std::vector<Tensor> tensors_;
  std::mutex mutex_;
  std::vector<int> readers_;
  std::vector<AlignedBuffer> expanded_;  // by tensor; empty: as stored
};

}  // namespace mace

#endif  // MACE_CORE_CONSTANTS_H_
