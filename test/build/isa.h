// SPDX-License-Identifier: Apache-2.0
// What the compiler was told to use when it compiled isa.cc, once for each instruction set.
#ifndef TEST_BUILD_ISA_H_
#define TEST_BUILD_ISA_H_

namespace mace {

// Names of the extensions that the compiler may use, each followed by a space, then "hwy:" and
// the bytes of Highway's vector. Each is defined only where mace_isa_library() has sources.
const char *Compiled_sse4();
const char *Compiled_avx2();
const char *Compiled_avx512();
const char *Compiled_avxvnni();
const char *Compiled_avx512vnni();
const char *Compiled_neon();
const char *Compiled_neondot();
const char *Compiled_neonfp16();
const char *Compiled_neoni8mm();

}  // namespace mace

#endif  // TEST_BUILD_ISA_H_
