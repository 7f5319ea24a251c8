// SPDX-License-Identifier: Apache-2.0
// Decrypts the files of a model.
#include "mace/crypto/encrypted_file.h"

#include <algorithm>
#include <cstring>

#include "mace/crypto/aes_gcm.h"

namespace mace {

namespace {

constexpr char kMagic[] = "MACEENC1";

uint64_t LittleEndian(const uint8_t *bytes, int count) {
  uint64_t value = 0;
  for (int i = count - 1; i >= 0; --i) value = value << 8 | bytes[i];
  return value;
}

const char *FileName(EncryptedKind kind) {
  return kind == EncryptedKind::kGraph ? "model.pb" : "model.data";
}

// The size of the content, when the header is possible.
MaceStatus ReadHeader(const uint8_t *file, size_t size, EncryptedKind kind, size_t *content_size) {
  const char *name = FileName(kind);
  if (!IsEncrypted(file, size) || size < kEncryptedHeader) {
    return InvalidArgs("the encrypted ", name, " ends in its header; copy or convert it again");
  }
  if (LittleEndian(file + 8, 4) != static_cast<uint32_t>(kind)) {
    return InvalidArgs("what is given as ", name,
                       " is another file of an encrypted model; give the right one");
  }
  const uint64_t content = LittleEndian(file + 16, 8), available = size - kEncryptedHeader;
  const uint64_t chunks = content / kEncryptedChunk + (content % kEncryptedChunk != 0);
  const uint64_t tags = std::max<uint64_t>(chunks, 1) * crypto::kTagBytes;
  if (LittleEndian(file + 12, 4) != kEncryptedChunk || content > available ||
      available - content != tags) {
    return InvalidArgs("the encrypted ", name, " has ", size,
                       " bytes, and its header tells of others; copy or convert it again");
  }
  *content_size = static_cast<size_t>(content);
  return MaceStatus::MACE_SUCCESS;
}

}  // namespace

bool IsEncrypted(const void *file, size_t size) {
  return file != nullptr && size >= 8 && std::memcmp(file, kMagic, 8) == 0;
}

MaceStatus DecryptFile(const void *file, size_t size, EncryptedKind kind, const ModelKey &key,
                       SecretMemory *content, ModelPair *pair) {
  const uint8_t *bytes = static_cast<const uint8_t *>(file);
  size_t left = 0;
  MACE_RETURN_IF_ERROR(ReadHeader(bytes, size, kind, &left));
  if (!key.given()) {
    return InvalidArgs("the model is encrypted, and no key is given; set the model key");
  }
  MACE_RETURN_IF_ERROR(content->Allocate(left));
  std::memcpy(pair->id, bytes + 32, sizeof(pair->id));
  const crypto::AesGcm cipher(key.data());
  uint8_t nonce[crypto::kNonceBytes];
  std::memcpy(nonce, bytes + 24, 8);
  const uint8_t *in = bytes + kEncryptedHeader;
  uint8_t *out = content->data();
  // A content of no bytes has one empty chunk, whose tag vouches for the header.
  for (uint32_t chunk = 0; chunk == 0 || left > 0; ++chunk) {
    const size_t now = std::min<size_t>(left, kEncryptedChunk);
    for (int i = 0; i < 4; ++i) nonce[8 + i] = static_cast<uint8_t>(chunk >> (24 - 8 * i));
    if (!cipher.Open(nonce, bytes, kEncryptedHeader, in, now, in + now, out)) {
      content->Free();
      return InvalidArgs("the encrypted ", FileName(kind),
                         " cannot be decrypted: the key is not the one that it was encrypted "
                         "with, or the file was changed");
    }
    in += now + crypto::kTagBytes;
    out += now;
    left -= now;
  }
  return MaceStatus::MACE_SUCCESS;
}

}  // namespace mace
