// SPDX-License-Identifier: Apache-2.0
// Builds that do not read encrypted models.
#include <cstring>

#include "mace/crypto/encrypted_file.h"

namespace mace {

bool IsEncrypted(const void *file, size_t size) {
  return file != nullptr && size >= 8 && std::memcmp(file, "MACEENC1", 8) == 0;
}

MaceStatus DecryptFile(const void *, size_t, EncryptedKind, const ModelKey &, SecretMemory *,
                       ModelPair *) {
  return Unsupported(
      "the model is encrypted, and this build of MACE cannot decrypt; build it with "
      "--define=encryption=true");
}

}  // namespace mace
