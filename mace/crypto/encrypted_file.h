// SPDX-License-Identifier: Apache-2.0
// The encrypted forms of model.pb and model.data:
//   header (64 bytes, authenticated with every chunk; numbers little-endian)
//      0  "MACEENC1"
//      8  uint32 what it is: 0 model.pb, 1 model.data
//     12  uint32 bytes of a chunk, kEncryptedChunk
//     16  uint64 bytes of the content
//     24  8 bytes, others for each content: nonce of chunk i = these, then uint32 i big-endian
//     32  16 bytes, others for each model: the same in model.pb and in its model.data
//     48  16 zeros
//   chunks: AES-256-GCM of the next kEncryptedChunk bytes (the last one: of what is left, perhaps
//      none), then its tag of 16 bytes
#ifndef MACE_CRYPTO_ENCRYPTED_FILE_H_
#define MACE_CRYPTO_ENCRYPTED_FILE_H_

#include <cstddef>
#include <cstdint>

#include "mace/base/status.h"
#include "mace/crypto/secret_memory.h"

namespace mace {

constexpr size_t kEncryptedHeader = 64;
constexpr uint32_t kEncryptedChunk = 1u << 20;
enum class EncryptedKind : uint32_t { kGraph = 0, kData = 1 };

// Which model.data belongs to a model.pb.
struct ModelPair {
  uint8_t id[16];
};

// Whether this begins as an encrypted file does.
bool IsEncrypted(const void *file, size_t size);

// Decrypts a whole file. Nothing is in `content` unless key and file are right: INVALID_ARGS for a
// wrong or missing key, for a changed file and for one of another kind; UNSUPPORTED when this build
// cannot decrypt.
MaceStatus DecryptFile(const void *file, size_t size, EncryptedKind kind, const ModelKey &key,
                       SecretMemory *content, ModelPair *pair);

}  // namespace mace

#endif  // MACE_CRYPTO_ENCRYPTED_FILE_H_
