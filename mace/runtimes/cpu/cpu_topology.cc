// SPDX-License-Identifier: Apache-2.0
// Which cores there are, how fast, and which of them an affinity policy chooses.
#include "mace/runtimes/cpu/cpu_topology.h"

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "mace/base/status.h"

namespace mace {

namespace {

// Beyond this a number of threads is a mistake.
constexpr int kMaxThreads = 256;

int64_t ReadNumber(const std::string &path) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  char text[24] = {};
  if (read(file, text, sizeof(text) - 1) < 0) text[0] = '\0';
  close(file);
  return std::max<int64_t>(std::strtol(text, nullptr, 10), 0);
}

}  // namespace

std::vector<int> AllowedCores() {
  std::vector<int> ids;
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) != 0) return ids;
  for (int id = 0; id < CPU_SETSIZE; ++id) {
    if (CPU_ISSET(id, &set)) ids.push_back(id);
  }
  return ids;
}

std::vector<CpuCore> ReadCores(const std::string &sysfs, const std::vector<int> &ids) {
  std::vector<CpuCore> cores;
  for (int id : ids) {
    CpuCore core;
    core.id = id;
    core.max_khz = ReadNumber(MakeString(sysfs, "/cpu", id, "/cpufreq/cpuinfo_max_freq"));
    cores.push_back(core);
  }
  return cores;
}

CoreChoice ChooseCores(const std::vector<CpuCore> &cores, int num_threads,
                       CPUAffinityPolicy policy) {
  CoreChoice choice;
  const int all = cores.empty() ? std::max(1, static_cast<int>(sysconf(_SC_NPROCESSORS_ONLN)))
                                : static_cast<int>(cores.size());
  choice.num_threads = num_threads <= 0 ? all : std::min(num_threads, kMaxThreads);
  if (policy == AFFINITY_NONE) return choice;

  const bool known =
      std::all_of(cores.begin(), cores.end(), [](const CpuCore &core) { return core.max_khz > 0; });
  if (cores.empty() || !known) {
    choice.warning = "the system does not tell how fast its cores are";
    return choice;
  }
  std::vector<CpuCore> sorted = cores;
  const bool fastest_first = policy == AFFINITY_BIG_ONLY || policy == AFFINITY_HIGH_PERFORMANCE;
  const auto before = [fastest_first](const CpuCore &a, const CpuCore &b) {
    return fastest_first ? a.max_khz > b.max_khz : a.max_khz < b.max_khz;
  };
  // Stable, and a few instructions for a few cores.
  for (auto core = sorted.begin(); core != sorted.end(); ++core) {
    std::rotate(std::upper_bound(sorted.begin(), core, *core, before), core, core + 1);
  }
  size_t count = sorted.size();
  if (policy == AFFINITY_BIG_ONLY || policy == AFFINITY_LITTLE_ONLY) {
    count =
        static_cast<size_t>(std::count_if(sorted.begin(), sorted.end(), [&](const CpuCore &core) {
          return core.max_khz == sorted[0].max_khz;
        }));
  } else if (num_threads > 0 && static_cast<size_t>(num_threads) < count) {
    count = static_cast<size_t>(num_threads);
  }
  for (size_t i = 0; i < count; ++i) choice.cores.push_back(sorted[i].id);
  if (num_threads <= 0 || num_threads > static_cast<int>(count)) {
    choice.num_threads = static_cast<int>(count);
  }
  return choice;
}

bool BindThread(const std::vector<int> &cores) {
  cpu_set_t set;
  CPU_ZERO(&set);
  for (int id : cores) {
    if (id >= 0 && id < CPU_SETSIZE) CPU_SET(id, &set);
  }
  return sched_setaffinity(0, sizeof(set), &set) == 0;
}

}  // namespace mace
