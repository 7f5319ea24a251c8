// SPDX-License-Identifier: Apache-2.0
// AES-256-GCM without instructions for it. The cipher is bit-sliced: eight blocks at once, plane p
// holding bit p of each byte, so that every step is the same logic for all data and no table is
// read. Carry-less products are ordinary ones of numbers with gaps between their bits.
#include <cstring>
#include <initializer_list>

#include "mace/crypto/aes_gcm.h"
#include "mace/crypto/wipe.h"

namespace mace {
namespace crypto {

namespace {

// Byte k of a plane belongs to byte k of the blocks; its bit b to block b.
typedef uint8_t Plane __attribute__((vector_size(16)));
typedef uint32_t Columns __attribute__((vector_size(16)));
typedef uint64_t Halves __attribute__((vector_size(16)));

constexpr size_t kBlocks = 8;

// Bits (1 << shift) of a and bits 1 of b, by `mask`, change places.
inline void SwapMove(Plane *a, Plane *b, int shift, uint64_t mask) {
  Halves x, y;
  std::memcpy(&x, a, 16);
  std::memcpy(&y, b, 16);
  const Halves t = ((x >> shift) ^ y) & mask;
  y ^= t;
  x ^= t << shift;
  std::memcpy(a, &x, 16);
  std::memcpy(b, &y, 16);
}

// From eight blocks to their planes, and back.
void Transpose(Plane *planes) {
  for (int i = 0; i < 8; i += 2) SwapMove(planes + i, planes + i + 1, 1, 0x5555555555555555u);
  for (int i : {0, 1, 4, 5}) SwapMove(planes + i, planes + i + 2, 2, 0x3333333333333333u);
  for (int i = 0; i < 4; ++i) SwapMove(planes + i, planes + i + 4, 4, 0x0f0f0f0f0f0f0f0fu);
}

// y = M x over bits: bit j of rows[i] tells whether x[j] is a part of y[i].
inline void Linear(const uint8_t *rows, const Plane *x, Plane *y) {
#pragma GCC unroll 8
  for (int i = 0; i < 8; ++i) {
    Plane sum = {};
#pragma GCC unroll 8
    for (int j = 0; j < 8; ++j) {
      if ((rows[i] >> j & 1) != 0) sum ^= x[j];
    }
    y[i] = sum;
  }
}

// Product in GF(2^4), z^4 = z + 1.
inline void Product(const Plane *a, const Plane *b, Plane *c) {
  Plane d[7] = {};
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) d[i + j] ^= a[i] & b[j];
  }
  c[0] = d[0] ^ d[4];
  c[1] = d[1] ^ d[4] ^ d[5];
  c[2] = d[2] ^ d[5] ^ d[6];
  c[3] = d[3] ^ d[6];
}

inline void Square(const Plane *a, Plane *c) {
  const Plane c0 = a[0] ^ a[2], c2 = a[1] ^ a[3];
  c[1] = a[2];
  c[3] = a[3];
  c[0] = c0;
  c[2] = c2;
}

// The S-box (FIPS 197, 5.1.1): the inverse in GF(2^8), taken in GF((2^4)^2) with y^2 = y + z^3,
// where it is (a1 y + a0 + a1) / (a0^2 + a0 a1 + z^3 a1^2). The maps there and back were derived
// from the root 32 of x^8 + x^4 + x^3 + x + 1 in that field; the second has S's affine map in it.
void SubBytes(Plane *planes) {
  constexpr uint8_t kThere[8] = {0xa1, 0x04, 0xfc, 0x18, 0x70, 0xd2, 0xac, 0xa0};
  constexpr uint8_t kBack[8] = {0x45, 0x3f, 0x69, 0x25, 0x3b, 0xee, 0xd0, 0x06};
  Plane x[8], y[8], norm[4], power[4], sum[4];
  Linear(kThere, planes, x);
  const Plane *low = x, *high = x + 4;
  Product(low, high, norm);
  Square(low, power);
  for (int i = 0; i < 4; ++i) norm[i] ^= power[i];
  Square(high, power);
  norm[0] ^= power[1];
  norm[1] ^= power[1] ^ power[2];
  norm[2] ^= power[2] ^ power[3];
  norm[3] ^= power[0] ^ power[3];
  // 1 / n = n^14 = n^2 n^4 n^8.
  Plane square[4], fourth[4];
  Square(norm, square);
  Square(square, fourth);
  Product(square, fourth, norm);
  Square(fourth, fourth);
  Product(norm, fourth, power);
  for (int i = 0; i < 4; ++i) sum[i] = low[i] ^ high[i];
  Product(sum, power, y);
  Product(high, power, y + 4);
  Linear(kBack, y, planes);
  for (int bit : {0, 1, 5, 6}) planes[bit] = ~planes[bit];  // 0x63
}

inline Plane ShiftRows(Plane plane) {
  return __builtin_shufflevector(plane, plane, 0, 5, 10, 15, 4, 9, 14, 3, 8, 13, 2, 7, 12, 1, 6,
                                 11);
}

// Byte i of each column gets byte i + rows of it.
inline Plane Rotate(Plane plane, int rows) {
  Columns columns;
  std::memcpy(&columns, &plane, 16);
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "columns are read as little-endian numbers"
#endif
  columns = columns >> (8 * rows) | columns << (32 - 8 * rows);
  std::memcpy(&plane, &columns, 16);
  return plane;
}

// FIPS 197, 5.1.3: each byte becomes 2 (a + a') + a' + a'' + a''' with those below it.
void MixColumns(Plane *planes) {
  Plane sums[8], below[8];
  for (int i = 0; i < 8; ++i) {
    below[i] = Rotate(planes[i], 1);
    sums[i] = planes[i] ^ below[i];
  }
  for (int i = 0; i < 8; ++i) {
    Plane twice = i == 0 ? sums[7] : sums[i - 1];
    if (i == 1 || i == 3 || i == 4) twice ^= sums[7];
    planes[i] = twice ^ below[i] ^ Rotate(sums[i], 2);
  }
}

// Whether bit p of each key byte is set, for all blocks at once.
inline Plane KeyPlane(const uint8_t *round_key, int p) {
  Plane key;
  std::memcpy(&key, round_key, 16);
  return Plane{} - (key >> p & 1);
}

void EncryptBlocks(const uint8_t *round_keys, uint8_t *blocks) {
  Plane planes[8];
  std::memcpy(planes, blocks, sizeof(planes));
  Transpose(planes);
  for (size_t round = 0; round <= kRounds; ++round) {
    if (round > 0) {
      SubBytes(planes);
      for (Plane &plane : planes) plane = ShiftRows(plane);
      if (round < kRounds) MixColumns(planes);
    }
    for (int p = 0; p < 8; ++p) planes[p] ^= KeyPlane(round_keys + 16 * round, p);
  }
  Transpose(planes);
  std::memcpy(blocks, planes, sizeof(planes));
}

uint32_t SubWord(uint32_t word) {
  Plane planes[8] = {};
  std::memcpy(planes, &word, 4);
  Transpose(planes);
  SubBytes(planes);
  Transpose(planes);
  std::memcpy(&word, planes, 4);
  return word;
}

// An element of GF(2^128) as POLYVAL has it (RFC 8452): see aes_gcm-inl.h.
struct Element {
  uint64_t low, high;
};

// Carry-less product. Of four bits one is kept, so that up to eight ones of a sum, of which bit 0
// is wanted, do not reach the next bit that counts.
uint64_t Product32(uint32_t a, uint32_t b) {
  uint64_t result = 0;
  for (int k = 0; k < 4; ++k) {
    uint64_t sum = 0;
    for (int i = 0; i < 4; ++i) {
      const int j = (k - i) & 3;
      sum ^= uint64_t{a & 0x11111111u << i} * (b & 0x11111111u << j);
    }
    result |= sum & 0x1111111111111111u << k;
  }
  return result;
}

Element Product64(uint64_t a, uint64_t b) {
  const uint32_t a0 = static_cast<uint32_t>(a), a1 = static_cast<uint32_t>(a >> 32);
  const uint32_t b0 = static_cast<uint32_t>(b), b1 = static_cast<uint32_t>(b >> 32);
  const uint64_t low = Product32(a0, b0), high = Product32(a1, b1);
  const uint64_t middle = Product32(a0 ^ a1, b0 ^ b1) ^ low ^ high;
  return {low ^ middle << 32, high ^ middle >> 32};
}

Element Multiply(const Element &a, const Element &b) {
  const Element low = Product64(a.low, b.low), high = Product64(a.high, b.high);
  Element middle = Product64(a.low ^ a.high, b.low ^ b.high);
  middle.low ^= low.low ^ high.low;
  middle.high ^= low.high ^ high.high;
  uint64_t words[4] = {low.low, low.high ^ middle.low, high.low ^ middle.high, high.high};
  // Adding a multiple of x^128 + x^127 + x^126 + x^121 + 1 clears the lowest word; twice.
  for (int i = 0; i < 2; ++i) {
    const uint64_t w = words[i];
    words[i + 1] ^= w << 63 ^ w << 62 ^ w << 57;
    words[i + 2] ^= w ^ w >> 1 ^ w >> 2 ^ w >> 7;
  }
  return {words[2], words[3]};
}

uint64_t LoadBigEndian(const uint8_t *bytes) {
  uint64_t value = 0;
  for (int i = 0; i < 8; ++i) value = value << 8 | bytes[i];
  return value;
}

void StoreBigEndian(uint64_t value, uint8_t *bytes) {
  for (int i = 7; i >= 0; --i, value >>= 8) bytes[i] = static_cast<uint8_t>(value);
}

// A last block that is not whole is filled with zeros.
void HashBytes(const Element &key, const uint8_t *data, size_t size, Element *state) {
  for (size_t done = 0; done < size; done += 16) {
    uint8_t last[16] = {};
    const uint8_t *block = data + done;
    if (size - done < 16) {
      std::memcpy(last, block, size - done);
      block = last;
    }
    *state =
        Multiply({state->low ^ LoadBigEndian(block + 8), state->high ^ LoadBigEndian(block)}, key);
  }
}

}  // namespace

