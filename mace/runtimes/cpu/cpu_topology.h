// SPDX-License-Identifier: Apache-2.0
// Which cores there are, how fast, and which of them an affinity policy chooses.
#ifndef MACE_RUNTIMES_CPU_CPU_TOPOLOGY_H_
#define MACE_RUNTIMES_CPU_CPU_TOPOLOGY_H_

#include <cstdint>
#include <string>
#include <vector>

#include "mace/public/mace.h"

namespace mace {

struct CpuCore {
  int id = 0;
  int64_t max_khz = 0;  // 0: the system does not say
};

// Numbers of the cores that the calling thread may run on; empty when the system does not say.
std::vector<int> AllowedCores();

// Reads the highest frequency of each core from <sysfs>/cpu<id>/cpufreq/cpuinfo_max_freq; the
// system has it in /sys/devices/system/cpu.
std::vector<CpuCore> ReadCores(const std::string &sysfs, const std::vector<int> &ids);

struct CoreChoice {
  int num_threads = 1;
  std::vector<int> cores;  // to bind threads to; empty: leave them where they are
  std::string warning;     // why the policy has no effect; "" when it has
};

// num_threads: as asked for; 0 or less: one for each core that the policy allows. More threads than
// cores of a policy would only get in each other's way: they are cut down to that.
CoreChoice ChooseCores(const std::vector<CpuCore> &cores, int num_threads,
                       CPUAffinityPolicy policy);

// Binds the calling thread to the cores; false when the system refuses.
bool BindThread(const std::vector<int> &cores);

}  // namespace mace

#endif  // MACE_RUNTIMES_CPU_CPU_TOPOLOGY_H_
