// SPDX-License-Identifier: Apache-2.0
// Every implementation gives what NIST's publications and the authors of GCM say, and all agree.
#include "mace/crypto/aes_gcm.h"

#include <algorithm>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace mace {
namespace crypto {
namespace {

using Bytes = std::vector<uint8_t>;

Bytes Hex(const std::string &text) {
  Bytes bytes;
  for (size_t i = 0; i + 1 < text.size(); i += 2) {
    bytes.push_back(static_cast<uint8_t>(std::stoi(text.substr(i, 2), nullptr, 16)));
  }
  return bytes;
}

struct Vector {
  const char *key, *nonce, *header, *plain, *cipher, *tag;
};

constexpr char kKey[] = "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308";
constexpr char kPlain[] =
    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b5"
    "25b16aedf5aa0de657ba637b391aafd255";
constexpr char kCipher[] =
    "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b10568288"
    "38c5f61e6393ba7a0abcc9f662898015ad";

// Test cases 13 to 15 of McGrew and Viega, "The Galois/Counter Mode of Operation".
const Vector kVectors[] = {
    {"0000000000000000000000000000000000000000000000000000000000000000", "000000000000000000000000",
     "", "", "", "530f8afbc74536b9a963b4f1c4cb738b"},
    {"0000000000000000000000000000000000000000000000000000000000000000", "000000000000000000000000",
     "", "00000000000000000000000000000000", "cea7403d4d606b6e074ec5d3baf39d18",
     "d0d1c8a799996bf0265b98b5d48ab919"},
    {kKey, "cafebabefacedbaddecaf888", "", kPlain, kCipher, "b094dac5d93471bdec1a502270e3cc6c"},
};

class AesGcmTest : public testing::TestWithParam<int> {
 protected:
  void SetUp() override {
    kernels_ = AesGcmKernelsAt(GetParam());
    if (kernels_ == nullptr) kernels_ = AesGcmKernelsAt(0);  // this machine has one fewer
  }
  const AesGcmKernels *kernels_ = nullptr;
};

TEST_P(AesGcmTest, PublishedVectors) {
  for (const Vector &vector : kVectors) {
    const Bytes plain = Hex(vector.plain), header = Hex(vector.header), nonce = Hex(vector.nonce);
    const AesGcm cipher(Hex(vector.key).data(), kernels_);
    Bytes made(plain.size()), tag(kTagBytes), back(plain.size());
    cipher.Seal(nonce.data(), header.data(), header.size(), plain.data(), plain.size(), made.data(),
                tag.data());
    EXPECT_EQ(made, Hex(vector.cipher));
    EXPECT_EQ(tag, Hex(vector.tag));
    EXPECT_TRUE(cipher.Open(nonce.data(), header.data(), header.size(), made.data(), made.size(),
                            tag.data(), back.data()));
    EXPECT_EQ(back, plain);
  }
}

TEST_P(AesGcmTest, PublishedVectorWithHeader) {
  // Test case 16: the last block is not whole.
  Bytes plain = Hex(kPlain), expected = Hex(kCipher);
  plain.resize(60);
  expected.resize(60);
  const Bytes header = Hex("feedfacedeadbeeffeedfacedeadbeefabaddad2");
  const Bytes nonce = Hex("cafebabefacedbaddecaf888");
  const AesGcm cipher(Hex(kKey).data(), kernels_);
  Bytes made(60), tag(kTagBytes);
  cipher.Seal(nonce.data(), header.data(), header.size(), plain.data(), 60, made.data(),
              tag.data());
  EXPECT_EQ(made, expected);
  EXPECT_EQ(tag, Hex("76fc6ece0f4e1768cddf8853bb2d551b"));
}

TEST_P(AesGcmTest, KeyScheduleOfTheStandard) {
  const Bytes key = Hex("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
  AesGcmKey expanded;
  kernels_->init(key.data(), &expanded);
  // FIPS 197, C.3, round[14].k_sch.
  const Bytes last = Hex("24fc79ccbf0979e9371ac23c6d68de36");
  EXPECT_EQ(std::memcmp(expanded.round_keys + 16 * kRounds, last.data(), 16), 0);
}

TEST_P(AesGcmTest, AgreesWithTheOthersForAllSizes) {
  std::mt19937 random(7);
  Bytes key(kKeyBytes), nonce(kNonceBytes), data(600), header(64);
  for (Bytes *bytes : {&key, &nonce, &data, &header}) {
    for (uint8_t &byte : *bytes) byte = static_cast<uint8_t>(random());
  }
  const AesGcm cipher(key.data(), kernels_);
  for (int other = 0; AesGcmKernelsAt(other) != nullptr; ++other) {
    const AesGcm reference(key.data(), AesGcmKernelsAt(other));
    for (size_t size = 0; size <= data.size(); size += size < 300 ? 1 : 50) {
      Bytes made(size), tag(kTagBytes), back(size);
      cipher.Seal(nonce.data(), header.data(), size % 65, data.data(), size, made.data(),
                  tag.data());
      ASSERT_TRUE(reference.Open(nonce.data(), header.data(), size % 65, made.data(), size,
                                 tag.data(), back.data()))
          << size;
      ASSERT_TRUE(std::equal(back.begin(), back.end(), data.begin())) << size;
    }
  }
}

TEST_P(AesGcmTest, NothingChangedIsOpened) {
  Bytes key(kKeyBytes, 1), nonce(kNonceBytes, 2), data(33, 3), header(9, 4);
  const AesGcm cipher(key.data(), kernels_);
  Bytes made(data.size()), tag(kTagBytes);
  cipher.Seal(nonce.data(), header.data(), header.size(), data.data(), data.size(), made.data(),
              tag.data());
  const auto opens = [&] {
    Bytes out(data.size(), 0x77);
    const bool opened = cipher.Open(nonce.data(), header.data(), header.size(), made.data(),
                                    made.size(), tag.data(), out.data());
    EXPECT_EQ(out, opened ? data : Bytes(data.size(), 0x77));
    return opened;
  };
  EXPECT_TRUE(opens());
  for (Bytes *bytes : {&nonce, &header, &made, &tag}) {
    for (size_t bit = 0; bit < 8 * bytes->size(); ++bit) {
      (*bytes)[bit / 8] ^= 1 << bit % 8;
      EXPECT_FALSE(opens()) << bit;
      (*bytes)[bit / 8] ^= 1 << bit % 8;
    }
  }
  EXPECT_TRUE(opens());
}

INSTANTIATE_TEST_SUITE_P(Kernels, AesGcmTest, testing::Values(0, 1));

}  // namespace
}  // namespace crypto
}  // namespace mace
