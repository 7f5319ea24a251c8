// SPDX-License-Identifier: Apache-2.0
// Text of a MaceStatus, and how messages are put together.
#include "mace/base/status.h"

#include <cstdarg>
#include <cstdio>
#include <cstring>

namespace mace {

const MaceStatus::Error *MaceStatus::New(Code code, const std::string *information) {
  return new Error{code, information == nullptr ? std::string() : *information};
}

const MaceStatus::Error *MaceStatus::Copy(const Error &error) { return new Error(error); }

void MaceStatus::Delete(const Error *error) { delete error; }

const std::string &MaceStatus::message() const {
  static const std::string *const none = new std::string();  // read even while the process ends
  return error_ == nullptr ? *none : error_->information;
}

std::string MaceStatus::information() const {
  const char *name = "MACE_SUCCESS";
  switch (code()) {
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
  return message().empty() ? name : MakeString(name, ": ", message());
}

namespace internal {

namespace {

#ifdef MACE_SHORT_MESSAGES
constexpr bool kShort = true;
#else
constexpr bool kShort = false;
#endif

// In short messages pieces of text that are null are none, and the others are apart.
void AddPieces(const char *kinds, va_list pieces, bool apart, std::string *text) {
  for (; *kinds != '\0'; ++kinds) {
    char number[32];
    const char *piece = number;
    size_t size = 1;
    switch (*kinds) {
      case 'S': {
        const std::string *string = va_arg(pieces, const std::string *);
        piece = string->data();
        size = string->size();
        break;
      }
      case 'd':
        size = static_cast<size_t>(
            std::snprintf(number, sizeof(number), "%lld", va_arg(pieces, long long)));  // NOLINT
        break;
      case 'u':
        size = static_cast<size_t>(std::snprintf(number, sizeof(number), "%llu",
                                                 va_arg(pieces, unsigned long long)));  // NOLINT
        break;
      case 'g':
        size = static_cast<size_t>(
            std::snprintf(number, sizeof(number), "%.9g", va_arg(pieces, double)));
        break;
      case 'c':
        number[0] = static_cast<char>(va_arg(pieces, int));
        break;
      default:
        piece = va_arg(pieces, const char *);
        if (piece == nullptr && apart) continue;
        if (piece == nullptr) piece = "(null)";
        size = std::strlen(piece);
    }
    if (apart && size == 0) continue;
    if (apart && !text->empty()) text->push_back(' ');
    text->append(piece, size);
  }
}

}  // namespace

std::string Join(const char *kinds, ...) {
  std::string text;
  va_list pieces;
  va_start(pieces, kinds);
  AddPieces(kinds, pieces, false, &text);
  va_end(pieces);
  return text;
}

MaceStatus MakeStatus(const char *kinds, ...) {
  std::string joined, text;
  va_list pieces;
  va_start(pieces, kinds);
  AddPieces(kinds + 1, pieces, kShort, &joined);
  va_end(pieces);
  for (char c : joined) {
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
  return MaceStatus(static_cast<MaceStatus::Code>(*kinds), text);
}

}  // namespace internal

}  // namespace mace
