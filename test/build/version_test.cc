// SPDX-License-Identifier: Apache-2.0
// The header with the version is there and holds a version.
#include <cstring>

#include "gtest/gtest.h"
#include "mace_git_version.h"

TEST(Version, IsText) {
  EXPECT_GT(std::strlen(MACE_GIT_VERSION), 0u);
  EXPECT_EQ(std::strpbrk(MACE_GIT_VERSION, " \"\\\n"), nullptr);
}
