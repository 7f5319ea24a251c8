// SPDX-License-Identifier: Apache-2.0
// Short ways to make and pass on a MaceStatus. Messages are sentences: what, where, why, what to
// do.
#ifndef MACE_BASE_STATUS_H_
#define MACE_BASE_STATUS_H_

#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>

#include "mace/public/mace.h"

namespace mace {

namespace internal {

// Messages have one function that takes any number of pieces the way C does, as each piece then
// costs its caller an instruction or two: there are thousands of them in the library. Kinds say
// what the pieces are, one character for each, after one for the code of a status.
template <char... kinds>
struct Kinds {
  static constexpr char kText[] = {kinds..., '\0'};
};

// What is passed for a piece, and its kind.
struct TextPiece {
  static const char *Pass(const char *text) { return text; }
  static const std::string *Pass(const std::string &text) { return &text; }
  static const std::string *Pass(const std::string &&) = delete;  // gone before it is read
  static double Pass(double number) { return number; }
  static int Pass(char c) { return c; }
  static const char *Pass(bool value) { return value ? "true" : "false"; }
  template <typename T, typename = std::enable_if_t<std::is_integral_v<T> || std::is_enum_v<T>>>
  static auto Pass(T number) {
    if constexpr (std::is_unsigned_v<T>) {
      return static_cast<unsigned long long>(number);  // NOLINT(runtime/int)
    } else {
      return static_cast<long long>(number);  // NOLINT(runtime/int)
    }
  }
};

// The kind of a piece follows from what is passed for it: they cannot differ, and a type that Pass
// does not take does not compile.
constexpr char KindOf(const char *) { return 's'; }
constexpr char KindOf(const std::string *) { return 'S'; }
constexpr char KindOf(double) { return 'g'; }
constexpr char KindOf(int) { return 'c'; }
constexpr char KindOf(long long) { return 'd'; }           // NOLINT(runtime/int)
constexpr char KindOf(unsigned long long) { return 'u'; }  // NOLINT(runtime/int)

template <typename T>
constexpr char kKind = KindOf(decltype(TextPiece::Pass(std::declval<const T &>())){});

std::string Join(const char *kinds, ...);
// Control characters are escaped: names come from files and must not break lines of a log.
MaceStatus MakeStatus(const char *kinds, ...);

}  // namespace internal

// "a", 1, std::string("b") -> "a1b".
template <typename... Args>
__attribute__((always_inline)) inline std::string MakeString(const Args &...args) {
  return internal::Join(internal::Kinds<internal::kKind<Args>...>::kText,
                        internal::TextPiece::Pass(args)...);
}

template <typename... Args>
__attribute__((always_inline)) inline MaceStatus InvalidArgs(const Args &...args) {
  return internal::MakeStatus(
      internal::Kinds<MaceStatus::MACE_INVALID_ARGS, internal::kKind<Args>...>::kText,
      internal::TextPiece::Pass(args)...);
}
template <typename... Args>
__attribute__((always_inline)) inline MaceStatus OutOfResources(const Args &...args) {
  return internal::MakeStatus(
      internal::Kinds<MaceStatus::MACE_OUT_OF_RESOURCES, internal::kKind<Args>...>::kText,
      internal::TextPiece::Pass(args)...);
}
template <typename... Args>
__attribute__((always_inline)) inline MaceStatus Unsupported(const Args &...args) {
  return internal::MakeStatus(
      internal::Kinds<MaceStatus::MACE_UNSUPPORTED, internal::kKind<Args>...>::kText,
      internal::TextPiece::Pass(args)...);
}
template <typename... Args>
__attribute__((always_inline)) inline MaceStatus RuntimeError(const Args &...args) {
  return internal::MakeStatus(
      internal::Kinds<MaceStatus::MACE_RUNTIME_ERROR, internal::kKind<Args>...>::kText,
      internal::TextPiece::Pass(args)...);
}

}  // namespace mace

#define MACE_RETURN_IF_ERROR(expression)           \
  do {                                             \
    ::mace::MaceStatus mace_status = (expression); \
    if (!mace_status.ok()) return mace_status;     \
  } while (false)

#endif  // MACE_BASE_STATUS_H_
