// SPDX-License-Identifier: Apache-2.0
// Proposal with few anchors, whose regions are known.
#include <gtest/gtest.h>

#include <cmath>

#include "mace/ops/ops_test_util.h"

namespace mace {
namespace ops {
namespace test {
namespace {

OpDefBuilder Propose(float threshold = 0.7f, float min_size = 0, bool with_score = true) {
  return OpDefBuilder("Proposal")
      .AddFloatsArg("anchors", {0, 0, 9, 9})
      .AddFloatArg("feat_stride", 8)
      .AddFloatArg("min_size", min_size)
      .AddFloatArg("nms_threshold", threshold)
      .AddIntArg("with_score", with_score);
}

// Three cells in a row; the first number of each is that of the background.
TestTensor Scores() { return MakeTensor<float>({1, 1, 3, 2}, {0, 0.5f, 0, 0.9f, 0, 0.7f}); }
TestTensor NoDeltas() { return MakeTensor<float>({1, 1, 3, 4}, {0}); }
TestTensor Info() { return MakeTensor<float>({1, 3}, {20, 24, 1}); }

TEST(ProposalTest, Cases) {
  RunOpCases({
      // Without deltas a box ends one pixel behind its anchor.
      {"the best first",
       Propose(),
       {Scores(), NoDeltas(), Info()},
       {MakeTensor<float>({3, 6},
                          {0, 8, 0, 18, 10, 0.9f, 0, 16, 0, 23, 10, 0.7f, 0, 0, 0, 10, 10, 0.5f})}},
      // Neighbours share 3 of 11 columns, 33 of 209 pixels.
      {"those that overlap go",
       Propose(0.1f),
       {Scores(), NoDeltas(), Info()},
       {MakeTensor<float>({1, 6}, {0, 8, 0, 18, 10, 0.9f})}},
      {"so many are compared, so many kept",
       Propose().AddIntArg("pre_nms_top_n", 2).AddIntArg("post_nms_top_n", 1),
       {Scores(), NoDeltas(), Info()},
       {MakeTensor<float>({1, 6}, {0, 8, 0, 18, 10, 0.9f})}},
      {"without limits",
       Propose().AddIntArg("pre_nms_top_n", 0).AddIntArg("post_nms_top_n", 0),
       {Scores(), NoDeltas(), Info()},
       {MakeTensor<float>({3, 6},
                          {0, 8, 0, 18, 10, 0.9f, 0, 16, 0, 23, 10, 0.7f, 0, 0, 0, 10, 10, 0.5f})}},
      // The last is cut to 8 columns at the border.
      {"small ones go",
       Propose(0.7f, 5),
       {Scores(), NoDeltas(), MakeTensor<float>({1, 3}, {20, 24, 2})},
       {MakeTensor<float>({2, 6}, {0, 8, 0, 18, 10, 0.9f, 0, 0, 0, 10, 10, 0.5f})}},
      {"an image of one pixel",
       Propose(),
       {Scores(), NoDeltas(), MakeTensor<float>({1, 3}, {1, 1, 1})},
       {MakeTensor<float>({1, 6}, {0, 0, 0, 0, 0, 0.9f})}},
      {"moved and sized",
       Propose(),
       {MakeTensor<float>({1, 1, 1, 2}, {0, 1}),
        MakeTensor<float>({1, 1, 1, 4}, {0.5f, 1, std::log(0.5f), std::log(0.2f)}),
        MakeTensor<float>({1, 2}, {20, 24})},
       {MakeTensor<float>({1, 6}, {0, 7.5f, 14, 12.5f, 16, 1})}},
      {"two images with a size for both, without scores",
       Propose(0.7f, 0, false),
       {MakeTensor<float>({2, 1, 1, 2}, {0, 1, 0, 1}), MakeTensor<float>({2, 1, 1, 4}, {0}),
        Info()},
       {MakeTensor<float>({2, 5}, {0, 0, 0, 10, 10, 1, 0, 0, 10, 10})}},
      {"numbers that are none",
       Propose(),
       {MakeTensor<float>({1, 1, 3, 2}, {0, NAN, 0, 1, 0, NAN}),
        MakeTensor<float>({1, 1, 3, 4}, {0, 0, 0, 0, NAN, NAN, INFINITY, 1e9f, 0, 0, 0, 0}),
        Info()},
       {MakeTensor<float>({1, 6}, {0, 0, 0, 0, 0, 1})}},
      {"no cells",
       Propose(),
       {MakeTensor<float>({1, 0, 3, 2}, {}), MakeTensor<float>({1, 0, 3, 4}, {}), Info()},
       {MakeTensor<float>({0, 6}, {})}},
      Refused("an image of no size", Propose(),
              {Scores(), NoDeltas(), MakeTensor<float>({1, 3}, {0, 24, 1})},
              MaceStatus::MACE_INVALID_ARGS, "image 0 has height 0"),
      Refused("an image of size NaN", Propose(),
              {Scores(), NoDeltas(), MakeTensor<float>({1, 3}, {20, NAN, 1})},
              MaceStatus::MACE_INVALID_ARGS, "image 0 has height 20 and width"),
      Refused("three sizes for one image", Propose(),
              {Scores(), NoDeltas(), MakeTensor<float>({3, 3}, {20})},
              MaceStatus::MACE_INVALID_ARGS, "a row for all 1 images or for each"),
      Refused("scores of other anchors", Propose(),
              {MakeTensor<float>({1, 1, 3, 4}, {0}), NoDeltas(), Info()},
              MaceStatus::MACE_INVALID_ARGS, "for each of 1 anchors"),
      Refused("deltas of another size", Propose(),
              {Scores(), MakeTensor<float>({1, 1, 2, 4}, {0}), Info()},
              MaceStatus::MACE_INVALID_ARGS, "must be NHWC of one size"),
      Refused("an anchor of three numbers",
              OpDefBuilder("Proposal").AddFloatsArg("anchors", {0, 0, 9}),
              {Scores(), NoDeltas(), Info()}, MaceStatus::MACE_INVALID_ARGS, "each needs four"),
  });
}

}  // namespace
}  // namespace test
}  // namespace ops
}  // namespace mace
