// SPDX-License-Identifier: Apache-2.0
// Largest elements and their indices, in one to three dimensions.
#include <gtest/gtest.h>

#include "mace/ops/ops_test_util.h"

namespace mace {
namespace ops {
namespace test {
namespace {

OpDefBuilder Pool(const std::vector<int64_t> &kernels) {
  return OpDefBuilder("MaxPoolWithArgmax").AddIntsArg("kernels", kernels);
}

TEST(MaxPoolWithArgmaxTest, Cases) {
  const TestTensor nine = MakeIota<float>({1, 1, 3, 3});
  const TestTensor two = MakeTensor<int8_t>({2, 2, 1, 2}, {1, -2, 3, -4, -5, 6, -7, 8});
  RunOpCases({
      {"plain",
       Pool({2, 2}),
       {nine},
       {MakeTensor<float>({1, 1, 2, 2}, {4, 5, 7, 8}),
        MakeTensor<int64_t>({1, 1, 2, 2}, {4, 5, 7, 8})}},
      {"column major",
       Pool({2, 2}).AddIntArg("column_major", 1),
       {nine},
       {MakeTensor<float>({1, 1, 2, 2}, {4, 5, 7, 8}),
        MakeTensor<int64_t>({1, 1, 2, 2}, {4, 7, 5, 8})}},
      {"padding, stride, dilation",
       Pool({2, 2})
           .AddIntsArg("strides", {2, 2})
           .AddIntsArg("dilations", {2, 2})
           .AddStringArg("padding", "EXPLICIT")
           .AddIntsArg("paddings", {1, 0, 1, 0}),
       {nine},
       {MakeTensor<float>({1, 1, 1, 1}, {4}), MakeTensor<int64_t>({1, 1, 1, 1}, {4})}},
      {"the first of equals",
       Pool({3}),
       {MakeTensor<float>({1, 1, 3}, {7})},
       {MakeTensor<float>({1, 1, 1}, {7}), MakeTensor<int64_t>({1, 1, 1}, {0})}},
      {"batch and channels, int8",
       Pool({1, 2}),
       {two},
       {MakeTensor<int8_t>({2, 2, 1, 1}, {1, 3, 6, 8}),
        MakeTensor<int64_t>({2, 2, 1, 1}, {0, 2, 5, 7})}},
      {"channels last, index in the image",
       Pool({1, 2}).AddIntArg("channels_last", 1).AddIntArg("image_index", 1),
       {MakeTensor<uint8_t>({2, 1, 2, 2}, {1, 2, 3, 0, 5, 6, 7, 0})},
       {MakeTensor<uint8_t>({2, 1, 1, 2}, {3, 2, 7, 6}),
        MakeTensor<int64_t>({2, 1, 1, 2}, {2, 1, 2, 1})}},
      {"three dimensions",
       Pool({2, 2, 2}),
       {MakeIota<float>({1, 1, 2, 2, 2})},
       {MakeTensor<float>({1, 1, 1, 1, 1}, {7}), MakeTensor<int64_t>({1, 1, 1, 1, 1}, {7})}},
      {"a window in the padding alone",
       Pool({1}).AddStringArg("padding", "EXPLICIT").AddIntsArg("paddings", {1, 0}),
       {MakeTensor<uint8_t>({1, 1, 1}, {9})},
       {MakeTensor<uint8_t>({1, 1, 2}, {0, 9}), MakeTensor<int64_t>({1, 1, 2}, {-1, 0})}},
      {"empty",
       Pool({2, 2}),
       {MakeTensor<float>({0, 1, 3, 3}, {})},
       {MakeTensor<float>({0, 1, 2, 2}, {}), MakeTensor<int64_t>({0, 1, 2, 2}, {})}},
  });
}

TEST(MaxPoolWithArgmaxTest, Refusals) {
  const MaceStatus::Code invalid = MaceStatus::MACE_INVALID_ARGS;
  const TestTensor nine = MakeIota<float>({1, 1, 3, 3});
  RunOpCases({
      Refused("rank", Pool({2}), {nine}, invalid, "must have 3 dimensions"),
      Refused("no window", Pool({}), {nine}, MaceStatus::MACE_UNSUPPORTED, "1 to 4 dimensions"),
      Refused("strides", Pool({2, 2}).AddIntsArg("strides", {1}), {nine}, invalid, "strides"),
      Refused("window", Pool({2, 4}), {nine}, invalid, "a window of 4 does not fit into 3"),
      Refused("paddings", Pool({2, 2}).AddStringArg("padding", "EXPLICIT"), {nine}, invalid,
              "paddings has 0 values"),
      Refused("kernel", Pool({INT64_MAX, 2}), {nine}, invalid, "kernel"),
  });
}

}  // namespace
}  // namespace test
}  // namespace ops
}  // namespace mace
