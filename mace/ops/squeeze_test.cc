// SPDX-License-Identifier: Apache-2.0
// Squeeze: named axes or all dimensions of size 1.
#include <gtest/gtest.h>

#include "mace/ops/ops_test_util.h"

namespace mace {
namespace ops {
namespace test {
namespace {

TEST(SqueezeTest, Cases) {
  RunOpCases({
      {"all", OpDefBuilder("Squeeze"), {MakeIota<float>({1, 3, 1, 2})}, {MakeIota<float>({3, 2})}},
      {"one",
       OpDefBuilder("Squeeze").AddIntsArg("axis", {0}),
       {MakeIota<float>({1, 3, 1, 2})},
       {MakeIota<float>({3, 1, 2})}},
      {"negative",
       OpDefBuilder("Squeeze").AddIntsArg("axis", {-2, 0}),
       {MakeIota<float>({1, 3, 1, 2})},
       {MakeIota<float>({3, 2})}},
      {"to scalar",
       OpDefBuilder("Squeeze"),
       {MakeTensor<int32_t>({1, 1}, {4})},
       {MakeTensor<int32_t>({}, {4})}},
      {"nothing to drop",
       OpDefBuilder("Squeeze"),
       {MakeIota<float>({2, 3})},
       {MakeIota<float>({2, 3})}},
      {"uint8",
       OpDefBuilder("Squeeze").AddIntsArg("axis", {1}),
       {MakeTensor<uint8_t>({2, 1}, {1, 2})},
       {MakeTensor<uint8_t>({2}, {1, 2})}},
  });
}

TEST(SqueezeTest, Errors) {
  RunOpCases({
      Refused("not of size 1", OpDefBuilder("Squeeze").AddIntsArg("axis", {1}),
              {MakeTensor<float>({1, 3}, {0, 1, 2})}, MaceStatus::MACE_INVALID_ARGS,
              "axis 1 of input shape [1, 3] is 3"),
      Refused("outside", OpDefBuilder("Squeeze").AddIntsArg("axis", {2}),
              {MakeTensor<float>({1, 3}, {0, 1, 2})}, MaceStatus::MACE_INVALID_ARGS,
              "axis 2 is outside of [-2, 1]"),
      Refused("twice", OpDefBuilder("Squeeze").AddIntsArg("axis", {0, -2}),
              {MakeTensor<float>({1, 3}, {0, 1, 2})}, MaceStatus::MACE_INVALID_ARGS,
              "axis -2 is named twice"),
  });
}

}  // namespace
}  // namespace test
}  // namespace ops
}  // namespace mace
