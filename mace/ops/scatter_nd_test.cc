// SPDX-License-Identifier: Apache-2.0
// ScatterND: slices and elements, each way to combine, and what must be refused.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <vector>

#include "mace/ops/ops_test_util.h"

namespace mace {
namespace ops {
namespace test {
namespace {

OpDefBuilder Scatter(const char *reduction) {
  return OpDefBuilder("ScatterND").AddStringArg("reduction", reduction);
}

TEST(ScatterNDTest, Cases) {
  RunOpCases({
      {"elements",
       Scatter("NONE"),
       {MakeIota<float>({4}), MakeTensor<int64_t>({2, 1}, {-1, 1}),
        MakeTensor<float>({2}, {10, 11})},
       {MakeTensor<float>({4}, {0, 11, 2, 10})}},
      {"rows",
       Scatter("ADD"),
       {MakeIota<float>({2, 2}), MakeTensor<int32_t>({3, 1}, {1, 0, 1}),
        MakeTensor<float>({3, 2}, {1, 2, 3, 4, 5, 6})},
       {MakeTensor<float>({2, 2}, {3, 5, 8, 11})}},
      {"multiply",
       Scatter("MUL"),
       {MakeIota<int64_t>({2, 2}), MakeTensor<int64_t>({1, 2}, {1, 1}),
        MakeTensor<int64_t>({1}, {-4})},
       {MakeTensor<int64_t>({2, 2}, {0, 1, 2, -12})}},
      {"smallest",
       Scatter("MIN"),
       {MakeIota<uint8_t>({3}), MakeTensor<int64_t>({3, 1}, {0, 1, 2}),
        MakeTensor<uint8_t>({3}, {1})},
       {MakeTensor<uint8_t>({3}, {0, 1, 1})}},
      {"largest",
       Scatter("MAX"),
       {MakeIota<float>({3}), MakeTensor<int64_t>({3, 1}, {0, 1, 2}), MakeTensor<float>({3}, {1})},
       {MakeTensor<float>({3}, {1, 1, 2})}},
      {"nothing",
       Scatter("NONE"),
       {MakeIota<float>({2, 2}), MakeTensor<int64_t>({0, 1}, {}), MakeTensor<float>({0, 2}, {})},
       {MakeIota<float>({2, 2})}},
  });
}

TEST(ScatterNDTest, Errors) {
  RunOpCases({
      Refused("outside", Scatter("NONE"),
              {MakeIota<float>({2}), MakeTensor<int64_t>({1, 1}, {2}), MakeTensor<float>({1}, {0})},
              MaceStatus::MACE_INVALID_ARGS, "index 2 at place 0 is outside of [-2, 1]"),
      Refused("shapes", Scatter("NONE"),
              {MakeIota<float>({2}), MakeTensor<int64_t>({2, 1}, {0}), MakeTensor<float>({1}, {0})},
              MaceStatus::MACE_INVALID_ARGS, "a slice of the input for each tuple"),
      Refused("long tuples", Scatter("NONE"),
              {MakeIota<float>({2}), MakeTensor<int64_t>({1, 2}, {0}), MakeTensor<float>({1}, {0})},
              MaceStatus::MACE_INVALID_ARGS, "do not go with"),
      Refused("scalar", Scatter("NONE"),
              {MakeIota<float>({2}), MakeTensor<int64_t>({}, {0}), MakeTensor<float>({1}, {0})},
              MaceStatus::MACE_INVALID_ARGS, "do not go with"),
  });
}

}  // namespace
}  // namespace test
}  // namespace ops
}  // namespace mace
