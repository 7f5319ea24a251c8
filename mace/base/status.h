// SPDX-License-Identifier: Apache-2.0
// Short ways to make and pass on a MaceStatus. Messages are sentences: what, where, why, what to do.
#ifndef MACE_BASE_STATUS_H_
#define MACE_BASE_STATUS_H_

#include <string>
#include <utility>

#include "mace/public/mace.h"

namespace mace {

namespace internal {
inline std::string Text(const char *text) { return text; }
inline std::string Text(const std::string &text) { return text; }
inline std::string Text(char c) { return std::string(1, c); }
template <typename T>
std::string Text(T number) {
  return std::to_string(number);
}
}  // namespace internal

// "a", 1, std::string("b") -> "a1b".
template <typename... Args>
std::string MakeString(const Args &...args) {
  std::string text;
  (text.append(internal::Text(args)), ...);
  return text;
}

template <typename... Args>
MaceStatus InvalidArgs(const Args &...args) {
  return MaceStatus(MaceStatus::MACE_INVALID_ARGS, MakeString(args...));
}
template <typename... Args>
MaceStatus OutOfResources(const Args &...args) {
  return MaceStatus(MaceStatus::MACE_OUT_OF_RESOURCES, MakeString(args...));
}
template <typename... Args>
MaceStatus Unsupported(const Args &...args) {
  return MaceStatus(MaceStatus::MACE_UNSUPPORTED, MakeString(args...));
}
template <typename... Args>
MaceStatus RuntimeError(const Args &...args) {
  return MaceStatus(MaceStatus::MACE_RUNTIME_ERROR, MakeString(args...));
}

}  // namespace mace

#define MACE_RETURN_IF_ERROR(expression)          \
  do {                                            \
    ::mace::MaceStatus mace_status = (expression); \
    if (!mace_status.ok()) return mace_status;    \
  } while (false)

#endif  // MACE_BASE_STATUS_H_
