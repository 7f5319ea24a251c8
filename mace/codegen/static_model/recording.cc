// SPDX-License-Identifier: Apache-2.0
// Memory and constants of a recording.
#include "mace/codegen/static_model/recording.h"

#include <cstring>

#include "mace/base/hash.h"

namespace mace {
namespace codegen {

namespace {

constexpr size_t kAlignment = 64;

}  // namespace

void *Memory::At(const Place &place) const {
  const size_t index = static_cast<size_t>(place.index);
  const void *base = nullptr;
  switch (place.space) {
    case Place::Space::kNull:
      return nullptr;
    case Place::Space::kArena:
      base = arena;
      break;
    case Place::Space::kInput:
      base = inputs[index];
      break;
    case Place::Space::kOutput:
      base = outputs[index];
      break;
    case Place::Space::kConstants:
      base = constants;
      break;
  }
  return const_cast<char *>(static_cast<const char *>(base)) + place.offset;
}

bool ConstantPool::Equal(int64_t offset, const void *data, size_t bytes) const {
  return std::memcmp(content_.data() + offset, data, bytes) == 0;
}

int64_t ConstantPool::Add(const void *data, size_t bytes) {
  const auto known = by_address_.find({data, bytes});
  if (known != by_address_.end() && Equal(known->second, data, bytes)) return known->second;
  const uint64_t hash = XxHash64(data, bytes);
  const auto same = by_hash_.equal_range(hash);
  for (auto it = same.first; it != same.second; ++it) {
    if (it->second.second == bytes && Equal(it->second.first, data, bytes)) {
      return by_address_[{data, bytes}] = it->second.first;
    }
  }
  const size_t offset = (content_.size() + kAlignment - 1) / kAlignment * kAlignment;
  content_.resize(offset);
  content_.append(static_cast<const char *>(data), bytes);
  by_hash_.emplace(hash, std::make_pair(static_cast<int64_t>(offset), bytes));
  return by_address_[{data, bytes}] = static_cast<int64_t>(offset);
}

}  // namespace codegen
}  // namespace mace
