// SPDX-License-Identifier: Apache-2.0
// Format: the header below, an entry for each block, the blocks, each 64-byte aligned. Numbers are
// those of the machine, which are little-endian wherever MACE runs.
#include "mace/core/packed_cache.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <algorithm>
#include <tuple>

#include "mace/base/allocator.h"
#include "mace/base/checked.h"
#include "mace/base/file_replacement.h"
#include "mace/base/hash.h"
#include "mace/base/logging.h"

namespace mace {

namespace {

constexpr char kMagic[] = "MACEPW1\n";

struct Header {
  char magic[8];
  uint64_t checksum;  // of all from `model` to the last entry
  uint64_t model, machine;
  uint64_t rest;
  uint64_t file_bytes;
  uint64_t entry_count;
  uint64_t zero;  // 64 bytes in all
};

std::string FilePath(const std::string &folder, uint64_t model) {
  char name[48];
  snprintf(name, sizeof(name), "mace_packed_%016llx.bin", static_cast<unsigned long long>(model));
  return MakeString(folder, "/", name);
}

bool Before(const PackedBlock &a, const PackedBlock &b) {
  return std::tie(a.op, a.index) < std::tie(b.op, b.index);
}

uint64_t Checksum(const void *data, uint64_t bytes) {
  return XxHash64(data, static_cast<size_t>(bytes));
}

}  // namespace

PackedCache::PackedCache(const std::string &folder, uint64_t model, uint64_t machine)
    : path_(FilePath(folder, model)), model_(model), machine_(machine) {
  if (access(path_.c_str(), F_OK) != 0) return;
  const MaceStatus status = Open();
  if (status.ok()) return;
  entries_.clear();
  file_.Close();
  LOG(WARNING) << "weights are packed anew: " << status.message();
}

MaceStatus PackedCache::Open() {
  MACE_RETURN_IF_ERROR(file_.Open(path_));
  static_assert(sizeof(Header) == kMemoryAlignment && sizeof(Entry) == 40, "are in files");
  Header header;
  if (file_.size() < sizeof(header) || memcmp(file_.data(), kMagic, sizeof(header.magic)) != 0) {
    return InvalidArgs("'", path_, "' is no file of packed weights");
  }
  memcpy(&header, file_.data(), sizeof(header));
  const size_t size = file_.size();
  if (header.file_bytes != size || header.entry_count == 0 ||
      header.entry_count > (size - sizeof(header)) / sizeof(Entry)) {
    return InvalidArgs("'", path_, "' is cut short or damaged");
  }
  const char *begin = static_cast<const char *>(file_.data());
  const size_t count = static_cast<size_t>(header.entry_count);
  const size_t checked = offsetof(Header, model);
  if (Checksum(begin + checked, sizeof(header) + count * sizeof(Entry) - checked) !=
      header.checksum) {
    return InvalidArgs("'", path_, "' is damaged: its checksum does not fit");
  }
  if (header.model != model_ || header.machine != machine_) {
    return InvalidArgs("'", path_,
                       "' was made by another version of MACE or for another processor");
  }
  entries_.resize(count);
  memcpy(static_cast<void *>(entries_.data()), begin + sizeof(header), count * sizeof(Entry));
  for (size_t i = 0; i < count; ++i) {
    const Entry &entry = entries_[i];
    if (entry.offset % kMemoryAlignment != 0 || !InRange(entry.offset, entry.block.bytes, size) ||
        (i > 0 && !Before(entries_[i - 1].block, entry.block))) {
      return InvalidArgs("'", path_, "' is damaged: block ", i, " lies outside of it");
    }
  }
  rest_ = header.rest;
  return MaceStatus::MACE_SUCCESS;
}

bool PackedCache::Has(uint32_t op) const {
  const auto found =
      std::lower_bound(entries_.begin(), entries_.end(), op,
                       [](const Entry &entry, uint32_t number) { return entry.block.op < number; });
  return found != entries_.end() && found->block.op == op;
}

const void *PackedCache::Find(const PackedBlock &block) {
  const auto found = std::lower_bound(
      entries_.begin(), entries_.end(), block,
      [](const Entry &entry, const PackedBlock &b) { return Before(entry.block, b); });
  if (found == entries_.end() || Before(block, found->block)) return nullptr;
  if (found->block.layout != block.layout || found->block.bytes != block.bytes) return nullptr;
  const void *data = static_cast<const char *>(file_.data()) + static_cast<size_t>(found->offset);
  if (Checksum(data, block.bytes) != found->checksum) {
    LOG(WARNING) << "weights are packed anew: '" << path_ << "' is damaged at byte "
                 << found->offset;
    return nullptr;
  }
  const std::lock_guard<std::mutex> lock(mutex_);
  blocks_.emplace_back(block, data);
  return data;
}

void PackedCache::Keep(const PackedBlock &block, const void *data) {
  const std::lock_guard<std::mutex> lock(mutex_);
  blocks_.emplace_back(block, data);
  ++packed_;
}

void PackedCache::Save(uint64_t rest) {
  if (blocks_.empty() || (complete() && rest == rest_)) return;
  std::sort(blocks_.begin(), blocks_.end(),
            [](const auto &a, const auto &b) { return Before(a.first, b.first); });
  const MaceStatus status = Write(rest);
  if (!status.ok()) LOG(WARNING) << "packed weights are not kept: " << status.message();
  blocks_.clear();
}

// It is not forced to the disk: what a loss of power leaves does not pass the checksums.
MaceStatus PackedCache::Write(uint64_t rest) const {
  std::vector<char> head(sizeof(Header) + blocks_.size() * sizeof(Entry));
  std::vector<Entry> entries(blocks_.size());
  uint64_t end = AlignUp(head.size(), kMemoryAlignment);
  for (size_t i = 0; i < blocks_.size(); ++i) {
    entries[i].block = blocks_[i].first;
    entries[i].offset = end;
    entries[i].checksum = Checksum(blocks_[i].second, blocks_[i].first.bytes);
    end = AlignUp(static_cast<size_t>(end + blocks_[i].first.bytes), kMemoryAlignment);
  }
  Header header = {};
  memcpy(header.magic, kMagic, sizeof(header.magic));
  header.model = model_;
  header.machine = machine_;
  header.rest = rest;
  header.file_bytes = end;
  header.entry_count = blocks_.size();
  memcpy(head.data(), &header, sizeof(header));
  memcpy(head.data() + sizeof(header), entries.data(), entries.size() * sizeof(Entry));
  const size_t checked = offsetof(Header, model);
  header.checksum = Checksum(head.data() + checked, head.size() - checked);
  memcpy(head.data(), &header, sizeof(header));

  FileReplacement file(path_);
  // For its owner alone: who may not read the model must not read its weights here.
  MACE_RETURN_IF_ERROR(file.Open(true));
  constexpr char kZeros[kMemoryAlignment] = {};
  uint64_t at = head.size();
  MACE_RETURN_IF_ERROR(file.Write(head.data(), head.size()));
  for (size_t i = 0; i < blocks_.size(); ++i) {
    MACE_RETURN_IF_ERROR(file.Write(kZeros, static_cast<size_t>(entries[i].offset - at)));
    MACE_RETURN_IF_ERROR(
        file.Write(blocks_[i].second, static_cast<size_t>(entries[i].block.bytes)));
    at = entries[i].offset + entries[i].block.bytes;
  }
  MACE_RETURN_IF_ERROR(file.Write(kZeros, static_cast<size_t>(end - at)));
  return file.Finish(false);
}

}  // namespace mace
