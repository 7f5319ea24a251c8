// SPDX-License-Identifier: Apache-2.0
// Unsqueeze: axes are those of the output.
#include <gtest/gtest.h>

#include "mace/ops/ops_test_util.h"

namespace mace {
namespace ops {
namespace test {
namespace {

TEST(UnsqueezeTest, Cases) {
  RunOpCases({
      {"front",
       OpDefBuilder("Unsqueeze").AddIntsArg("axis", {0}),
       {MakeIota<float>({3, 2})},
       {MakeIota<float>({1, 3, 2})}},
      {"back",
       OpDefBuilder("Unsqueeze").AddIntsArg("axis", {-1}),
       {MakeIota<float>({3, 2})},
       {MakeIota<float>({3, 2, 1})}},
      {"several in any order",
       OpDefBuilder("Unsqueeze").AddIntsArg("axis", {3, 0, 2}),
       {MakeIota<float>({3, 2})},
       {MakeIota<float>({1, 3, 1, 1, 2})}},
      {"scalar",
       OpDefBuilder("Unsqueeze").AddIntsArg("axis", {0}),
       {MakeTensor<int64_t>({}, {9})},
       {MakeTensor<int64_t>({1}, {9})}},
      {"up to six",
       OpDefBuilder("Unsqueeze").AddIntsArg("axis", {0, 1, 2, 3}),
       {MakeIota<float>({3, 2})},
       {MakeIota<float>({1, 1, 1, 1, 3, 2})}},
  });
}

TEST(UnsqueezeTest, Errors) {
  RunOpCases({
      Refused("outside", OpDefBuilder("Unsqueeze").AddIntsArg("axis", {3}),
              {MakeIota<float>({3, 2})}, MaceStatus::MACE_INVALID_ARGS,
              "axis 3 is outside of [-3, 2]"),
      Refused("twice", OpDefBuilder("Unsqueeze").AddIntsArg("axis", {1, 1}),
              {MakeIota<float>({3, 2})}, MaceStatus::MACE_INVALID_ARGS, "axis 1 is named twice"),
      Refused("twice, once negative", OpDefBuilder("Unsqueeze").AddIntsArg("axis", {0, -4}),
              {MakeIota<float>({3, 2})}, MaceStatus::MACE_INVALID_ARGS, "axis -4 is named twice"),
      Refused("too many", OpDefBuilder("Unsqueeze").AddIntsArg("axis", {0, 1, 2, 3, 4}),
              {MakeIota<float>({3, 2})}, MaceStatus::MACE_UNSUPPORTED,
              "5 more dimensions for input shape [3, 2] are too many"),
  });
}

}  // namespace
}  // namespace test
}  // namespace ops
}  // namespace mace
