// SPDX-License-Identifier: Apache-2.0
// AES-256-GCM (FIPS 197, NIST SP 800-38D) with nonces of 12 bytes and tags of 16, for models that
// are encrypted. Time depends on sizes alone, never on key or data.
#ifndef MACE_CRYPTO_AES_GCM_H_
#define MACE_CRYPTO_AES_GCM_H_

#include <cstddef>
#include <cstdint>

namespace mace {
namespace crypto {

constexpr size_t kKeyBytes = 32;
constexpr size_t kNonceBytes = 12;
constexpr size_t kTagBytes = 16;
constexpr size_t kRounds = 14;

struct AesGcmKey {
  alignas(16) uint8_t round_keys[16 * (kRounds + 1)];
  uint64_t hash_key[2];  // low half first
};

// One implementation. Any pointer may be unaligned but that to the key's struct.
struct AesGcmKernels {
  void (*init)(const uint8_t *key, AesGcmKey *expanded);
  // The tag of the ciphertext `data` and of `header`, which is not encrypted.
  void (*tag)(const AesGcmKey &key, const uint8_t *nonce, const uint8_t *header, size_t header_size,
              const uint8_t *data, size_t size, uint8_t *tag);
  // Encrypts and, being its own inverse, decrypts; in == out is allowed. size < 2^36.
  void (*crypt)(const AesGcmKey &key, const uint8_t *nonce, const uint8_t *in, size_t size,
                uint8_t *out);
};

// What implementations share: the key schedule (FIPS 197, 5.2) with their S-box of each byte of a
// word, and the key of the hash out of what zeros are encrypted to. GHASH is computed as POLYVAL
// (RFC 8452, appendix A), which needs no reflected bits: its key is x times that of GHASH.
void ExpandKey(const uint8_t *key, uint32_t (*sub_word)(uint32_t), uint8_t *round_keys);
void MakeHashKey(const uint8_t *encrypted_zero, uint64_t *hash_key);

// Implementation i for this machine, the best one first; null after the last.
const AesGcmKernels *AesGcmKernelsAt(int i);

class AesGcm {
 public:
  // key: kKeyBytes, copied.
  explicit AesGcm(const void *key, const AesGcmKernels *kernels = AesGcmKernelsAt(0));
  ~AesGcm();
  AesGcm(const AesGcm &) = delete;
  AesGcm &operator=(const AesGcm &) = delete;

  // Checks the tag, and only when it is right writes the plaintext of `size` bytes to `out`. False:
  // another key, or something was changed.
  bool Open(const uint8_t *nonce, const uint8_t *header, size_t header_size, const uint8_t *in,
            size_t size, const uint8_t *tag, uint8_t *out) const;
  // Writes the ciphertext of `size` bytes and its tag. No nonce may be used twice with one key.
  void Seal(const uint8_t *nonce, const uint8_t *header, size_t header_size, const uint8_t *in,
            size_t size, uint8_t *out, uint8_t *tag) const;

 private:
  const AesGcmKernels *kernels_;
  AesGcmKey key_;
};

}  // namespace crypto
}  // namespace mace

#endif  // MACE_CRYPTO_AES_GCM_H_
