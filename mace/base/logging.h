// SPDX-License-Identifier: Apache-2.0
// LOG(INFO|WARNING|ERROR|FATAL) << ..., VLOG(n) << ... and MACE_CHECK(condition) << ...
// MACE_CPP_MIN_LOG_LEVEL=n drops lines below level n (0 INFO, 1 WARNING, 2 ERROR, 3 FATAL; 4 drops
// all) and MACE_CPP_MIN_VLOG_LEVEL=n shows VLOG lines up to n (default 0: none). FATAL aborts: it
// is for mistakes of our own, never for input. No iostream, which would double the library's size.
#ifndef MACE_BASE_LOGGING_H_
#define MACE_BASE_LOGGING_H_

#include <string>
#include <type_traits>

namespace mace {

enum LogSeverity { INFO = 0, WARNING = 1, ERROR = 2, FATAL = 3 };

// Levels read once from the environment.
int MinLogLevel();
int MaxVlogLevel();

// One line; written with a single call when it goes out of scope, to standard error (on Android:
// to the system's log, tag MACE).
class LogMessage {
 public:
  LogMessage(const char *file, int line, LogSeverity severity)
      : file_(file), line_(line), severity_(severity) {}
  ~LogMessage();
  LogMessage(const LogMessage &) = delete;
  LogMessage &operator=(const LogMessage &) = delete;

  LogMessage &operator<<(const char *text) {
    text_ += text == nullptr ? "(null)" : text;
    return *this;
  }
  LogMessage &operator<<(const std::string &text) {
    text_ += text;
    return *this;
  }
  LogMessage &operator<<(char c) {
    text_ += c;
    return *this;
  }
  LogMessage &operator<<(bool value) { return *this << (value ? "true" : "false"); }
  LogMessage &operator<<(double value);
  template <typename T, typename = std::enable_if_t<std::is_integral_v<T> || std::is_enum_v<T>>>
  LogMessage &operator<<(T value) {
    return AddInteger(static_cast<long long>(value));  // NOLINT(runtime/int)
  }

 private:
  LogMessage &AddInteger(long long value);  // NOLINT(runtime/int)

  const char *file_;
  int line_;
  LogSeverity severity_;
  std::string text_;
};

namespace internal {
// Gives both branches of the conditional in LOG() the type void.
struct Voidify {
  void operator&(const LogMessage &) {}
};
}  // namespace internal

}  // namespace mace

#define MACE_LOG_IF(severity, condition) \
  !(condition)                           \
      ? static_cast<void>(0)             \
      : ::mace::internal::Voidify() & ::mace::LogMessage(__FILE__, __LINE__, severity) << ""
#define LOG(severity)           \
  MACE_LOG_IF(::mace::severity, \
              ::mace::severity >= ::mace::MinLogLevel() || ::mace::severity == ::mace::FATAL)
#define VLOG_IS_ON(level) ((level) <= ::mace::MaxVlogLevel())
#define VLOG(level) MACE_LOG_IF(::mace::INFO, VLOG_IS_ON(level))
#define MACE_CHECK(condition) \
  MACE_LOG_IF(::mace::FATAL, !(condition)) << "Check failed: " #condition " "

#endif  // MACE_BASE_LOGGING_H_
