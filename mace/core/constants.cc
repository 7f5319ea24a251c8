// SPDX-License-Identifier: Apache-2.0
// The constant tensors of a model in memory.
#include "mace/core/constants.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "mace/base/expand.h"
#include "mace/base/hash.h"
#include "mace/core/engine_parts.h"

namespace mace {

namespace {

// Any other byte would be undefined behaviour where it is read as bool.
MaceStatus CheckBooleans(const Tensor &tensor) {
  const uint8_t *elements = tensor.data<uint8_t>();
  for (int64_t i = 0; i < tensor.elements(); ++i) {
    if (elements[i] > 1) {
      return InvalidArgs("constant '", *tensor.name, "': element ", i, " of a boolean tensor is ",
                         static_cast<int>(elements[i]));
    }
  }
  return MaceStatus::MACE_SUCCESS;
}

// Floats out of integers with one scale, or one for each index of an axis.
void ExpandInt8(const int8_t *integers, const ConstTensor &stored, float *floats) {
  const std::vector<float> &scale = stored.quantize_info.scale;
  const Shape shape(stored.dims);
  int64_t inner = 1;
  for (int d = stored.quantize_info.axis + 1; scale.size() > 1 && d < shape.rank(); ++d) {
    inner *= shape[d];
  }
  if (scale.size() == 1) inner = std::max<int64_t>(shape.elements(), 1);
  const int64_t elements = shape.elements();
  for (int64_t begin = 0, channel = 0; begin < elements; begin += inner, ++channel) {
    const float factor = scale[static_cast<size_t>(channel) % scale.size()];
    for (int64_t k = begin; k < begin + inner; ++k) {
      floats[k] = static_cast<float>(integers[k]) * factor;
    }
  }
}

// C's function: what std::sort makes of one type is half a kilobyte.
void SortPairs(std::vector<std::pair<size_t, size_t>> *pairs) {
  using Pair = std::pair<size_t, size_t>;
  if (pairs->empty()) return;
  std::qsort(pairs->data(), pairs->size(), sizeof(Pair), [](const void *a, const void *b) {
    const Pair &x = *static_cast<const Pair *>(a), &y = *static_cast<const Pair *>(b);
    return x < y ? -1 : static_cast<int>(y < x);
  });
}

}  // namespace

void Constants::UseMemory(const void *data, size_t size) {
  data_ = data;
  size_ = size;
}

MaceStatus Constants::UseFile(const std::string &path) {
  MACE_RETURN_IF_ERROR(file_.Open(path));
  mapped_ = true;
  data_ = file_.data();
  size_ = file_.size();
  return MaceStatus::MACE_SUCCESS;
}

void Constants::UseSecret(std::unique_ptr<SecretMemory> content) {
  UseMemory(content->data(), content->size());
  secret_ = std::move(content);
}

void Constants::CopyFrom(const Constants &other) {
  UseMemory(other.data_, other.size_);
  copied_ = true;
}

MaceStatus Constants::Load(const NetDef &net) {
  tensors_.resize(net.tensors.size());
  readers_.assign(net.tensors.size(), 0);
  expanded_.resize(net.tensors.size());
  for (size_t i = 0; i < net.tensors.size(); ++i) {
    const ConstTensor &stored = net.tensors[i];
    Tensor &tensor = tensors_[i];
    tensor.name = &stored.name;
    tensor.dtype = stored.data_type;
    tensor.shape = Shape(stored.dims);
    tensor.is_const = true;
    if (!stored.quantize_info.scale.empty() && stored.stored_type != DT_INT8) {
      tensor.quantize_info = &stored.quantize_info;
    }
    const bool present = stored.data_size > 0 || tensor.elements() == 0;
    if (present && data_ != nullptr) {
      // Nothing writes constants: Tensor has one pointer for reading and writing.
      tensor.raw = const_cast<char *>(static_cast<const char *>(data_)) + stored.offset;
    }
    if (stored.data_type == DT_BOOL && present) MACE_RETURN_IF_ERROR(CheckBooleans(tensor));
    const bool readable = stored.stored_type == DT_INVALID;
    if (copied_ && readable && tensor.raw != nullptr) {
      MACE_RETURN_IF_ERROR(expanded_[i].Allocate(std::max<size_t>(tensor.bytes(), 1)));
      if (tensor.bytes() > 0) std::memcpy(expanded_[i].data(), tensor.raw, tensor.bytes());
      tensor.raw = expanded_[i].data();
    }
    if (readable || tensor.elements() == 0) continue;
    if (!kEngineParts.expand) {
      return Unsupported("constant '", stored.name, "' is stored as ",
                         DataTypeName(stored.stored_type),
                         ", which this library of chosen models leaves out; build it for this "
                         "model, or with the part 'expand'");
    }
    tensor.raw = nullptr;
    if (copied_) MACE_RETURN_IF_ERROR(Expand(net, static_cast<int>(i)));
  }
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus Constants::Expand(const NetDef &net, int i) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const size_t at = static_cast<size_t>(i);
  const ConstTensor &stored = net.tensors[at];
  Tensor &tensor = tensors_[at];
  if (!kEngineParts.expand || tensor.raw != nullptr || stored.stored_type == DT_INVALID) {
    return MaceStatus::MACE_SUCCESS;
  }
  if (data_ == nullptr || stored.data_size == 0) return MaceStatus::MACE_SUCCESS;
  const void *from = static_cast<const char *>(data_) + stored.offset;
  const size_t count = static_cast<size_t>(tensor.elements());
  MACE_RETURN_IF_ERROR(expanded_[at].Allocate(count * sizeof(float)));
  float *floats = expanded_[at].as<float>();
  if (stored.stored_type == DT_INT8) {
    ExpandInt8(static_cast<const int8_t *>(from), stored, floats);
  } else if (stored.stored_type == DT_HALF) {
    ExpandHalf(static_cast<const uint16_t *>(from), count, floats);
  } else {
    ExpandBfloat16(static_cast<const uint16_t *>(from), count, floats);
  }
  tensor.raw = floats;
  return MaceStatus::MACE_SUCCESS;
}

void Constants::ReleaseIfUnread(const NetDef &net, int i) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const size_t at = static_cast<size_t>(i);
  if (readers_[at] > 0) return;
  if (expanded_[at].data() != nullptr) {
    expanded_[at] = AlignedBuffer();
    tensors_[at].raw = nullptr;
  }
  if (mapped_) {
    file_.Release(static_cast<size_t>(net.tensors[at].offset),
                  static_cast<size_t>(net.tensors[at].data_size));
  }
}

