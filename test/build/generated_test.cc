// SPDX-License-Identifier: Apache-2.0
// py_generate() and proto_descriptor() write what their sources say.
#include "test/build/generated.h"

#include <cstring>
#include <fstream>
#include <iterator>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace {

std::string descriptor_path;

TEST(Generated, HeaderFromYaml) {
  ASSERT_EQ(std::size(kNames), 3u);
  EXPECT_STREQ(kNames[1], "second");
}

TEST(Generated, Descriptor) {
  std::ifstream file(descriptor_path, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  EXPECT_THAT(bytes, ::testing::HasSubstr("mace.test"));
  EXPECT_THAT(bytes, ::testing::HasSubstr("Sample"));
}

}  // namespace

int main(int argc, char **argv) {
  ::testing::InitGoogleTest(&argc, argv);
  if (argc > 1) descriptor_path = argv[1];
  return RUN_ALL_TESTS();
}
