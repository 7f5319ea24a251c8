// SPDX-License-Identifier: Apache-2.0
// Statuses: whose the sentence is after copies and moves, and what pieces become in it.
#include "mace/base/status.h"

#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

namespace mace {
namespace {

enum Plain { kSeven = 7 };
enum class Scoped : uint8_t { kMost = 255 };

// Longer than what a string holds in itself.
const char kLong[] = "a sentence that says what, where, why and what to do";

TEST(Status, MessagesAreOneLine) {
  const MaceStatus status =
      InvalidArgs("tensor '", std::string("a\n\"b\x01\x7f"), "' has ", 3, " of ", uint64_t{5}, ", ",
                  1.5f, ", ", true, ", ", 'c', ", ", int64_t{-7});
  EXPECT_EQ(status.information(),
            "MACE_INVALID_ARGS: tensor 'a\\n\"b\\x01\\x7f' has 3 of 5, 1.5, true, c, -7");
  EXPECT_EQ(OutOfResources("x").information(), "MACE_OUT_OF_RESOURCES: x");
  EXPECT_EQ(Unsupported("x").information(), "MACE_UNSUPPORTED: x");
  EXPECT_EQ(RuntimeError("x").information(), "MACE_RUNTIME_ERROR: x");
}

TEST(Status, EveryKindOfPiece) {
  EXPECT_EQ(MakeString(), "");
  EXPECT_EQ(MakeString(int8_t{-1}, " ", uint8_t{200}, " ", int16_t{-2}, " ", uint16_t{3}, " ", -4L,
                       " ", 5UL, " ", false),
            "-1 200 -2 3 -4 5 false");
  EXPECT_EQ(
      MakeString(std::numeric_limits<int64_t>::min(), " ", std::numeric_limits<uint64_t>::max()),
      "-9223372036854775808 18446744073709551615");
  EXPECT_EQ(MakeString(-1.25, " ", 1e300, " ", 0.1f), "-1.25 1e+300 0.100000001");
  EXPECT_EQ(MakeString(kSeven, " ", Scoped::kMost), "7 255");
  const char *text = "text";
  char array[8] = "array";
  const char *none = nullptr;
  EXPECT_EQ(MakeString(text, array, none, std::string("a\0b", 3)),
            std::string("textarray(null)a\0b", 18));
  // More than the registers that carry arguments, of both kinds.
  EXPECT_EQ(MakeString(1, 'a', 2, 'b', 3, 'c', 4, 'd', 5, 1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5, 8.5,
                       9.5, -1, std::string("z")),
            "1a2b3c4d51.52.53.54.55.56.57.58.59.5-1z");
  const std::string longer(100000, 'x');
  EXPECT_EQ(InvalidArgs(longer, longer).message(), longer + longer);
}

TEST(Status, SuccessHasNoSentence) {
  for (const MaceStatus &status : {MaceStatus(), MaceStatus(MaceStatus::MACE_SUCCESS),
                                   MaceStatus(MaceStatus::MACE_SUCCESS, kLong)}) {
    EXPECT_TRUE(status.ok());
    EXPECT_EQ(status.code(), MaceStatus::MACE_SUCCESS);
    EXPECT_EQ(status.message(), "");
    EXPECT_EQ(status.information(), "MACE_SUCCESS");
    EXPECT_TRUE(status == MaceStatus());
  }
}

TEST(Status, ErrorsCompareByTheirCodes) {
  const MaceStatus status = MaceStatus::MACE_RUNTIME_ERROR;
  EXPECT_FALSE(status.ok());
  EXPECT_EQ(status.message(), "");
  EXPECT_EQ(status.information(), "MACE_RUNTIME_ERROR");
  EXPECT_EQ(MaceStatus(MaceStatus::MACE_UNSUPPORTED, "").information(), "MACE_UNSUPPORTED");
  EXPECT_TRUE(status == RuntimeError("x"));
  EXPECT_TRUE(status != InvalidArgs("x"));
  EXPECT_TRUE(status != MaceStatus());
  EXPECT_TRUE(status == MaceStatus::MACE_RUNTIME_ERROR);
  EXPECT_TRUE(status != MaceStatus::MACE_SUCCESS);
}

TEST(Status, CopiesHaveSentencesOfTheirOwn) {
  MaceStatus first = InvalidArgs(kLong);
  const MaceStatus second = first;
  EXPECT_NE(&first.message(), &second.message());
  first = Unsupported("other");
  EXPECT_EQ(second.message(), kLong);
  EXPECT_EQ(second.code(), MaceStatus::MACE_INVALID_ARGS);
  first = second;
  EXPECT_EQ(first.message(), kLong);
  const MaceStatus &same = first;
  first = same;
  EXPECT_EQ(first.message(), kLong);
  first = MaceStatus::MACE_SUCCESS;
  EXPECT_TRUE(first.ok());
  first = MaceStatus();
  EXPECT_TRUE(MaceStatus(first).ok());
}

TEST(Status, MovedFromIsSuccess) {
  MaceStatus first = InvalidArgs(kLong);
  const std::string *sentence = &first.message();
  MaceStatus second = std::move(first);
  EXPECT_EQ(&second.message(), sentence);
  EXPECT_TRUE(first.ok());  // NOLINT(bugprone-use-after-move)
  first = std::move(second);
  EXPECT_EQ(first.message(), kLong);
  EXPECT_EQ(second.message(), "");  // NOLINT(bugprone-use-after-move)
  MaceStatus &same = first;
  first = std::move(same);
  EXPECT_EQ(first.message(), kLong);
  second = RuntimeError("used again");
  EXPECT_EQ(second.message(), "used again");
  std::vector<MaceStatus> many(3, first);
  many.resize(1000);
  many.erase(many.begin());
  EXPECT_EQ(many[1].message(), kLong);
  EXPECT_TRUE(many.back().ok());
}

MaceStatus PassOn(const MaceStatus &status, int *after) {
  MACE_RETURN_IF_ERROR(status);
  ++*after;
  return MaceStatus::MACE_SUCCESS;
}

TEST(Status, IsPassedOnWhenItIsAnError) {
  int after = 0;
  EXPECT_EQ(PassOn(InvalidArgs(kLong), &after).message(), kLong);
  EXPECT_EQ(after, 0);
  EXPECT_TRUE(PassOn(MaceStatus(), &after).ok());
  EXPECT_EQ(after, 1);
}

}  // namespace
}  // namespace mace