uint64_t Constants::ReadChecksum(const NetDef &net) const {
  uint64_t checksum = 0;
  for (size_t i = 0; i < tensors_.size(); ++i) {
    if (readers_[i] <= 0 || data_ == nullptr) continue;
    checksum = XxHash64(static_cast<const char *>(data_) + net.tensors[i].offset,
                        static_cast<size_t>(net.tensors[i].data_size), checksum);
  }
  return checksum;
}

MaceStatus Constants::Trim(const NetDef &net) {
  std::vector<std::pair<size_t, size_t>> needed;  // [begin, end) in model.data
  for (size_t i = 0; i < tensors_.size(); ++i) {
    if (readers_[i] <= 0) {
      expanded_[i] = AlignedBuffer();
      tensors_[i].raw = nullptr;
      continue;
    }
    MACE_RETURN_IF_ERROR(Expand(net, static_cast<int>(i)));
    if (expanded_[i].data() == nullptr) {
      const size_t begin = static_cast<size_t>(net.tensors[i].offset);
      needed.emplace_back(begin, begin + static_cast<size_t>(net.tensors[i].data_size));
    }
  }
  if (!mapped_ && secret_ == nullptr) return MaceStatus::MACE_SUCCESS;
  const auto release = [this](size_t begin, size_t bytes) {
    if (mapped_) file_.Release(begin, bytes);
    if (secret_ != nullptr) secret_->Release(begin, bytes);
  };
  SortPairs(&needed);
  size_t end = 0;
  for (const auto &[first, last] : needed) {
    if (first > end) release(end, first - end);
    end = std::max(end, last);
  }
  if (end == 0) {
    file_.Close();
    secret_.reset();
    data_ = nullptr;
  } else {
    release(end, static_cast<size_t>(size_) - end);
  }
  return MaceStatus::MACE_SUCCESS;
}

}  // namespace mace
