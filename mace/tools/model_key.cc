// SPDX-License-Identifier: Apache-2.0
// Where the programs have the key of an encrypted model from.
#include "mace/tools/model_key.h"

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "mace/crypto/wipe.h"

namespace mace {
namespace tools {

namespace {

constexpr size_t kKeyBytes = 32;

int Digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// 64 digits, and white space after them.
bool ParseHex(const char *text, size_t size, uint8_t *key) {
  while (size > 0 && std::strchr(" \t\r\n", text[size - 1]) != nullptr) --size;
  if (size != 2 * kKeyBytes) return false;
  for (size_t i = 0; i < kKeyBytes; ++i) {
    const int high = Digit(text[2 * i]), low = Digit(text[2 * i + 1]);
    if (high < 0 || low < 0) return false;
    key[i] = static_cast<uint8_t>(high << 4 | low);
  }
  return true;
}

MaceStatus ReadKeyFile(const std::string &path, uint8_t *key) {
  std::FILE *file = std::fopen(path.c_str(), "rb");
  if (file == nullptr) {
    return InvalidArgs("the key file '", path, "' cannot be read: ", std::strerror(errno));
  }
  char text[2 * kKeyBytes + 16];
  std::setvbuf(file, nullptr, _IONBF, 0);  // no copy of the key stays in a buffer
  const size_t size = std::fread(text, 1, sizeof(text), file);
  std::fclose(file);
  bool good = true;
  if (size == kKeyBytes) {
    std::memcpy(key, text, kKeyBytes);
  } else {
    good = ParseHex(text, size, key);
  }
  WipeMemory(text, sizeof(text));
  if (good) return MaceStatus::MACE_SUCCESS;
  return InvalidArgs("the key file '", path,
                     "' holds no key: 64 hexadecimal digits or 32 bytes are expected");
}

}  // namespace

MaceStatus SetModelKey(const std::string &path, const void *shares, MaceEngineConfig *config) {
  uint8_t key[kKeyBytes] = {};
  const char *variable = std::getenv(kModelKeyVariable);
  if (!path.empty()) {
    MACE_RETURN_IF_ERROR(ReadKeyFile(path, key));
  } else if (variable != nullptr && variable[0] != '\0') {
    if (!ParseHex(variable, std::strlen(variable), key)) {
      return InvalidArgs("the environment variable ", kModelKeyVariable,
                         " holds no key: 64 hexadecimal digits are expected");
    }
  } else if (shares != nullptr) {
    const uint8_t *bytes = static_cast<const uint8_t *>(shares);
    for (size_t i = 0; i < kKeyBytes; ++i) key[i] = bytes[i] ^ bytes[kKeyBytes + i];
  } else {
    return MaceStatus::MACE_SUCCESS;
  }
  const MaceStatus status = config->SetModelKey(key, sizeof(key));
  WipeMemory(key, sizeof(key));
  return status;
}

}  // namespace tools
}  // namespace mace
