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

#ifdef MACE_SHORT_MESSAGES

#if __has_builtin(__builtin_FILE_NAME)
#define MACE_FILE_NAME __builtin_FILE_NAME()
#else
#define MACE_FILE_NAME __builtin_FILE()
#endif

// Instead of its sentence a message says where it is from, and then the names and numbers of it
// ("net.cc 195 conv1 Conv2D"): the sentences are a tenth of the engine.
namespace internal {

struct FirstPiece {
  template <size_t size>
  FirstPiece(const char (&)[size], const char *in = MACE_FILE_NAME,  // NOLINT
             int at = __builtin_LINE())
      : file(in), line(at), text(nullptr) {}
  FirstPiece(const std::string &piece, const char *in = MACE_FILE_NAME,  // NOLINT
             int at = __builtin_LINE())
      : file(in), line(at), text(piece.c_str()) {}
  template <typename T, typename = std::enable_if_t<std::is_same_v<T, const char *>>>
  FirstPiece(const T &piece, const char *in = MACE_FILE_NAME,  // NOLINT
             int at = __builtin_LINE())
      : file(in), line(at), text(piece) {}

  const char *file;
  int line;
  const char *text;  // null: part of the sentence
};

// Passes those pieces on that are no part of the sentence, of which the first `left` are looked at.
template <char... kinds>
struct ShortMessage {
  template <size_t left, typename T, typename... More>
  __attribute__((always_inline)) static MaceStatus Make(const T &piece, const More &...more) {
    if constexpr (left == 0) {
      return MakeStatus(Kinds<kinds...>::kText, piece, more...);
    } else if constexpr (std::is_array_v<T>) {
      return ShortMessage<kinds...>::template Make<left - 1>(more...);
    } else {
      return ShortMessage<kinds..., kKind<T>>::template Make<left - 1>(more...,
                                                                       TextPiece::Pass(piece));
    }
  }
};

}  // namespace internal

#undef MACE_FILE_NAME
#define MACE_STATUS_FUNCTION(name, code)                                                   \
  template <typename... Args>                                                              \
  __attribute__((always_inline)) inline MaceStatus name(const internal::FirstPiece &first, \
                                                        const Args &...args) {             \
    return internal::ShortMessage<MaceStatus::code, 's', 'd', 's'>::Make<sizeof...(Args)>( \
        args..., first.file, static_cast<long long>(first.line), first.text); /* NOLINT */ \
  }

#else

#define MACE_STATUS_FUNCTION(name, code)                                       \
  template <typename... Args>                                                  \
  __attribute__((always_inline)) inline MaceStatus name(const Args &...args) { \
    return internal::MakeStatus(                                               \
        internal::Kinds<MaceStatus::code, internal::kKind<Args>...>::kText,    \
        internal::TextPiece::Pass(args)...);                                   \
  }

#endif

MACE_STATUS_FUNCTION(InvalidArgs, MACE_INVALID_ARGS)
MACE_STATUS_FUNCTION(OutOfResources, MACE_OUT_OF_RESOURCES)
MACE_STATUS_FUNCTION(Unsupported, MACE_UNSUPPORTED)
MACE_STATUS_FUNCTION(RuntimeError, MACE_RUNTIME_ERROR)
#undef MACE_STATUS_FUNCTION

}  // namespace mace

#define MACE_RETURN_IF_ERROR(expression)           \
  do {                                             \
    ::mace::MaceStatus mace_status = (expression); \
    if (!mace_status.ok()) return mace_status;     \
  } while (false)

#endif  // MACE_BASE_STATUS_H_
