// SPDX-License-Identifier: Apache-2.0
// Statuses of builds with --define=messages=short: a source line, names and numbers.
#include <string>

#include "gtest/gtest.h"
#include "mace/base/status.h"

namespace mace {
namespace {

// What a message says after the line that it is from; "" if it is not from there.
std::string AfterLine(const MaceStatus &status, int line) {
  const std::string &message = status.message();
  const std::string from = "short_messages_test.cc " + std::to_string(line);
  const size_t at = message.find(from);
  return at == std::string::npos ? "" : "from" + message.substr(at + from.size());
}

TEST(ShortMessages, KeepNamesAndNumbers) {
  const std::string name = "conv\n1";
  const char *what = "input", *none = nullptr;
  MaceStatus status = InvalidArgs("tensor '", name, "' has ", 3, " of ", 2.5, true);
  EXPECT_EQ(AfterLine(status, __LINE__ - 1), "from conv\\n1 3 2.5 true");
  EXPECT_EQ(status.code(), MaceStatus::MACE_INVALID_ARGS);
  status = Unsupported(name, ": ", what, " is not there", none);
  EXPECT_EQ(AfterLine(status, __LINE__ - 1), "from conv\\n1 input");
  EXPECT_EQ(status.code(), MaceStatus::MACE_UNSUPPORTED);
  status = RuntimeError(what, std::string(), "");
  EXPECT_EQ(AfterLine(status, __LINE__ - 1), "from input");
  EXPECT_EQ(status.code(), MaceStatus::MACE_RUNTIME_ERROR);
  status = OutOfResources("a sentence alone");
  EXPECT_EQ(AfterLine(status, __LINE__ - 1), "from");
  EXPECT_EQ(status.code(), MaceStatus::MACE_OUT_OF_RESOURCES);
}

TEST(ShortMessages, OtherTextIsWhole) { EXPECT_EQ(MakeString("a", 1, "b"), "a1b"); }

}  // namespace
}  // namespace mace
