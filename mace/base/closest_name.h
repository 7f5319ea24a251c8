// SPDX-License-Identifier: Apache-2.0
// The "did you mean" of error messages.
#ifndef MACE_BASE_CLOSEST_NAME_H_
#define MACE_BASE_CLOSEST_NAME_H_

#include <string>
#include <vector>

namespace mace {

// The candidate most like `name` (fewest edits; letters differing in case alone count less), or ""
// when none is alike. Names longer than 256 bytes are never alike.
std::string ClosestName(const std::string &name, const std::vector<std::string> &candidates);

// "; did you mean 'x'?", or "" when no candidate is alike, and always with --define=optimize=size.
std::string DidYouMean(const std::string &name, const std::vector<std::string> &candidates);

}  // namespace mace

#endif  // MACE_BASE_CLOSEST_NAME_H_
