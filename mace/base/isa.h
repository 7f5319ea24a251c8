// SPDX-License-Identifier: Apache-2.0
// Which instruction sets kernels may use on this machine. Read once from the processor (cpuid, or
// the auxiliary vector on Arm; never /proc/cpuinfo, which lies under emulation).
#ifndef MACE_BASE_ISA_H_
#define MACE_BASE_ISA_H_

#include <cstdint>

namespace mace {

// One bit each. kIsaReference is plain C++: always built, always there, the truth for tests.
enum Isa : uint32_t {
  kIsaReference = 1u << 0,
  kIsaSse4 = 1u << 1,
  kIsaAvx2 = 1u << 2,    // AVX2, FMA, F16C
  kIsaAvx512 = 1u << 3,  // F, BW, DQ, VL
  kIsaAvx512Bf16 = 1u << 4,
  kIsaAmxBf16 = 1u << 5,  // the processor and the system have tiles; PermitBf16() asks for them
  kIsaNeon = 1u << 8,
  kIsaNeonFp16 = 1u << 9,
  kIsaNeonDot = 1u << 10,
  kIsaNeonBf16 = 1u << 11,
  kIsaNeonA55 = 1u << 12,  // NEON as cores like Cortex-A55 want it, which issue in order
};

// All instruction sets that may be used: what the processor and the system support, cut down to
// MACE_ISA=<name> (and what that one implies) when the environment sets it. An unknown or
// unsupported name gives a warning and is ignored. kIsaNeonA55 is among them if it is named so, or
// if all cores issue in order (core_order.h).
uint32_t SupportedIsas();
// Set bits of what the machine supports, regardless of the environment; for tests that sweep ISAs.
uint32_t DetectedIsas();
// Whether some cores of this machine are better off with kIsaNeonA55 and some without, and MACE_ISA
// does not say: then the core that a thread is on decides (OnInOrderCore()).
bool IsaDependsOnCore();
// "reference", "sse4", "avx2", "avx512", "avx512bf16", "amxbf16", "neon", "neona55", "neonfp16",
// "neondot", "neonbf16".
const char *IsaName(Isa isa);

}  // namespace mace

#endif  // MACE_BASE_ISA_H_
