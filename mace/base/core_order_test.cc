// SPDX-License-Identifier: Apache-2.0
// Which cores issue in order: by MIDR, on made-up systems with a /sys and a /proc/cpuinfo.
#include "mace/base/core_order.h"

#include <sys/stat.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "mace/base/isa.h"

namespace mace {
namespace {

constexpr uint64_t kA53 = 0x410fd034, kA55 = 0x411fd050, kA76 = 0x414fd0b1, kA510 = 0x411fd461;
constexpr uint64_t kKryoSilver = 0x51df805e, kKryoGold = 0x51df804e;

void Write(const std::string &path, const std::string &text) {
  std::FILE *file = std::fopen(path.c_str(), "w");
  ASSERT_NE(file, nullptr) << path;
  std::fputs(text.c_str(), file);
  std::fclose(file);
}

// A folder like /sys/devices/system/cpu; 0 is a core that is switched off.
std::string MakeSysfs(const std::vector<uint64_t> &midrs) {
  std::string root = testing::TempDir() + "cores_XXXXXX";
  EXPECT_NE(mkdtemp(&root[0]), nullptr);
  for (size_t i = 0; i < midrs.size(); ++i) {
    std::string path = root + "/cpu" + std::to_string(i);
    mkdir(path.c_str(), 0755);
    if (midrs[i] == 0) continue;
    for (const char *part : {"/regs", "/identification"}) mkdir((path += part).c_str(), 0755);
    char text[32];
    std::snprintf(text, sizeof(text), "0x%016llx\n", static_cast<unsigned long long>(midrs[i]));
    Write(path + "/midr_el1", text);
  }
  return root;
}

std::string MakeCpuinfo(const std::string &text) {
  const std::string path = MakeSysfs({}) + "/cpuinfo";
  Write(path, text);
  return path;
}

CoreOrders FromSysfs(const std::vector<uint64_t> &midrs) {
  return ReadCoreOrders(MakeSysfs(midrs).c_str(), "/nonexistent", 0);
}

TEST(CoreOrder, ByMidr) {
  for (uint64_t midr : {kA53, kA55, kKryoSilver, uint64_t{0x410fd041}, uint64_t{0x410fd010}}) {
    EXPECT_TRUE(IssuesInOrder(midr)) << std::hex << midr;
  }
  for (uint64_t midr : {kA76, kA510, kKryoGold, uint64_t{0}, uint64_t{0x480fd010}}) {
    EXPECT_FALSE(IssuesInOrder(midr)) << std::hex << midr;
  }
}

TEST(CoreOrder, BigAndLittle) {
  const CoreOrders orders = FromSysfs({kA55, kA55, kA55, kA55, kA76, kA76, kA76, kA76});
  EXPECT_TRUE(orders.any_in_order);
  EXPECT_FALSE(orders.all_in_order);
  EXPECT_EQ(orders.in_order[0], 0xfu);
  EXPECT_EQ(FromSysfs({kA76, 0, kKryoSilver}).in_order[0], 4u);
}

TEST(CoreOrder, OfOneKind) {
  EXPECT_TRUE(FromSysfs({kA53, kA53, 0, kA53}).all_in_order);
  EXPECT_EQ(FromSysfs({kA53, kA53, 0, kA53}).in_order[0], 0xbu);
  EXPECT_FALSE(FromSysfs({kA76, kA76}).any_in_order);
  EXPECT_FALSE(FromSysfs({}).any_in_order);
  EXPECT_FALSE(FromSysfs({}).all_in_order);
}

TEST(CoreOrder, CpuinfoKnowsWhatSysfsLacks) {
  const std::string path = MakeCpuinfo(
      "processor\t: 0\nBogoMIPS\t: 38.40\nCPU implementer\t: 0x41\nCPU variant\t: 0x1\n"
      "CPU part\t: 0xd05\nCPU revision\t: 0\n\n"
      "processor\t: 5\nCPU implementer\t: 0x51\nCPU part\t: 0x804\n\n"
      "processor\t: 70\nCPU implementer\t: 0x51\nCPU part\t: 0x805\n\n"
      "processor\t: 5000\nCPU implementer\t: 0x41\nCPU part\t: 0xd03\n\n"
      "processor\t: -3\nCPU implementer\t: 0x41\nCPU part\t: 0xd03\n");
  CoreOrders orders = ReadCoreOrders("/nonexistent", path.c_str(), kA76);
  EXPECT_EQ(orders.in_order[0], 1u);
  EXPECT_EQ(orders.in_order[1], 1u << 6);
  EXPECT_TRUE(orders.any_in_order);
  EXPECT_FALSE(orders.all_in_order);
  // What sysfs says is right.
  orders = ReadCoreOrders(MakeSysfs({kA76}).c_str(), path.c_str(), 0);
  EXPECT_EQ(orders.in_order[0], 0u);
  // Of another machine.
  const std::string other = MakeCpuinfo("processor : 0\nvendor_id : GenuineIntel\nmodel : 143\n");
  EXPECT_FALSE(ReadCoreOrders("/nonexistent", other.c_str(), 0).any_in_order);
}

TEST(CoreOrder, TheCallersOwnForAll) {
  EXPECT_TRUE(ReadCoreOrders("/nonexistent", "/nonexistent", kA55).all_in_order);
  EXPECT_FALSE(ReadCoreOrders("/nonexistent", "/nonexistent", kA76).any_in_order);
  EXPECT_FALSE(ReadCoreOrders(MakeSysfs({kA76}).c_str(), "/nonexistent", kA55).any_in_order);
}

TEST(CoreOrder, OfThisMachine) {
  const CoreOrders &orders = MachineCoreOrders();
  EXPECT_LE(orders.all_in_order, orders.any_in_order);
  if (orders.all_in_order || !orders.any_in_order) {
    EXPECT_EQ(OnInOrderCore(), orders.all_in_order);
  }
  const char *wanted = std::getenv("MACE_ISA");
  if (wanted == nullptr || wanted[0] == '\0') {
    EXPECT_EQ((SupportedIsas() & kIsaNeonA55) != 0, orders.all_in_order);
    EXPECT_EQ(IsaDependsOnCore(), orders.any_in_order && !orders.all_in_order);
  } else {
    EXPECT_FALSE(IsaDependsOnCore());
  }
}

}  // namespace
}  // namespace mace
