// SPDX-License-Identifier: Apache-2.0
// libFuzzer target: bytes of a NetDef, sealed with valid checksums, through the whole engine. Built
// and run by hand or at night, see BUILD; net_fuzzer_corpus writes models to begin with.
#include <cstddef>
#include <cstdint>
#include <string>

#include "test/fuzz/hostile.h"

// The first two bytes are the size of the net, the rest after it is model.data.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  if (size < 2) return 0;
  const size_t net_size = bytes[0] + 256u * bytes[1];
  const std::string rest(reinterpret_cast<const char *>(bytes) + 2, size - 2);
  const std::string net = rest.substr(0, net_size);
  const std::string data = net_size < rest.size() ? rest.substr(net_size) : "";
  mace::test::Execute(mace::test::Seal(net, data), data);
  return 0;
}
