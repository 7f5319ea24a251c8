// SPDX-License-Identifier: Apache-2.0
// Which instruction sets kernels may use on this machine.
#include "mace/base/isa.h"

#include <cstdlib>
#include <cstring>

#include "mace/base/core_order.h"
#include "mace/base/logging.h"

#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#elif defined(__aarch64__) || defined(__arm__)
#include <sys/auxv.h>
#endif

namespace mace {

namespace {

struct IsaEntry {
  Isa isa;
  const char *name;
  uint32_t implied;  // what a machine or a user that has this one has too
};

constexpr IsaEntry kIsas[] = {
    {kIsaReference, "reference", 0},
    {kIsaSse4, "sse4", kIsaReference},
    {kIsaAvx2, "avx2", kIsaReference | kIsaSse4},
    {kIsaAvx512, "avx512", kIsaReference | kIsaSse4 | kIsaAvx2},
    {kIsaAvx512Bf16, "avx512bf16", kIsaReference | kIsaSse4 | kIsaAvx2 | kIsaAvx512},
    {kIsaAmxBf16, "amxbf16", kIsaReference | kIsaSse4 | kIsaAvx2 | kIsaAvx512 | kIsaAvx512Bf16},
    {kIsaNeon, "neon", kIsaReference},
    {kIsaNeonFp16, "neonfp16", kIsaReference | kIsaNeon},
    {kIsaNeonA55, "neona55", kIsaReference | kIsaNeon},
    {kIsaNeonDot, "neondot", kIsaReference | kIsaNeon},
    {kIsaNeonBf16, "neonbf16", kIsaReference | kIsaNeon},
};

}  // namespace

// Asks the processor, each time. Not static: models as straight-line code, which do without the C++
// library, declare it for themselves.
uint32_t DetectIsas();

#if defined(__x86_64__) || defined(__i386__)
static uint32_t DetectBf16() {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  if (__get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx) == 0 || (eax & (1u << 5)) == 0) return 0;
  uint32_t isas = kIsaAvx512Bf16;
  __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx);
  constexpr unsigned kAmxBf16 = 1u << 22, kAmxTile = 1u << 24;  // in edx
  if ((edx & kAmxBf16) != 0 && (edx & kAmxTile) != 0) {
    // xgetbv: whether the system saves tiles. There since AVX-512 is.
    unsigned low = 0, high = 0;
    asm("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    constexpr unsigned kTileConfig = 1u << 17, kTileData = 1u << 18;
    if ((low & kTileConfig) != 0 && (low & kTileData) != 0) isas |= kIsaAmxBf16;
  }
  return isas;
}

uint32_t DetectIsas() {
  __builtin_cpu_init();
  uint32_t isas = kIsaReference;
  if (__builtin_cpu_supports("sse4.2")) isas |= kIsaSse4;
  // __builtin_cpu_supports() also asks whether the system saves the wide registers.
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  const bool f16c = __get_cpuid(1, &eax, &ebx, &ecx, &edx) != 0 && (ecx & (1u << 29)) != 0;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
      __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2") && f16c) {
    isas |= kIsaAvx2;
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512cd")) {
      isas |= kIsaAvx512 | DetectBf16();
    }
  }
  return isas;
}
#elif defined(__aarch64__) && defined(MACE_ENABLE_NEON)
uint32_t DetectIsas() {
  // Bits of AT_HWCAP in the kernel's arch/arm64/include/uapi/asm/hwcap.h.
  constexpr unsigned long kAsimd = 1ul << 1, kFpHp = 1ul << 9, kAsimdHp = 1ul << 10;
  constexpr unsigned long kAsimdDp = 1ul << 20;
  constexpr unsigned long kBf16 = 1ul << 14;  // of AT_HWCAP2
  const unsigned long caps = getauxval(AT_HWCAP);
  if ((caps & kAsimd) == 0) return kIsaReference;
  uint32_t isas = kIsaReference | kIsaNeon | kIsaNeonA55;
  if ((caps & kFpHp) != 0 && (caps & kAsimdHp) != 0) isas |= kIsaNeonFp16;
  if ((caps & kAsimdDp) != 0) isas |= kIsaNeonDot;
  if ((getauxval(AT_HWCAP2) & kBf16) != 0) isas |= kIsaNeonBf16;
  return isas;
}
#elif defined(__arm__) && defined(MACE_ENABLE_NEON)
uint32_t DetectIsas() {
  // Bits of AT_HWCAP in the kernel's arch/arm/include/uapi/asm/hwcap.h. NEON kernels are compiled
  // for neon-vfpv4: fused multiply-add is part of it.
  constexpr unsigned long kNeon = 1ul << 12, kVfpv4 = 1ul << 16;
  const unsigned long caps = getauxval(AT_HWCAP);
  return (caps & kNeon) != 0 && (caps & kVfpv4) != 0 ? kIsaReference | kIsaNeon : kIsaReference;
}
#else
uint32_t DetectIsas() { return kIsaReference; }
#endif

namespace {

// Any core can run these instructions, but not all are faster for it.
uint32_t NotOfAllCores() { return MachineCoreOrders().all_in_order ? 0u : uint32_t{kIsaNeonA55}; }

uint32_t Choose() {
  const uint32_t detected = DetectedIsas();
  const char *wanted = std::getenv("MACE_ISA");
  if (wanted == nullptr || wanted[0] == '\0') return detected & ~NotOfAllCores();
  for (const IsaEntry &entry : kIsas) {
    if (std::strcmp(entry.name, wanted) != 0) continue;
    if ((detected & entry.isa) == 0) {
      LOG(WARNING) << "MACE_ISA=" << wanted << " is ignored: this machine does not have it";
      return detected & ~NotOfAllCores();
    }
    return detected & (entry.isa | entry.implied);
  }
  LOG(WARNING) << "MACE_ISA=" << wanted << " is ignored: it is none of reference, sse4, avx2, "
               << "avx512, avx512bf16, amxbf16, neon, neona55, neonfp16, neondot, neonbf16";
  return detected & ~NotOfAllCores();
}

}  // namespace

uint32_t SupportedIsas() {
  static const uint32_t isas = Choose();
  return isas;
}

uint32_t DetectedIsas() {
  static const uint32_t isas = DetectIsas();
  return isas;
}

bool IsaDependsOnCore() {
  const char *wanted = std::getenv("MACE_ISA");
  if (wanted != nullptr && wanted[0] != '\0') return false;
  const CoreOrders &orders = MachineCoreOrders();
  return orders.any_in_order && !orders.all_in_order;
}

const char *IsaName(Isa isa) {
  for (const IsaEntry &entry : kIsas) {
    if (entry.isa == isa) return entry.name;
  }
  return "unknown";
}

}  // namespace mace
