// SPDX-License-Identifier: Apache-2.0
// What all programs that run models share, with an engine in them or not.
#ifndef MACE_TOOLS_PROGRAMS_H_
#define MACE_TOOLS_PROGRAMS_H_

#include <string>

namespace mace {
namespace tools {

// Microseconds on a clock that only moves forward.
double NowMicros();
// A tensor's name in the name of its file: all but ASCII letters and digits become '_'.
std::string FileName(const std::string &tensor_name);

}  // namespace tools
}  // namespace mace

#endif  // MACE_TOOLS_PROGRAMS_H_
