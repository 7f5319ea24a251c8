// SPDX-License-Identifier: Apache-2.0
// Unique: order, axes, all outputs.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <vector>

#include "mace/ops/ops_test_util.h"

namespace mace {
namespace ops {
namespace test {
namespace {

TEST(UniqueTest, Cases) {
  RunOpCases({
      {"sorted",
       OpDefBuilder("Unique"),
       {MakeTensor<float>({6}, {2, 1, 1, 3, 4, 3})},
       {MakeTensor<float>({4}, {1, 2, 3, 4}), MakeTensor<int64_t>({4}, {1, 0, 3, 4}),
        MakeTensor<int64_t>({6}, {1, 0, 0, 2, 3, 2}), MakeTensor<int64_t>({4}, {2, 1, 2, 1})}},
      {"first come",
       OpDefBuilder("Unique").AddIntArg("sorted", 0),
       {MakeTensor<int32_t>({6}, {2, 1, 1, 3, 4, 3})},
       {MakeTensor<int32_t>({4}, {2, 1, 3, 4}), MakeTensor<int64_t>({4}, {0, 1, 3, 4}),
        MakeTensor<int64_t>({6}, {0, 1, 1, 2, 3, 2}), MakeTensor<int64_t>({4}, {1, 2, 2, 1})}},
      {"columns",
       OpDefBuilder("Unique").AddIntArg("axis", 1),
       {MakeTensor<float>({2, 4}, {1, 0, 1, 0, 5, 3, 5, 2})},
       {MakeTensor<float>({2, 3}, {0, 0, 1, 2, 3, 5}), MakeTensor<int64_t>({3}, {3, 1, 0}),
        MakeTensor<int64_t>({4}, {2, 1, 2, 0}), MakeTensor<int64_t>({3}, {1, 1, 2})}},
      {"values alone",
       OpDefBuilder("Unique"),
       {MakeTensor<uint8_t>({3}, {9, 9, 9})},
       {MakeTensor<uint8_t>({1}, {9})}},
      {"not a number",
       OpDefBuilder("Unique"),
       {MakeTensor<float>({4}, {NAN, 1, NAN, 0})},
       {MakeTensor<float>({3}, {0, 1, NAN})}},
      {"nothing",
       OpDefBuilder("Unique"),
       {MakeTensor<float>({0}, {})},
       {MakeTensor<float>({0}, {}), MakeTensor<int64_t>({0}, {})}},
      {"slices of no parts are alike",
       OpDefBuilder("Unique").AddIntArg("axis", 1),
       {MakeTensor<float>({0, 3, 2}, {})},
       {MakeTensor<float>({0, 1, 2}, {}), MakeTensor<int64_t>({1}, {0})}},
      {"empty slices are alike",
       OpDefBuilder("Unique"),
       {MakeTensor<float>({3, 0}, {})},
       {MakeTensor<float>({1, 0}, {}), MakeTensor<int64_t>({1}, {0})}},
  });
}

TEST(UniqueTest, Errors) {
  RunOpCases({
      Refused("scalar", OpDefBuilder("Unique"), {MakeTensor<float>({}, {1})},
              MaceStatus::MACE_INVALID_ARGS, "axis 0 names a dimension"),
  });
}

}  // namespace
}  // namespace test
}  // namespace ops
}  // namespace mace
