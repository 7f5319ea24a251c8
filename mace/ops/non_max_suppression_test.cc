// SPDX-License-Identifier: Apache-2.0
// NonMaxSuppression: order, limits, thresholds, both kinds of boxes.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <vector>

#include "mace/ops/ops_test_util.h"

namespace mace {
namespace ops {
namespace test {
namespace {

TestTensor Boxes() {
  return MakeTensor<float>({1, 6, 4}, {0, 0,  1, 1,  1, 1.1f,  0, 0.1f,  0, -0.1f, 1, 0.9f,
                                       0, 10, 1, 11, 0, 10.1f, 1, 11.1f, 0, 100,   1, 101});
}

TEST(NonMaxSuppressionTest, Cases) {
  const auto op = OpDefBuilder("NonMaxSuppression");
  const auto scores = MakeTensor<float>({1, 1, 6}, {0.9f, 0.75f, 0.6f, 0.95f, 0.5f, 0.3f});
  const auto half = MakeTensor<float>({1}, {0.5f});
  RunOpCases({
      {"best of overlapping",
       op,
       {Boxes(), scores, MakeTensor<int64_t>({1}, {3}), half},
       {MakeTensor<int64_t>({3, 3}, {0, 0, 3, 0, 0, 0, 0, 0, 5})}},
      {"few",
       op,
       {Boxes(), scores, MakeConst<int64_t>({1}, {2}), half},
       {MakeTensor<int64_t>({2, 3}, {0, 0, 3, 0, 0, 0})}},
      {"by score",
       op,
       {Boxes(), scores, MakeTensor<int64_t>({1}, {9}), half, MakeTensor<float>({}, {0.4f})},
       {MakeTensor<int64_t>({2, 3}, {0, 0, 3, 0, 0, 0})}},
      {"classes, what is no number is nothing",
       op,
       {Boxes(), MakeTensor<float>({1, 2, 6}, {1, 0, 0, 0, 0, 0, NAN, NAN, NAN, NAN, 1, NAN}),
        MakeTensor<int64_t>({1}, {1}), half},
       {MakeTensor<int64_t>({2, 3}, {0, 0, 0, 0, 1, 4})}},
      {"more classes than boxes",
       op,
       {MakeTensor<float>({1, 1, 4}, {0, 0, 1, 1}), MakeTensor<float>({1, 2000, 1}, {0}),
        MakeTensor<int64_t>({1}, {1}), half, MakeTensor<float>({}, {0.5f})},
       {MakeTensor<int64_t>({0, 3}, {})}},
      {"centers",
       OpDefBuilder("NonMaxSuppression").AddIntArg("center_point_box", 1),
       {MakeTensor<float>({1, 2, 4}, {0.5f, 0.5f, 1, 1, 0.6f, 0.5f, 1, 1}),
        MakeTensor<float>({1, 1, 2}, {1, 2}), MakeTensor<int64_t>({1}, {5}), half},
       {MakeTensor<int64_t>({1, 3}, {0, 0, 1})}},
      {"no number of boxes", op, {Boxes(), scores}, {MakeTensor<int64_t>({0, 3}, {})}},
      {"no boxes",
       op,
       {MakeTensor<float>({1, 0, 4}, {}), MakeTensor<float>({1, 3, 0}, {}),
        MakeTensor<int64_t>({1}, {5})},
       {MakeTensor<int64_t>({0, 3}, {})}},
  });
}

TEST(NonMaxSuppressionTest, Errors) {
  RunOpCases({
      Refused("shapes", OpDefBuilder("NonMaxSuppression"),
              {Boxes(), MakeTensor<float>({1, 1, 5}, {0})}, MaceStatus::MACE_INVALID_ARGS,
              "must be [images, boxes, 4]"),
      Refused("several limits", OpDefBuilder("NonMaxSuppression"),
              {Boxes(), MakeTensor<float>({1, 1, 6}, {0}), MakeTensor<int64_t>({2}, {1})},
              MaceStatus::MACE_INVALID_ARGS, "input 2 must be one number"),
  });
}

}  // namespace
}  // namespace test
}  // namespace ops
}  // namespace mace
