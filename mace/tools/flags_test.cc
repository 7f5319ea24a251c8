// SPDX-License-Identifier: Apache-2.0
// Flags: forms, types, and what is said of bad ones.
#include "mace/tools/flags.h"

#include "gtest/gtest.h"

namespace mace {
namespace tools {
namespace {

struct Values {
  std::string text = "default";
  int64_t number = 7;
  double real = 1.5;
  bool on = false;
};

MaceStatus Parse(std::vector<const char *> arguments, Values *values, bool *help = nullptr) {
  Flags flags;
  flags.Add("text", &values->text, "a text");
  flags.Add("number", &values->number, "a number");
  flags.Add("real", &values->real, "a real number");
  flags.Add("on", &values->on, "a switch");
  arguments.insert(arguments.begin(), "program");
  const MaceStatus status = flags.Parse(static_cast<int>(arguments.size()), arguments.data());
  if (help != nullptr) *help = flags.help();
  return status;
}

TEST(Flags, Forms) {
  Values values;
  bool help = true;
  ASSERT_TRUE(Parse({"--text=a=b", "--number", "-3", "--real=2.25", "--on"}, &values, &help).ok());
  EXPECT_EQ(values.text, "a=b");
  EXPECT_EQ(values.number, -3);
  EXPECT_EQ(values.real, 2.25);
  EXPECT_TRUE(values.on);
  EXPECT_FALSE(help);
  ASSERT_TRUE(Parse({"--noon", "--text="}, &values).ok());
  EXPECT_FALSE(values.on);
  EXPECT_EQ(values.text, "");
  ASSERT_TRUE(Parse({"--on=true"}, &values).ok());
  EXPECT_TRUE(values.on);
  ASSERT_TRUE(Parse({"--help"}, &values, &help).ok());
  EXPECT_TRUE(help);
}

TEST(Flags, Refusals) {
  const auto message = [](std::vector<const char *> arguments) {
    Values values;
    const MaceStatus status = Parse(arguments, &values);
    EXPECT_EQ(values.number, 7) << "a bad value changes nothing";
    return status.message();
  };
  EXPECT_EQ(message({"--nubmer=3"}), "there is no flag --nubmer; did you mean --number?");
  EXPECT_EQ(message({"--entirely_different"}),
            "there is no flag --entirely_different; --help lists them");
  EXPECT_EQ(message({"--number=three"}), "--number must be a whole number, not 'three'");
  EXPECT_EQ(message({"--number="}), "--number must be a whole number, not ''");
  EXPECT_EQ(message({"--number=99999999999999999999"}),
            "--number must be a whole number, not '99999999999999999999'");
  EXPECT_EQ(message({"--real=1.5x"}), "--real must be a number, not '1.5x'");
  EXPECT_EQ(message({"--on=maybe"}), "--on must be true or false, not 'maybe'");
  EXPECT_EQ(message({"--text"}), "--text needs a value");
  EXPECT_EQ(message({"--notext"}), "there is no flag --notext; did you mean --text?");
  EXPECT_EQ(message({"file"}), "'file' is no flag; flags are written --name=value");
}

TEST(Flags, Usage) {
  int64_t number = 7;
  Flags flags;
  flags.Add("number", &number, "a number");
  EXPECT_EQ(flags.Usage(), "  --number (7)\n      a number\n");
}

}  // namespace
}  // namespace tools
}  // namespace mace
