// SPDX-License-Identifier: Apache-2.0
// Boxes and how much they overlap, for operators that keep the best of those that do.
#ifndef MACE_OPS_SUPPRESSION_H_
#define MACE_OPS_SUPPRESSION_H_

#include <algorithm>
#include <cstdint>

namespace mace {
namespace ops {

struct Box {
  float left;
  float top;
  float right;
  float bottom;
};

// A box that may be kept, by its place among all.
struct Candidate {
  float score;
  int32_t index;
};

// The order in which candidates are looked at: the best first, the first of equals first.
inline bool BetterCandidate(const Candidate &a, const Candidate &b) {
  return a.score != b.score ? a.score > b.score : a.index < b.index;
}

// `pixel` is 1 where right and bottom are the last pixels of a box, 0 where they are its border.
inline float BoxArea(const Box &box, float pixel) {
  const float width = box.right - box.left + pixel, height = box.bottom - box.top + pixel;
  return width > 0 && height > 0 ? width * height : 0;
}

// Intersection over union.
inline float BoxOverlap(const Box &a, const Box &b, float pixel) {
  const float common = BoxArea({std::max(a.left, b.left), std::max(a.top, b.top),
                                std::min(a.right, b.right), std::min(a.bottom, b.bottom)},
                               pixel);
  return common > 0 ? common / (BoxArea(a, pixel) + BoxArea(b, pixel) - common) : 0;
}

// Whether `box` overlaps none of the kept boxes by more than `threshold`.
inline bool IsApart(const Box &box, const Box *boxes, const Candidate *kept, int64_t kept_count,
                    float threshold, float pixel) {
  for (int64_t k = 0; k < kept_count; ++k) {
    if (!(BoxOverlap(box, boxes[kept[k].index], pixel) <= threshold)) return false;
  }
  return true;
}

// Puts the best `limit` of `count` candidates in front, in order; returns how many they are.
inline int64_t SortBest(Candidate *candidates, int64_t count, int64_t limit) {
  if (count > limit) {
    std::nth_element(candidates, candidates + limit, candidates + count, BetterCandidate);
    count = limit;
  }
  std::sort(candidates, candidates + count, BetterCandidate);
  return count;
}

}  // namespace ops
}  // namespace mace

#endif  // MACE_OPS_SUPPRESSION_H_