void ExpandKey(const uint8_t *key, uint32_t (*sub_word)(uint32_t), uint8_t *round_keys) {
  uint32_t words[4 * (kRounds + 1)];
  std::memcpy(words, key, kKeyBytes);
  uint32_t constant = 1;
  for (size_t i = 8; i < 4 * (kRounds + 1); ++i) {
    uint32_t word = words[i - 1];
    if (i % 8 == 0) {
      word = sub_word(word >> 8 | word << 24) ^ constant;
      constant <<= 1;
    } else if (i % 8 == 4) {
      word = sub_word(word);
    }
    words[i] = words[i - 8] ^ word;
  }
  std::memcpy(round_keys, words, sizeof(words));
  WipeMemory(words, sizeof(words));
}

void MakeHashKey(const uint8_t *encrypted_zero, uint64_t *hash_key) {
  const uint64_t high = LoadBigEndian(encrypted_zero), low = LoadBigEndian(encrypted_zero + 8);
  const uint64_t carry = 0 - (high >> 63);
  hash_key[0] = low << 1 ^ (carry & 1);
  hash_key[1] = (high << 1 | low >> 63) ^ (carry & 0xc200000000000000u);
}

namespace {

void Init(const uint8_t *key, AesGcmKey *expanded) {
  ExpandKey(key, SubWord, expanded->round_keys);
  uint8_t blocks[16 * kBlocks] = {};
  EncryptBlocks(expanded->round_keys, blocks);
  MakeHashKey(blocks, expanded->hash_key);
  WipeMemory(blocks, sizeof(blocks));
}

void Tag(const AesGcmKey &key, const uint8_t *nonce, const uint8_t *header, size_t header_size,
         const uint8_t *data, size_t size, uint8_t *tag) {
  const Element hash_key = {key.hash_key[0], key.hash_key[1]};
  Element state = {0, 0};
  HashBytes(hash_key, header, header_size, &state);
  HashBytes(hash_key, data, size, &state);
  state.low ^= uint64_t{size} * 8;
  state.high ^= uint64_t{header_size} * 8;
  state = Multiply(state, hash_key);
  uint8_t mask[16 * kBlocks] = {};
  std::memcpy(mask, nonce, kNonceBytes);
  mask[15] = 1;
  EncryptBlocks(key.round_keys, mask);
  StoreBigEndian(state.high, tag);
  StoreBigEndian(state.low, tag + 8);
  for (size_t i = 0; i < kTagBytes; ++i) tag[i] ^= mask[i];
}

void Crypt(const AesGcmKey &key, const uint8_t *nonce, const uint8_t *in, size_t size,
           uint8_t *out) {
  uint8_t stream[16 * kBlocks];
  uint32_t count = 2;  // 1 is that of the tag
  for (size_t done = 0; done < size; done += sizeof(stream)) {
    for (size_t block = 0; block < kBlocks; ++block, ++count) {
      std::memcpy(stream + 16 * block, nonce, kNonceBytes);
      for (size_t i = 0; i < 4; ++i) {
        stream[16 * block + 12 + i] = static_cast<uint8_t>(count >> (24 - 8 * i));
      }
    }
    EncryptBlocks(key.round_keys, stream);
    const size_t now = size - done < sizeof(stream) ? size - done : sizeof(stream);
    for (size_t i = 0; i < now; ++i) out[done + i] = in[done + i] ^ stream[i];
  }
  WipeMemory(stream, sizeof(stream));
}

}  // namespace

extern const AesGcmKernels kPortableKernels;
const AesGcmKernels kPortableKernels = {Init, Tag, Crypt};

}  // namespace crypto
}  // namespace mace
