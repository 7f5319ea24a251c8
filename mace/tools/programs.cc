// SPDX-License-Identifier: Apache-2.0
// The clock, and names of files.
#include "mace/tools/programs.h"

#include <chrono>

namespace mace {
namespace tools {

double NowMicros() {
  using std::chrono::duration;
  return duration<double, std::micro>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

std::string FileName(const std::string &tensor_name) {
  std::string name = tensor_name;
  for (char &c : name) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (!plain) c = '_';
  }
  return name;
}

}  // namespace tools
}  // namespace mace
