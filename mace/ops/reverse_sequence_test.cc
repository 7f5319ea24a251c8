// SPDX-License-Identifier: Apache-2.0
// ReverseSequence along either order of axes, and lengths outside.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <vector>

#include "mace/ops/ops_test_util.h"

namespace mace {
namespace ops {
namespace test {
namespace {

OpDefBuilder Reverse(int64_t time, int64_t batch) {
  return OpDefBuilder("ReverseSequence")
      .AddIntArg("time_axis", time)
      .AddIntArg("batch_axis", batch);
}

TEST(ReverseSequenceTest, Cases) {
  RunOpCases({
      {"time first",
       Reverse(0, 1),
       {MakeIota<float>({4, 2}), MakeTensor<int64_t>({2}, {3, 4})},
       {MakeTensor<float>({4, 2}, {4, 7, 2, 5, 0, 3, 6, 1})}},
      {"batch first",
       Reverse(1, 0),
       {MakeIota<int32_t>({2, 4}), MakeTensor<int32_t>({2}, {0, 3})},
       {MakeTensor<int32_t>({2, 4}, {0, 1, 2, 3, 6, 5, 4, 7})}},
      {"with more dimensions",
       Reverse(-2, 0),
       {MakeIota<uint8_t>({2, 1, 2, 2}), MakeTensor<int64_t>({2}, {2, 1})},
       {MakeTensor<uint8_t>({2, 1, 2, 2}, {2, 3, 0, 1, 4, 5, 6, 7})}},
      {"nothing",
       Reverse(0, 1),
       {MakeTensor<float>({0, 2}, {}), MakeTensor<int64_t>({2}, {0, 0})},
       {MakeTensor<float>({0, 2}, {})}},
  });
}

TEST(ReverseSequenceTest, Errors) {
  RunOpCases({
      Refused("long", Reverse(0, 1), {MakeIota<float>({4, 1}), MakeTensor<int64_t>({1}, {5})},
              MaceStatus::MACE_INVALID_ARGS, "length 5 of sequence 0 is outside of [0, 4]"),
      Refused("negative", Reverse(0, 1), {MakeIota<float>({4, 1}), MakeTensor<int64_t>({1}, {-1})},
              MaceStatus::MACE_INVALID_ARGS, "length -1 of sequence 0"),
      Refused("count", Reverse(0, 1), {MakeIota<float>({4, 2}), MakeTensor<int64_t>({1}, {1})},
              MaceStatus::MACE_INVALID_ARGS, "one for each of the 2 sequences"),
      Refused("one axis", Reverse(0, 0), {MakeIota<float>({4, 2}), MakeTensor<int64_t>({4}, {1})},
              MaceStatus::MACE_INVALID_ARGS, "axis 0 is named twice"),
  });
}

}  // namespace
}  // namespace test
}  // namespace ops
}  // namespace mace
