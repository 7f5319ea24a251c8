// SPDX-License-Identifier: Apache-2.0
// The constant tensors of a model in memory, from model.data until the last reader has packed them.
#ifndef MACE_CORE_CONSTANTS_H_
#define MACE_CORE_CONSTANTS_H_

#include <memory>
#include <string>
#include <vector>

#include "mace/base/mapped_file.h"
#include "mace/base/status.h"
#include "mace/core/model.h"
#include "mace/core/operator.h"
#include "mace/core/tensor.h"
#include "mace/crypto/secret_memory.h"

namespace mace {

// Elements lie in the mapped file or in the application's memory; float32 that is stored as half is
// expanded.
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
  // only shapes are wanted) have a null raw.
  MaceStatus Load(const NetDef &net);
  const std::vector<Tensor> &tensors() const { return tensors_; }

  // Constant i will be read once more, or once less.
  void AddReader(int i) { ++readers_[static_cast<size_t>(i)]; }
  void RemoveReader(int i) { --readers_[static_cast<size_t>(i)]; }
  // Gives the memory of constant i back if nobody will read it: called as soon as that may be, so
  // that a model and its packed weights are never in memory both at once.
  void ReleaseIfUnread(const NetDef &net, int i);
  // Afterwards constants with no reader have a null raw, and all of their memory is given back.
  void Trim(const NetDef &net);
  // Forgets what reading for the checksum brought into memory; it comes from the file again.
  void DropPages() { file_.Release(0, file_.size()); }

 private:
  MappedFile file_;
  std::unique_ptr<SecretMemory> secret_;
  bool copied_ = false;
  bool mapped_ = false;
  const void *data_ = nullptr;
  uint64_t size_ = 0;
  std::vector<Tensor> tensors_;
  std::vector<int> readers_;
  std::vector<AlignedBuffer> expanded_;  // by tensor; empty: as stored
};

}  // namespace mace

#endif  // MACE_CORE_CONSTANTS_H_
