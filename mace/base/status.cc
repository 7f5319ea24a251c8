// SPDX-License-Identifier: Apache-2.0
// Text of a MaceStatus, and how messages are put together.
#include "mace/base/status.h"

#include <cstdio>
#include <cstring>

namespace mace {

std::string MaceStatus::information() const {
  const char *name = "MACE_SUCCESS";
  switch (code_) {
    case MACE_SUCCESS:
      break;
    case MACE_INVALID_ARGS:
      name = "MACE_INVALID_ARGS";
      break;
    case MACE_OUT_OF_RESOURCES:
      name = "MACE_OUT_OF_RESOURCES";
      break;
    case MACE_UNSUPPORTED:
      name = "MACE_UNSUPPORTED";
      break;
    case MACE_RUNTIME_ERROR:
      name = "MACE_RUNTIME_ERROR";
      break;
  }
  return information_.empty() ? name : std::string(name) + ": " + information_;
}

namespace internal {

TextPiece::TextPiece(const char *text)
    : begin_(text == nullptr ? "(null)" : text), size_(std::strlen(begin_)) {}

TextPiece::TextPiece(double number) {
  size_ = static_cast<size_t>(std::snprintf(buffer_, sizeof(buffer_), "%.9g", number));
}

void TextPiece::FromSigned(int64_t number) {
  size_ = static_cast<size_t>(
      std::snprintf(buffer_, sizeof(buffer_), "%lld", static_cast<long long>(number)));  // NOLINT
}

void TextPiece::FromUnsigned(uint64_t number) {
  size_ = static_cast<size_t>(std::snprintf(buffer_, sizeof(buffer_), "%llu",
                                            static_cast<unsigned long long>(number)));  // NOLINT
}

std::string Join(std::initializer_list<TextPiece> pieces) {
  std::string text;
  for (const TextPiece &piece : pieces) piece.AppendTo(&text);
  return text;
}

MaceStatus MakeStatus(MaceStatus::Code code, std::initializer_list<TextPiece> pieces) {
  std::string text;
  for (char c : Join(pieces)) {
    if (c == '\n') {
      text += "\\n";
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      char escaped[8];
      std::snprintf(escaped, sizeof(escaped), "\\x%02x", static_cast<unsigned char>(c));
      text += escaped;
    } else {
      text += c;
    }
  }
  return MaceStatus(code, std::move(text));
}

}  // namespace internal

}  // namespace mace
