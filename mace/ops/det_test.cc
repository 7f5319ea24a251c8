// SPDX-License-Identifier: Apache-2.0
// Determinants, singular ones and those that need rows swapped.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <vector>

#include "mace/ops/ops_test_util.h"

namespace mace {
namespace ops {
namespace test {
namespace {

TEST(DetTest, Cases) {
  const auto op = OpDefBuilder("Det");
  RunOpCases({
      {"one matrix", op, {MakeTensor<float>({2, 2}, {0, 1, 2, 3})}, {MakeTensor<float>({}, {-2})}},
      {"singular", op, {MakeTensor<float>({2, 2}, {1, 2, 2, 4})}, {MakeTensor<float>({}, {0})}},
      {"several",
       op,
       {MakeTensor<float>({2, 3, 3}, {2, -1, 0, 1, 3, 4, 0, 5, -2, 0, 0, 1, 0, 1, 0, 1, 0, 0})},
       {MakeTensor<float>({2}, {-54, -1})}},
      {"a swap in a later column",
       op,
       {MakeTensor<float>({4, 4}, {1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0})},
       {MakeTensor<float>({}, {-1})}},
      {"no rows", op, {MakeTensor<float>({2, 0, 0}, {})}, {MakeTensor<float>({2}, {1})}},
      {"no matrices", op, {MakeTensor<float>({0, 2, 2}, {})}, {MakeTensor<float>({0}, {})}},
  });
}

TEST(DetTest, Errors) {
  RunOpCases({
      Refused("not square", OpDefBuilder("Det"), {MakeIota<float>({2, 3})},
              MaceStatus::MACE_INVALID_ARGS, "no square matrix"),
      Refused("vector", OpDefBuilder("Det"), {MakeIota<float>({2})}, MaceStatus::MACE_INVALID_ARGS,
              "no square matrix"),
  });
}

}  // namespace
}  // namespace test
}  // namespace ops
}  // namespace mace
