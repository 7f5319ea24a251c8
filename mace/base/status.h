// SPDX-License-Identifier: Apache-2.0
// Short ways to make and pass on a MaceStatus. Messages are sentences: what, where, why, what to
// do.
#ifndef MACE_BASE_STATUS_H_
#define MACE_BASE_STATUS_H_

#include <cstdint>
#include <initializer_list>
#include <string>
#include <type_traits>
#include <utility>

#include "mace/public/mace.h"

namespace mace {

namespace internal {

// One part of a message: text as it is, numbers in decimal. Keeps the code of each message small.
class TextPiece {
 public:
  TextPiece(const char *text);        // NOLINT(runtime/explicit)
  TextPiece(const std::string &text)  // NOLINT(runtime/explicit)
      : begin_(text.data()), size_(text.size()) {}
  TextPiece(char c) : size_(1) { buffer_[0] = c; }                     // NOLINT(runtime/explicit)
  TextPiece(float number) : TextPiece(static_cast<double>(number)) {}  // NOLINT(runtime/explicit)
  TextPiece(double number);                                            // NOLINT(runtime/explicit)
  TextPiece(bool value) : TextPiece(value ? "true" : "false") {}       // NOLINT(runtime/explicit)
  template <typename T, typename = std::enable_if_t<std::is_integral_v<T> || std::is_enum_v<T>>>
  TextPiece(T number) {  // NOLINT(runtime/explicit)
    if constexpr (std::is_unsigned_v<T>) {
      FromUnsigned(number);
    } else {
      FromSigned(static_cast<int64_t>(number));
    }
  }

  void AppendTo(std::string *text) const {
    text->append(begin_ == nullptr ? buffer_ : begin_, size_);
  }

 private:
  void FromSigned(int64_t number);
  void FromUnsigned(uint64_t number);

  const char *begin_ = nullptr;  // null: the text is in buffer_
  size_t size_ = 0;
  char buffer_[24];
};

std::string Join(std::initializer_list<TextPiece> pieces);
// Control characters are escaped: names come from files and must not break lines of a log.
MaceStatus MakeStatus(MaceStatus::Code code, std::initializer_list<TextPiece> pieces);

}  // namespace internal

// "a", 1, std::string("b") -> "a1b".
template <typename... Args>
std::string MakeString(const Args &...args) {
  return internal::Join({internal::TextPiece(args)...});
}

template <typename... Args>
MaceStatus InvalidArgs(const Args &...args) {
  return internal::MakeStatus(MaceStatus::MACE_INVALID_ARGS, {internal::TextPiece(args)...});
}
template <typename... Args>
MaceStatus OutOfResources(const Args &...args) {
  return internal::MakeStatus(MaceStatus::MACE_OUT_OF_RESOURCES, {internal::TextPiece(args)...});
}
template <typename... Args>
MaceStatus Unsupported(const Args &...args) {
  return internal::MakeStatus(MaceStatus::MACE_UNSUPPORTED, {internal::TextPiece(args)...});
}
template <typename... Args>
MaceStatus RuntimeError(const Args &...args) {
  return internal::MakeStatus(MaceStatus::MACE_RUNTIME_ERROR, {internal::TextPiece(args)...});
}

}  // namespace mace

#define MACE_RETURN_IF_ERROR(expression)           \
  do {                                             \
    ::mace::MaceStatus mace_status = (expression); \
    if (!mace_status.ok()) return mace_status;     \
  } while (false)

#endif  // MACE_BASE_STATUS_H_
