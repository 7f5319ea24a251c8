// SPDX-License-Identifier: Apache-2.0
// XXH64 from its specification.
#include "mace/base/hash.h"

#include <cstring>

namespace mace {

namespace {

constexpr uint64_t kPrime1 = 0x9E3779B185EBCA87u;
constexpr uint64_t kPrime2 = 0xC2B2AE3D27D4EB4Fu;
constexpr uint64_t kPrime3 = 0x165667B19E3779F9u;
constexpr uint64_t kPrime4 = 0x85EBCA77C2B2AE63u;
constexpr uint64_t kPrime5 = 0x27D4EB2F165667C5u;

uint64_t RotateLeft(uint64_t x, int bits) { return (x << bits) | (x >> (64 - bits)); }

// Numbers in the stream are little-endian, as are all machines that MACE is built for.
uint64_t Read64(const uint8_t *p) {
  uint64_t value;
  std::memcpy(&value, p, sizeof(value));
  return value;
}

uint32_t Read32(const uint8_t *p) {
  uint32_t value;
  std::memcpy(&value, p, sizeof(value));
  return value;
}

uint64_t Round(uint64_t accumulator, uint64_t lane) {
  return RotateLeft(accumulator + lane * kPrime2, 31) * kPrime1;
}

uint64_t Merge(uint64_t accumulator, uint64_t lane) {
  return (accumulator ^ Round(0, lane)) * kPrime1 + kPrime4;
}

}  // namespace

uint64_t XxHash64(const void *data, size_t size, uint64_t seed) {
  const uint8_t *p = static_cast<const uint8_t *>(data);
  size_t left = size;
  uint64_t hash;
  if (size >= 32) {
    uint64_t a = seed + kPrime1 + kPrime2, b = seed + kPrime2, c = seed, d = seed - kPrime1;
    for (; left >= 32; left -= 32, p += 32) {
      a = Round(a, Read64(p));
      b = Round(b, Read64(p + 8));
      c = Round(c, Read64(p + 16));
      d = Round(d, Read64(p + 24));
    }
    hash = RotateLeft(a, 1) + RotateLeft(b, 7) + RotateLeft(c, 12) + RotateLeft(d, 18);
    hash = Merge(Merge(Merge(Merge(hash, a), b), c), d);
  } else {
    hash = seed + kPrime5;
  }
  hash += size;
  for (; left >= 8; left -= 8, p += 8) {
    hash = RotateLeft(hash ^ Round(0, Read64(p)), 27) * kPrime1 + kPrime4;
  }
  if (left >= 4) {
    hash = RotateLeft(hash ^ (Read32(p) * kPrime1), 23) * kPrime2 + kPrime3;
    left -= 4;
    p += 4;
  }
  for (; left > 0; --left, ++p) hash = RotateLeft(hash ^ (*p * kPrime5), 11) * kPrime1;
  hash = (hash ^ (hash >> 33)) * kPrime2;
  hash = (hash ^ (hash >> 29)) * kPrime3;
  return hash ^ (hash >> 32);
}

}  // namespace mace
