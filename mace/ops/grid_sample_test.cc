// SPDX-License-Identifier: Apache-2.0
// GridSample: modes, paddings, dimensions, and points that are no numbers.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <vector>

#include "mace/ops/ops_test_util.h"

namespace mace {
namespace ops {
namespace test {
namespace {

OpDefBuilder Sample(const char *mode, const char *padding, bool align = true) {
  return OpDefBuilder("GridSample")
      .AddStringArg("mode", mode)
      .AddStringArg("padding_mode", padding)
      .AddIntArg("align_corners", align ? 1 : 0);
}

TEST(GridSampleTest, Cases) {
  const auto line = MakeTensor<float>({1, 3, 1}, {1, 2, 4});
  const auto points = MakeTensor<float>({1, 5, 1}, {-2, -1, 0.5f, 1, 1.5f});
  const Shape five = {1, 5, 1};
  RunOpCases({
      {"zeros",
       Sample("LINEAR", "ZEROS"),
       {line, points},
       {MakeTensor<float>(five, {0, 1, 3, 4, 2})}},
      {"border",
       Sample("LINEAR", "BORDER"),
       {line, points},
       {MakeTensor<float>(five, {1, 1, 3, 4, 4})}},
      {"reflection",
       Sample("LINEAR", "REFLECTION"),
       {line, points},
       {MakeTensor<float>(five, {2, 1, 3, 4, 3})}},
      {"nearest",
       Sample("NEAREST", "ZEROS"),
       {line, points},
       {MakeTensor<float>(five, {0, 1, 4, 4, 4})}},
      {"edges of pixels",
       Sample("LINEAR", "ZEROS", false),
       {line, MakeTensor<float>({1, 2, 1}, {-1, 0})},
       {MakeTensor<float>({1, 2, 1}, {0.5f, 2})}},
      {"image, x first",
       Sample("LINEAR", "ZEROS"),
       {MakeTensor<float>({1, 2, 2, 2}, {1, 10, 2, 20, 3, 30, 4, 40}),
        MakeTensor<float>({1, 1, 2, 2}, {1, -1, 0, 1})},
       {MakeTensor<float>({1, 1, 2, 2}, {2, 20, 3.5f, 35})}},
      {"cubic on a pixel",
       Sample("CUBIC", "BORDER"),
       {line, MakeTensor<float>({1, 1, 1}, {0})},
       {MakeTensor<float>({1, 1, 1}, {2})}},
      {"cubic between pixels",
       Sample("CUBIC", "BORDER"),
       {line, MakeTensor<float>({1, 1, 1}, {0.25f})},
       {MakeTensor<float>({1, 1, 1}, {2.55859375f})}},
      {"volume",
       Sample("LINEAR", "BORDER"),
       {MakeIota<float>({1, 2, 2, 2, 1}), MakeTensor<float>({1, 1, 1, 1, 3}, {0})},
       {MakeTensor<float>({1, 1, 1, 1, 1}, {3.5f})}},
      {"no numbers",
       Sample("LINEAR", "ZEROS"),
       {line, MakeTensor<float>({1, 3, 1}, {NAN, HUGE_VALF, -1e30f})},
       {MakeTensor<float>({1, 3, 1}, {0, 0, 0})}},
      {"no numbers at the border",
       Sample("CUBIC", "REFLECTION"),
       {line, MakeTensor<float>({1, 2, 1}, {NAN, HUGE_VALF})},
       {MakeTensor<float>({1, 2, 1}, {1, 4})}},
      {"no points",
       Sample("LINEAR", "ZEROS"),
       {line, MakeTensor<float>({1, 0, 1}, {})},
       {MakeTensor<float>({1, 0, 1}, {})}},
  });
}

TEST(GridSampleTest, Errors) {
  const auto op = OpDefBuilder("GridSample");
  RunOpCases({
      Refused("batch", op, {MakeIota<float>({2, 3, 1}), MakeTensor<float>({1, 5, 1}, {0})},
              MaceStatus::MACE_INVALID_ARGS, "do not go together"),
      Refused("coordinates", op,
              {MakeIota<float>({1, 3, 3, 1}), MakeTensor<float>({1, 5, 1, 3}, {0})},
              MaceStatus::MACE_INVALID_ARGS, "do not go together"),
      Refused("no pixels", op,
              {MakeTensor<float>({1, 0, 1}, {}), MakeTensor<float>({1, 5, 1}, {0})},
              MaceStatus::MACE_INVALID_ARGS, "has no pixels"),
  });
}

}  // namespace
}  // namespace test
}  // namespace ops
}  // namespace mace
