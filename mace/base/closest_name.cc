// SPDX-License-Identifier: Apache-2.0
// Levenshtein distance with cheap changes of case.
#include "mace/base/closest_name.h"

#include <algorithm>

#include "mace/base/status.h"

namespace mace {

namespace {

constexpr size_t kMaxLength = 256;
constexpr int kEdit = 4;  // cost of an insertion, removal or replacement
constexpr int kCase = 1;  // cost of a letter in the other case

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

int Distance(const std::string &a, const std::string &b) {
  std::vector<int> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = static_cast<int>(j) * kEdit;
  for (size_t i = 1; i <= a.size(); ++i) {
    int diagonal = row[0];
    row[0] = static_cast<int>(i) * kEdit;
    for (size_t j = 1; j <= b.size(); ++j) {
      const char x = a[i - 1], y = b[j - 1];
      const int replace = x == y ? 0 : Lower(x) == Lower(y) ? kCase : kEdit;
      const int best = std::min({diagonal + replace, row[j] + kEdit, row[j - 1] + kEdit});
      diagonal = row[j];
      row[j] = best;
    }
  }
  return row[b.size()];
}

}  // namespace

std::string ClosestName(const std::string &name, const std::vector<std::string> &candidates) {
  std::string closest;
  if (name.empty() || name.size() > kMaxLength) return closest;
  // Alike: up to a third of the letters differ, or one name begins or ends with the other, as with
  // "input" and "input:0".
  int least = static_cast<int>(name.size() + 2) / 3 * kEdit + 1;
  for (const std::string &candidate : candidates) {
    if (candidate.empty() || candidate.size() > kMaxLength) continue;
    const size_t shorter = std::min(name.size(), candidate.size());
    const size_t longer = std::max(name.size(), candidate.size());
    // The difference in length is a lower bound that spares most of the work.
    int distance = static_cast<int>(longer - shorter) * kEdit;
    if (distance < least) distance = Distance(name, candidate);
    if (shorter >= 3 && (name.compare(0, shorter, candidate, 0, shorter) == 0 ||
                         name.compare(name.size() - shorter, shorter, candidate,
                                      candidate.size() - shorter, shorter) == 0)) {
      distance = std::min(distance, 2 * kEdit);
    }
    if (distance < least) {
      least = distance;
      closest = candidate;
    }
  }
  return closest;
}

#if defined(MACE_OPTIMIZE_SIZE)
std::string DidYouMean(const std::string &, const std::vector<std::string> &) { return ""; }
#else
std::string DidYouMean(const std::string &name, const std::vector<std::string> &candidates) {
  const std::string closest = ClosestName(name, candidates);
  return closest.empty() ? "" : MakeString("; did you mean '", closest, "'?");
}
#endif

}  // namespace mace
