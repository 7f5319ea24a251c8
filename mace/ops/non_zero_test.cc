// SPDX-License-Identifier: Apache-2.0
// NonZero of each kind of element, ranks 0 to 3.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <vector>

#include "mace/ops/ops_test_util.h"

namespace mace {
namespace ops {
namespace test {
namespace {

TEST(NonZeroTest, Cases) {
  const auto op = OpDefBuilder("NonZero");
  RunOpCases({
      {"float",
       op,
       {MakeTensor<float>({2, 2}, {1, -0.0f, NAN, 1e-45f})},
       {MakeTensor<int64_t>({2, 3}, {0, 1, 1, 0, 0, 1})}},
      {"double",
       op,
       {MakeTensor<double>({3}, {0, -5e-324, -0.0})},
       {MakeTensor<int64_t>({1, 1}, {1})}},
      {"one bit", op, {MakeTensor<float>({3}, {2, 0, -2})}, {MakeTensor<int64_t>({1, 2}, {0, 2})}},
      {"bool",
       op,
       {MakeTensor<bool>({1, 2, 2}, {false, true, true, false})},
       {MakeTensor<int64_t>({3, 2}, {0, 0, 0, 1, 1, 0})}},
      {"int64",
       op,
       {MakeTensor<int64_t>({3}, {INT64_MIN, 0, 256})},
       {MakeTensor<int64_t>({1, 2}, {0, 2})}},
      {"scalar", op, {MakeTensor<int32_t>({}, {7})}, {MakeTensor<int64_t>({1, 1}, {0})}},
      {"zero scalar", op, {MakeTensor<int32_t>({}, {0})}, {MakeTensor<int64_t>({1, 0}, {})}},
      {"nothing", op, {MakeTensor<float>({0, 2}, {})}, {MakeTensor<int64_t>({2, 0}, {})}},
  });
}

}  // namespace
}  // namespace test
}  // namespace ops
}  // namespace mace
