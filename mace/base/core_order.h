// SPDX-License-Identifier: Apache-2.0
// Which cores of an arm64 machine issue instructions in order: there kernels whose loads stand
// between multiply-adds are faster, elsewhere those with the fewest instructions.
#ifndef MACE_BASE_CORE_ORDER_H_
#define MACE_BASE_CORE_ORDER_H_

#include <cstdint>

namespace mace {

// Whether a core with this MIDR_EL1 (implementer in bits 24 to 31, part in 4 to 15) issues in order
// and reads 64 bits from the L1 cache in a cycle: Cortex-A32, A34, A35, A53, A55 and what is made
// of them. A510 and later read 128 bits.
bool IssuesInOrder(uint64_t midr);

struct CoreOrders {
  static constexpr int kMostCores = 1024;
  uint64_t in_order[kMostCores / 64] = {};  // a bit for each core
  bool any_in_order = false;
  bool all_in_order = false;  // of the cores that are known; false if none is
};

// Asks <sysfs>/cpu<id>/regs/identification/midr_el1 of each core, what that lacks `cpuinfo` (the
// file /proc/cpuinfo), and if neither knows a core takes `midr` for all of them (0: not known). A
// core that nobody knows, as one that is switched off, is not in order.
CoreOrders ReadCoreOrders(const char *sysfs, const char *cpuinfo, uint64_t midr);

// Of this machine, asked once; nothing is in order but on arm64.
const CoreOrders &MachineCoreOrders();
// Whether the calling thread is on such a core now. It may be moved at any time.
bool OnInOrderCore();

}  // namespace mace

#endif  // MACE_BASE_CORE_ORDER_H_
