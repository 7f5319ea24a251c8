// SPDX-License-Identifier: Apache-2.0
// libFuzzer target: bytes of a model.pb as they are, with an empty model.data.
#include <cstddef>
#include <cstdint>
#include <string>

#include "test/fuzz/hostile.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  mace::test::Execute(std::string(reinterpret_cast<const char *>(bytes), size), "");
  return 0;
}
