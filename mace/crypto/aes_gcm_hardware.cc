// SPDX-License-Identifier: Apache-2.0
// AES-256-GCM by the rounds and carry-less products of the processor, through Highway.

// Kernels with SSE4 do without these instructions, which this file is about.
#undef HWY_DISABLE_PCLMUL_AES

#include <cstring>

#include "hwy/highway.h"
#include "mace/crypto/aes_gcm.h"
#include "mace/crypto/wipe.h"

namespace mace {
namespace crypto {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

using D8 = hn::FixedTag<uint8_t, 16>;
using D64 = hn::FixedTag<uint64_t, 2>;
using V8 = hn::Vec<D8>;
using V64 = hn::Vec<D64>;

// Blocks in flight: the rounds of one wait for each other.
constexpr size_t kLanes = 4;

uint64_t LoadBigEndian(const uint8_t *bytes) {
  uint64_t value = 0;
  for (int i = 0; i < 8; ++i) value = value << 8 | bytes[i];
  return value;
}

void StoreBigEndian(uint64_t value, uint8_t *bytes) {
  for (int i = 7; i >= 0; --i, value >>= 8) bytes[i] = static_cast<uint8_t>(value);
}

// S-box of each byte of a word. Its columns being equal, ShiftRows changes nothing.
uint32_t SubWord(uint32_t word) {
  const D8 d8;
  const hn::FixedTag<uint32_t, 4> d32;
  const V8 state = hn::BitCast(d8, hn::Set(d32, word));
  return hn::GetLane(hn::BitCast(d32, hn::AESLastRound(state, hn::Zero(d8))));
}

template <size_t kCount>
void EncryptBlocks(const uint8_t *round_keys, const uint8_t *in, uint8_t *out) {
  const D8 d;
  V8 key = hn::Load(d, round_keys);
  V8 a = hn::Xor(hn::LoadU(d, in), key), b = a, c = a, e = a;
  if (kCount > 1) {
    b = hn::Xor(hn::LoadU(d, in + 16), key);
    c = hn::Xor(hn::LoadU(d, in + 32), key);
    e = hn::Xor(hn::LoadU(d, in + 48), key);
  }
  for (size_t round = 1; round < kRounds; ++round) {
    key = hn::Load(d, round_keys + 16 * round);
    a = hn::AESRound(a, key);
    if (kCount > 1) {
      b = hn::AESRound(b, key);
      c = hn::AESRound(c, key);
      e = hn::AESRound(e, key);
    }
  }
  key = hn::Load(d, round_keys + 16 * kRounds);
  hn::StoreU(hn::AESLastRound(a, key), d, out);
  if (kCount > 1) {
    hn::StoreU(hn::AESLastRound(b, key), d, out + 16);
    hn::StoreU(hn::AESLastRound(c, key), d, out + 32);
    hn::StoreU(hn::AESLastRound(e, key), d, out + 48);
  }
}

// GHASH is computed as POLYVAL (RFC 8452, appendix A): without the reflected order of bits, and
// with a reduction that needs no shifts. A block is two 64-bit halves, the low one first.
inline V64 Block(uint64_t low, uint64_t high) {
  alignas(16) const uint64_t halves[2] = {low, high};
  return hn::Load(D64(), halves);
}

inline V64 Swap(V64 value) { return hn::Shuffle01(value); }

// a * b / x^128 modulo x^128 + x^127 + x^126 + x^121 + 1.
inline V64 Multiply(V64 a, V64 b) {
  const D64 d;
  const V64 swapped = Swap(b);
  V64 low = hn::CLMulLower(a, b), high = hn::CLMulUpper(a, b);
  const V64 middle = hn::Xor(hn::CLMulLower(a, swapped), hn::CLMulUpper(a, swapped));
  low = hn::Xor(low, hn::ShiftLeftBytes<8>(d, middle));
  high = hn::Xor(high, hn::ShiftRightBytes<8>(d, middle));
  // Adding a multiple of the polynomial clears the lowest half; twice.
  const V64 polynomial = hn::Set(d, 0xc200000000000000u);
  low = hn::Xor(Swap(low), hn::CLMulLower(low, polynomial));
  low = hn::Xor(Swap(low), hn::CLMulLower(low, polynomial));
  return hn::Xor(high, low);
}

// A last block that is not whole is filled with zeros.
inline V64 HashBytes(V64 state, V64 key, const uint8_t *data, size_t size) {
  for (; size >= 16; size -= 16, data += 16) {
    state = hn::Xor(state, Block(LoadBigEndian(data + 8), LoadBigEndian(data)));
    state = Multiply(state, key);
  }
  if (size == 0) return state;
  uint8_t last[16] = {};
  std::memcpy(last, data, size);
  return HashBytes(state, key, last, 16);
}

void Init(const uint8_t *key, AesGcmKey *expanded) {
  ExpandKey(key, SubWord, expanded->round_keys);
  uint8_t zero[16] = {};
  EncryptBlocks<1>(expanded->round_keys, zero, zero);
  MakeHashKey(zero, expanded->hash_key);
  WipeMemory(zero, sizeof(zero));
}

void Tag(const AesGcmKey &key, const uint8_t *nonce, const uint8_t *header, size_t header_size,
         const uint8_t *data, size_t size, uint8_t *tag) {
  const V64 hash_key = Block(key.hash_key[0], key.hash_key[1]);
  V64 state = HashBytes(Block(0, 0), hash_key, header, header_size);
  state = HashBytes(state, hash_key, data, size);
  state = hn::Xor(state, Block(uint64_t{size} * 8, uint64_t{header_size} * 8));
  state = Multiply(state, hash_key);
  alignas(16) uint64_t halves[2];
  hn::Store(state, D64(), halves);
  uint8_t mask[16] = {};
  std::memcpy(mask, nonce, kNonceBytes);
  mask[15] = 1;
  EncryptBlocks<1>(key.round_keys, mask, mask);
  StoreBigEndian(halves[1], tag);
  StoreBigEndian(halves[0], tag + 8);
  for (size_t i = 0; i < kTagBytes; ++i) tag[i] ^= mask[i];
}

void Crypt(const AesGcmKey &key, const uint8_t *nonce, const uint8_t *in, size_t size,
           uint8_t *out) {
  uint8_t counters[16 * kLanes], stream[16 * kLanes];
  for (size_t lane = 0; lane < kLanes; ++lane) std::memcpy(counters + 16 * lane, nonce, 12);
  uint32_t count = 2;  // 1 is that of the tag
  for (size_t done = 0; done < size; done += sizeof(stream)) {
    for (size_t lane = 0; lane < kLanes; ++lane, ++count) {
      for (int i = 0; i < 4; ++i) {
        counters[16 * lane + 12 + i] = static_cast<uint8_t>(count >> (24 - 8 * i));
      }
    }
    EncryptBlocks<kLanes>(key.round_keys, counters, stream);
    const size_t now = size - done < sizeof(stream) ? size - done : sizeof(stream);
    if (now == sizeof(stream)) {
      const D8 d;
      for (size_t i = 0; i < now; i += 16) {
        hn::StoreU(hn::Xor(hn::LoadU(d, in + done + i), hn::LoadU(d, stream + i)), d,
                   out + done + i);
      }
      continue;
    }
    for (size_t i = 0; i < now; ++i) out[done + i] = in[done + i] ^ stream[i];
  }
  WipeMemory(stream, sizeof(stream));
}

}  // namespace

extern const AesGcmKernels kHardwareKernels;
const AesGcmKernels kHardwareKernels = {Init, Tag, Crypt};

}  // namespace crypto
}  // namespace mace
