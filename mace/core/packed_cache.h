// SPDX-License-Identifier: Apache-2.0
// Packed weights in a file, mapped by the next engine of the same model in place of packing anew.
// What does not fit (another model, version or processor, a damaged file) is as good as no file.
#ifndef MACE_CORE_PACKED_CACHE_H_
#define MACE_CORE_PACKED_CACHE_H_

#include <cstdint>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "mace/base/mapped_file.h"
#include "mace/base/status.h"

namespace mace {

// A block of packed weights: the operator's number in the model, which of its blocks, and how the
// elements lie (a hash of the kernel's name).
struct PackedBlock {
  uint32_t op = 0;
  uint32_t index = 0;
  uint64_t layout = 0;
  uint64_t bytes = 0;
};

// Find and Keep may be called from several threads.
class PackedCache {
 public:
  // model: what tells the model from others. machine: what else blocks depend on, the engine's
  // version and instruction sets. The folder need not exist. A file that cannot be used gives a
  // warning.
  PackedCache(const std::string &folder, uint64_t model, uint64_t machine);

  // Whether there is a file to look in.
  bool opened() const { return !entries_.empty(); }
  // Whether it has a block of an operator.
  bool Has(uint32_t op) const;
  // The block, 64-byte aligned, as long as this object lives; null if it is not there or damaged.
  const void *Find(const PackedBlock &block);
  // Has Save write a block that was packed; `data` lasts until then.
  void Keep(const PackedBlock &block, const void *data);
  // Whether all blocks that were asked for were there.
  bool complete() const { return opened() && packed_ == 0; }

  // What the writer gave to Save.
  uint64_t rest() const { return rest_; }
  // Writes all blocks found and kept, unless complete() with the same `rest`, a checksum of all
  // that an engine reads besides. Warns if that is not possible.
  void Save(uint64_t rest);

  const std::string &path() const { return path_; }

 private:
  struct Entry {
    PackedBlock block;
    uint64_t offset = 0;
    uint64_t checksum = 0;
  };

  MaceStatus Open();
  MaceStatus Write(uint64_t rest) const;

  const std::string path_;
  const uint64_t model_, machine_;
  MappedFile file_;
  std::vector<Entry> entries_;  // of the file, sorted by operator and index
  uint64_t rest_ = 0;
  std::mutex mutex_;  // of what follows
  std::vector<std::pair<PackedBlock, const void *>> blocks_;
  size_t packed_ = 0;
};

}  // namespace mace

#endif  // MACE_CORE_PACKED_CACHE_H_
