// SPDX-License-Identifier: Apache-2.0
// Encrypted files: what is decrypted, and what is refused with nothing decrypted.
#include "mace/crypto/encrypted_file.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "mace/crypto/aes_gcm.h"

namespace mace {
namespace {

using Bytes = std::vector<uint8_t>;

const Bytes kKey(ModelKey::kBytes, 0x5a);

void Put(uint64_t value, int count, uint8_t *at) {
  for (int i = 0; i < count; ++i) at[i] = static_cast<uint8_t>(value >> (8 * i));
}

Bytes Encrypt(const Bytes &content, EncryptedKind kind) {
  Bytes file(kEncryptedHeader);
  std::memcpy(file.data(), "MACEENC1", 8);
  Put(static_cast<uint64_t>(kind), 4, &file[8]);
  Put(kEncryptedChunk, 4, &file[12]);
  Put(content.size(), 8, &file[16]);
  for (size_t i = 24; i < 48; ++i) file[i] = static_cast<uint8_t>(i);
  const crypto::AesGcm cipher(kKey.data());
  uint8_t nonce[crypto::kNonceBytes] = {};
  std::memcpy(nonce, &file[24], 8);
  for (size_t done = 0; done == 0 || done < content.size(); done += kEncryptedChunk, ++nonce[11]) {
    const size_t now = std::min<size_t>(content.size() - done, kEncryptedChunk), at = file.size();
    file.resize(at + now + crypto::kTagBytes);
    cipher.Seal(nonce, file.data(), kEncryptedHeader, content.data() + done, now, &file[at],
                &file[at + now]);
  }
  return file;
}

ModelKey Key() {
  ModelKey key;
  EXPECT_TRUE(key.Set(kKey.data(), kKey.size()).ok());
  return key;
}

std::string Refused(const Bytes &file, EncryptedKind kind = EncryptedKind::kData,
                    const ModelKey &key = Key()) {
  // Of its exact size, so that a sanitizer sees what is read behind it.
  const Bytes exact(file);
  SecretMemory content;
  ModelPair pair;
  const MaceStatus status = DecryptFile(exact.data(), exact.size(), kind, key, &content, &pair);
  EXPECT_EQ(status.code(), MaceStatus::MACE_INVALID_ARGS) << status.information();
  EXPECT_EQ(content.data(), nullptr);
  return status.message();
}

testing::AssertionResult Says(const std::string &text, const char *part) {
  if (text.find(part) != std::string::npos) return testing::AssertionSuccess();
  return testing::AssertionFailure() << text;
}

TEST(EncryptedFile, AllSizes) {
  for (size_t size :
       {size_t{0}, size_t{1}, size_t{1000}, size_t{kEncryptedChunk - 1}, size_t{kEncryptedChunk},
        size_t{kEncryptedChunk + 1}, size_t{2 * kEncryptedChunk}}) {
    Bytes plain(size);
    for (size_t i = 0; i < size; ++i) plain[i] = static_cast<uint8_t>(i * 7 + i / 1000);
    const Bytes file = Encrypt(plain, EncryptedKind::kGraph);
    SecretMemory content;
    ModelPair pair;
    const MaceStatus status =
        DecryptFile(file.data(), file.size(), EncryptedKind::kGraph, Key(), &content, &pair);
    ASSERT_TRUE(status.ok()) << status.information();
    ASSERT_EQ(content.size(), size);
    EXPECT_TRUE(size == 0 || std::memcmp(content.data(), plain.data(), size) == 0);
    EXPECT_EQ(std::memcmp(pair.id, &file[32], 16), 0);
  }
}

TEST(EncryptedFile, WrongAndMissingKeys) {
  const Bytes file = Encrypt(Bytes(100, 7), EncryptedKind::kData);
  EXPECT_TRUE(Says(Refused(file, EncryptedKind::kData, ModelKey()), "no key is given"));
  Bytes other = kKey;
  other[31] ^= 1;
  ModelKey key;
  ASSERT_TRUE(key.Set(other.data(), other.size()).ok());
  EXPECT_TRUE(Says(Refused(file, EncryptedKind::kData, key), "the key is not the one"));
  EXPECT_TRUE(Says(Refused(file, EncryptedKind::kGraph), "is another file"));
  EXPECT_EQ(key.Set(other.data(), 16).code(), MaceStatus::MACE_INVALID_ARGS);
  EXPECT_EQ(key.Set(nullptr, 32).code(), MaceStatus::MACE_INVALID_ARGS);
}

TEST(EncryptedFile, EveryBitAndEveryLengthCounts) {
  const Bytes file = Encrypt(Bytes(20, 7), EncryptedKind::kData);
  for (size_t bit = 64; bit < 8 * file.size(); ++bit) {
    Bytes changed = file;
    changed[bit / 8] ^= 1 << bit % 8;
    Refused(changed);
  }
  for (size_t size = 8; size < file.size(); ++size) {
    Refused(Bytes(file.begin(), file.begin() + static_cast<ptrdiff_t>(size)));
  }
  Bytes longer = file;
  longer.push_back(0);
  Refused(longer);
}

TEST(EncryptedFile, ChunksKeepTheirPlaces) {
  const size_t chunk = kEncryptedChunk + crypto::kTagBytes;
  Bytes file = Encrypt(Bytes(2 * kEncryptedChunk, 7), EncryptedKind::kData);
  std::swap_ranges(file.begin() + kEncryptedHeader,
                   file.begin() + static_cast<ptrdiff_t>(kEncryptedHeader + chunk),
                   file.begin() + static_cast<ptrdiff_t>(kEncryptedHeader + chunk));
  EXPECT_TRUE(Says(Refused(file), "or the file was changed"));
}

TEST(EncryptedFile, SizesThatNoMemoryHas) {
  Bytes file = Encrypt(Bytes(20, 7), EncryptedKind::kData);
  for (uint64_t size : {~uint64_t{0}, ~uint64_t{0} - 15, uint64_t{1} << 63, uint64_t{21}}) {
    Put(size, 8, &file[16]);
    EXPECT_TRUE(Says(Refused(file), "its header tells of others"));
  }
}

TEST(SecretMemoryTest, ReleasedPartsAreZero) {
  SecretMemory memory;
  ASSERT_TRUE(memory.Allocate(300000).ok());
  std::memset(memory.data(), 0x11, memory.size());
  memory.Release(100, 200000);
  EXPECT_EQ(memory.data()[99], 0x11);
  EXPECT_EQ(memory.data()[100000], 0);
  EXPECT_EQ(memory.data()[200100], 0x11);
  memory.Release(299999, 1000);
  memory.Release(400000, 1000);
  memory.Free();
  EXPECT_EQ(memory.data(), nullptr);
}

}  // namespace
}  // namespace mace
