// SPDX-License-Identifier: Apache-2.0
// Log lines to standard error or to Android's log.
#include "mace/base/logging.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "mace/base/status.h"

#ifdef __ANDROID__
#include <android/log.h>
#endif

namespace mace {

namespace {

void WriteLine(const std::string &line) { std::fwrite(line.data(), 1, line.size(), stderr); }

int LevelFromEnvironment(const char *name, int fallback) {
  const char *text = std::getenv(name);
  if (text == nullptr || *text == '\0') return fallback;
  char *end = nullptr;
  const long level = std::strtol(text, &end, 10);
  if (*end != '\0' || level < -1000 || level > 1000) {
    WriteLine(MakeString("W logging.cc: ", name, "=", text, " is ignored: it is not a number\n"));
    return fallback;
  }
  return static_cast<int>(level);
}

}  // namespace

int MinLogLevel() {
  static const int level = LevelFromEnvironment("MACE_CPP_MIN_LOG_LEVEL", 0);
  return level;
}

int MaxVlogLevel() {
  static const int level = LevelFromEnvironment("MACE_CPP_MIN_VLOG_LEVEL", 0);
  return level;
}

LogMessage &LogMessage::operator<<(double value) {
  char text[40];
  std::snprintf(text, sizeof(text), "%g", value);
  text_ += text;
  return *this;
}

LogMessage &LogMessage::AddInteger(long long value) {  // NOLINT(runtime/int)
  char text[24];
  std::snprintf(text, sizeof(text), "%lld", value);
  text_ += text;
  return *this;
}

LogMessage::~LogMessage() {
  const char *slash = std::strrchr(file_, '/');
  const char *file = slash == nullptr ? file_ : slash + 1;
  if (severity_ >= MinLogLevel()) {
    const std::string line = MakeString("IWEF"[severity_], " ", file, ":", line_, " ", text_, "\n");
    WriteLine(line);
#ifdef __ANDROID__
    constexpr int kPriorities[] = {ANDROID_LOG_INFO, ANDROID_LOG_WARN, ANDROID_LOG_ERROR,
                                   ANDROID_LOG_FATAL};
    __android_log_write(kPriorities[severity_], "MACE", line.c_str());
#endif
  }
  if (severity_ == FATAL) {
    std::fflush(stderr);
    std::abort();
  }
}

}  // namespace mace
