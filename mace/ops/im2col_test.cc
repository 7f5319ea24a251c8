// SPDX-License-Identifier: Apache-2.0
// Im2Col: order of channels, offsets and masks.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <vector>

#include "mace/ops/ops_test_util.h"

namespace mace {
namespace ops {
namespace test {
namespace {

OpDefBuilder Columns(int64_t height, int64_t width) {
  return OpDefBuilder("Im2Col").AddIntsArg("kernels", {height, width});
}

TEST(Im2ColTest, Cases) {
  RunOpCases({
      {"windows",
       Columns(1, 2),
       {MakeIota<float>({1, 1, 3, 2})},
       {MakeTensor<float>({1, 1, 2, 4}, {0, 1, 2, 3, 2, 3, 4, 5})}},
      {"in groups",
       Columns(1, 2).AddIntArg("group", 2),
       {MakeIota<float>({1, 1, 3, 2})},
       {MakeTensor<float>({1, 1, 2, 4}, {0, 2, 1, 3, 2, 4, 3, 5})}},
      {"padded",
       Columns(2, 1).AddStringArg("padding", "EXPLICIT").AddIntsArg("paddings", {1, 0, 0, 0}),
       {MakeIota<float>({1, 1, 2, 1})},
       {MakeTensor<float>({1, 1, 2, 2}, {0, 0, 0, 1})}},
      {"moved and masked, a group of offsets for each channel",
       Columns(1, 1).AddIntArg("offset_group", 2),
       {MakeIota<float>({1, 2, 2, 2}),
        MakeTensor<float>({1, 2, 2, 4}, {0.5f, 0, 0, 0, 0, 9, 0, -1, NAN, 0, 0, 0, 0, 0, -0.5f, 0}),
        MakeTensor<float>({1, 2, 2, 2}, {1, 2, 1, 1, 1, 1, 1, 1})},
       {MakeTensor<float>({1, 2, 2, 2}, {2, 2, 0, 1, 0, 5, 6, 5})}},
  });
}

TEST(Im2ColTest, Errors) {
  RunOpCases({
      Refused("offsets", Columns(1, 1),
              {MakeIota<float>({1, 2, 2, 2}), MakeTensor<float>({1, 2, 2, 1}, {0})},
              MaceStatus::MACE_INVALID_ARGS, "where [1, 2, 2, 2] is needed"),
      Refused("groups", Columns(1, 1).AddIntArg("group", 3), {MakeIota<float>({1, 2, 2, 2})},
              MaceStatus::MACE_INVALID_ARGS, "cannot be split into 3 groups"),
      Refused("no window", Columns(5, 1), {MakeIota<float>({1, 2, 2, 2})},
              MaceStatus::MACE_INVALID_ARGS, ""),
  });
}

}  // namespace
}  // namespace test
}  // namespace ops
}  // namespace mace
