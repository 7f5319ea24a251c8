// SPDX-License-Identifier: Apache-2.0
// Affinity policies on a made-up /sys of a phone with four big and four little cores.
#include "mace/runtimes/cpu/cpu_topology.h"

#include <sched.h>
#include <sys/stat.h>

#include <cstdio>
#include <cstdlib>

#include "gtest/gtest.h"
#include "mace/runtimes/cpu/thread_pool.h"

namespace mace {
namespace {

std::string MakeSysfs(const std::vector<int64_t> &khz) {
  std::string root = testing::TempDir() + "sysfs_XXXXXX";
  EXPECT_NE(mkdtemp(&root[0]), nullptr);
  for (size_t i = 0; i < khz.size(); ++i) {
    const std::string cpu = root + "/cpu" + std::to_string(i);
    mkdir(cpu.c_str(), 0755);
    mkdir((cpu + "/cpufreq").c_str(), 0755);
    std::FILE *file = std::fopen((cpu + "/cpufreq/cpuinfo_max_freq").c_str(), "w");
    std::fprintf(file, "%lld\n", static_cast<long long>(khz[i]));
    std::fclose(file);
  }
  return root;
}

std::vector<CpuCore> Phone() {
  const std::vector<int64_t> khz = {1800000, 1800000, 1800000, 1800000,
                                    2400000, 2400000, 2400000, 2800000};
  return ReadCores(MakeSysfs(khz), {0, 1, 2, 3, 4, 5, 6, 7});
}

using Ids = std::vector<int>;

TEST(CpuTopology, ReadsFrequencies) {
  const std::vector<CpuCore> cores = Phone();
  ASSERT_EQ(cores.size(), 8u);
  EXPECT_EQ(cores[0].max_khz, 1800000);
  EXPECT_EQ(cores[7].max_khz, 2800000);
  EXPECT_EQ(ReadCores("/nonexistent", {3})[0].max_khz, 0);
}

TEST(CpuTopology, None) {
  const CoreChoice choice = ChooseCores(Phone(), 3, AFFINITY_NONE);
  EXPECT_EQ(choice.num_threads, 3);
  EXPECT_TRUE(choice.cores.empty());
  EXPECT_EQ(ChooseCores(Phone(), -1, AFFINITY_NONE).num_threads, 8);
  EXPECT_EQ(ChooseCores(Phone(), 12, AFFINITY_NONE).num_threads, 12);
}

TEST(CpuTopology, BigAndLittle) {
  const CoreChoice big = ChooseCores(Phone(), 4, AFFINITY_BIG_ONLY);
  EXPECT_EQ(big.num_threads, 1);
  EXPECT_EQ(big.cores, Ids({7}));
  const CoreChoice little = ChooseCores(Phone(), 2, AFFINITY_LITTLE_ONLY);
  EXPECT_EQ(little.num_threads, 2);
  EXPECT_EQ(little.cores, Ids({0, 1, 2, 3}));
  EXPECT_EQ(ChooseCores(Phone(), 0, AFFINITY_LITTLE_ONLY).num_threads, 4);
}

TEST(CpuTopology, FastestAndSlowest) {
  const CoreChoice fast = ChooseCores(Phone(), 2, AFFINITY_HIGH_PERFORMANCE);
  EXPECT_EQ(fast.num_threads, 2);
  EXPECT_EQ(fast.cores, Ids({7, 4}));
  const CoreChoice slow = ChooseCores(Phone(), 5, AFFINITY_POWER_SAVE);
  EXPECT_EQ(slow.num_threads, 5);
  EXPECT_EQ(slow.cores, Ids({0, 1, 2, 3, 4}));
  EXPECT_EQ(ChooseCores(Phone(), 20, AFFINITY_POWER_SAVE).num_threads, 8);
}

TEST(CpuTopology, WithoutFrequenciesAWarning) {
  const CoreChoice choice = ChooseCores(ReadCores("/nonexistent", {0, 1}), 2, AFFINITY_BIG_ONLY);
  EXPECT_EQ(choice.num_threads, 2);
  EXPECT_TRUE(choice.cores.empty());
  EXPECT_FALSE(choice.warning.empty());
  EXPECT_GE(ChooseCores({}, 0, AFFINITY_NONE).num_threads, 1);
}

TEST(CpuTopology, CallerIsBoundForARunAndPutBack) {
  const Ids allowed = AllowedCores();
  ASSERT_FALSE(allowed.empty());
  std::vector<int64_t> khz(static_cast<size_t>(allowed.back()) + 1, 1000000);
  khz[static_cast<size_t>(allowed.back())] = 2000000;
  ThreadPool pool(1, AFFINITY_BIG_ONLY, MakeSysfs(khz));
  EXPECT_EQ(AllowedCores(), allowed);
  if (pool.cores().empty()) return;  // the system does not let threads be bound
  EXPECT_EQ(pool.cores(), Ids({allowed.back()}));
  {
    ThreadPool::CallerBinding binding(pool);
    EXPECT_EQ(AllowedCores(), Ids({allowed.back()}));
  }
  EXPECT_EQ(AllowedCores(), allowed);
}

}  // namespace
}  // namespace mace
