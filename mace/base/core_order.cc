// SPDX-License-Identifier: Apache-2.0
// Which cores of an arm64 machine issue instructions in order.
#include "mace/base/core_order.h"

#if defined(__aarch64__)
#include <sched.h>
#include <sys/auxv.h>
#endif

#include <cstdio>

namespace mace {

bool IssuesInOrder(uint64_t midr) {
  constexpr uint64_t kArm = 0x41, kQualcomm = 0x51;
  const uint64_t implementer = midr >> 24 & 0xff, part = midr >> 4 & 0xfff;
  if (implementer == kArm) return part >= 0xd01 && part <= 0xd05;  // A32, A34, A53, A35, A55
  // The little cores of Snapdragon 835, 845 and 855.
  return implementer == kQualcomm && (part == 0x801 || part == 0x803 || part == 0x805);
}

namespace {

void Add(int core, uint64_t midr, CoreOrders *orders, int *known, int *in_order) {
  ++*known;
  if (!IssuesInOrder(midr)) return;
  ++*in_order;
  orders->in_order[core / 64] |= uint64_t{1} << core % 64;
}

// MIDR_EL1 of a core, 0 if it cannot be read.
uint64_t ReadMidr(const char *sysfs, int core) {
  char path[256];
  std::snprintf(path, sizeof(path), "%s/cpu%d/regs/identification/midr_el1", sysfs, core);
  std::FILE *file = std::fopen(path, "re");
  if (file == nullptr) return 0;
  unsigned long long midr = 0;  // NOLINT(runtime/int)
  if (std::fscanf(file, "%llx", &midr) != 1) midr = 0;
  std::fclose(file);
  return midr;
}

// Calls found(core, midr) for each processor with an implementer and a part.
template <typename Found>
void ReadCpuinfo(const char *path, Found found) {
  std::FILE *file = std::fopen(path, "re");
  if (file == nullptr) return;
  char line[256];
  int core = -1;
  unsigned implementer = 0;
  while (std::fgets(line, sizeof(line), file) != nullptr) {
    unsigned part = 0;
    if (std::sscanf(line, "processor : %d", &core) == 1) implementer = 0;
    std::sscanf(line, "CPU implementer : %x", &implementer);
    if (std::sscanf(line, "CPU part : %x", &part) != 1) continue;
    found(core, uint64_t{implementer & 0xff} << 24 | uint64_t{part & 0xfff} << 4);
  }
  std::fclose(file);
}

}  // namespace

CoreOrders ReadCoreOrders(const char *sysfs, const char *cpuinfo, uint64_t midr) {
  CoreOrders orders;
  int known = 0, in_order = 0;
  // Cores of phones are numbered without gaps; one that is switched off has no file.
  constexpr int kMostMissing = 16;
  bool has_file[CoreOrders::kMostCores] = {};
  for (int core = 0, missing = 0; core < CoreOrders::kMostCores && missing < kMostMissing; ++core) {
    const uint64_t value = ReadMidr(sysfs, core);
    has_file[core] = value != 0;
    missing = has_file[core] ? 0 : missing + 1;
    if (has_file[core]) Add(core, value, &orders, &known, &in_order);
  }
  ReadCpuinfo(cpuinfo, [&](int core, uint64_t value) {
    if (core < 0 || core >= CoreOrders::kMostCores || has_file[core]) return;
    has_file[core] = true;
    Add(core, value, &orders, &known, &in_order);
  });
  if (known == 0 && IssuesInOrder(midr)) {
    for (uint64_t &bits : orders.in_order) bits = ~uint64_t{0};
    known = in_order = CoreOrders::kMostCores;
  }
  orders.any_in_order = in_order > 0;
  orders.all_in_order = in_order > 0 && in_order == known;
  return orders;
}

#if defined(__aarch64__)
const CoreOrders &MachineCoreOrders() {
  static const CoreOrders orders = [] {
    constexpr unsigned long kCpuid = 1ul << 11;  // HWCAP_CPUID: the system reads it for programs
    uint64_t midr = 0;
    if ((getauxval(AT_HWCAP) & kCpuid) != 0) asm("mrs %0, midr_el1" : "=r"(midr));
    return ReadCoreOrders("/sys/devices/system/cpu", "/proc/cpuinfo", midr);
  }();
  return orders;
}

bool OnInOrderCore() {
  const CoreOrders &orders = MachineCoreOrders();
  if (!orders.any_in_order || orders.all_in_order) return orders.all_in_order;
  const int core = sched_getcpu();
  if (core < 0 || core >= CoreOrders::kMostCores) return false;
  return (orders.in_order[core / 64] >> core % 64 & 1) != 0;
}
#else
const CoreOrders &MachineCoreOrders() {
  static constexpr CoreOrders kNone;
  return kNone;
}

bool OnInOrderCore() { return false; }
#endif

}  // namespace mace
