// SPDX-License-Identifier: Apache-2.0
// Pooling: windows, paddings and rounding as TensorFlow, Caffe and ONNX count them.
#include <gtest/gtest.h>

#include "mace/ops/ops_test_util.h"

namespace mace {
namespace ops {
namespace test {
namespace {

OpDefBuilder Pool(const char *type, int64_t kernel, int64_t stride, const char *padding = "VALID") {
  return OpDefBuilder("Pooling")
      .AddStringArg("pooling_type", type)
      .AddIntsArg("kernels", {kernel, kernel})
      .AddIntsArg("strides", {stride, stride})
      .AddStringArg("padding", padding);
}

TEST(PoolingTest, Cases) {
  const TestTensor nine = MakeIota<float>({1, 3, 3, 1});  // 0 1 2 / 3 4 5 / 6 7 8
  const TestTensor negative = MakeTensor<float>({1, 2, 2, 1}, {-1, -2, -3, -4});
  RunOpCases({
      {"max", Pool("MAX", 2, 1), {nine}, {MakeTensor<float>({1, 2, 2, 1}, {4, 5, 7, 8})}},
      {"average", Pool("AVG", 2, 1), {nine}, {MakeTensor<float>({1, 2, 2, 1}, {2, 3, 5, 6})}},
      {"max of negative numbers does not see the padding",
       Pool("MAX", 3, 2, "SAME"),
       {negative},
       {MakeTensor<float>({1, 1, 1, 1}, {-1})}},
      {"average, SAME, of what is there",
       Pool("AVG", 2, 2, "SAME"),
       {nine},
       {MakeTensor<float>({1, 2, 2, 1}, {2, 3.5f, 6.5f, 8})}},
      {"average, padding not counted",
       Pool("AVG", 2, 2, "EXPLICIT").AddIntsArg("paddings", {1, 0, 1, 0}),
       {nine},
       {MakeTensor<float>({1, 2, 2, 1}, {0, 1.5f, 4.5f, 6})}},
      {"average, padding counted",
       Pool("AVG", 2, 2, "EXPLICIT")
           .AddIntsArg("paddings", {1, 0, 1, 0})
           .AddIntArg("count_include_pad", 1),
       {nine},
       {MakeTensor<float>({1, 2, 2, 1}, {0, 0.75f, 2.25f, 6})}},
      {"average, every window counted whole",
       Pool("AVG", 2, 2, "SAME").AddIntArg("count_all", 1),
       {nine},
       {MakeTensor<float>({1, 2, 2, 1}, {2, 1.75f, 3.25f, 2})}},
      {"rounded down", Pool("MAX", 2, 2), {nine}, {MakeTensor<float>({1, 1, 1, 1}, {4})}},
      {"rounded up, what lies beyond the input never counts",
       Pool("AVG", 2, 2).AddStringArg("round_mode", "CEIL").AddIntArg("count_include_pad", 1),
       {nine},
       {MakeTensor<float>({1, 2, 2, 1}, {2, 3.5f, 6.5f, 8})}},
      {"rounded up, but no window in the padding alone",
       Pool("MAX", 2, 2, "EXPLICIT")
           .AddIntsArg("paddings", {0, 1, 0, 1})
           .AddStringArg("round_mode", "CEIL"),
       {MakeIota<float>({1, 4, 4, 1})},
       {MakeTensor<float>({1, 2, 2, 1}, {5, 7, 13, 15})}},
      {"dilation",
       Pool("MAX", 2, 1).AddIntsArg("dilations", {2, 2}),
       {nine},
       {MakeTensor<float>({1, 1, 1, 1}, {8})}},
      {"whole image of two, many channels",
       Pool("AVG", 3, 1),
       {MakeTensor<float>({2, 3, 3, 37}, {0.5f})},
       {MakeTensor<float>({2, 1, 1, 37}, {0.5f})}},
      {"empty",
       Pool("AVG", 2, 1),
       {MakeTensor<float>({0, 3, 3, 2}, {})},
       {MakeTensor<float>({0, 2, 2, 2}, {})}},
  });
}

TEST(PoolingTest, Refusals) {
  const MaceStatus::Code invalid = MaceStatus::MACE_INVALID_ARGS;
  const TestTensor nine = MakeIota<float>({1, 3, 3, 1});
  RunOpCases({
      Refused("rank", Pool("MAX", 2, 1), {MakeIota<float>({3, 3})}, invalid,
              "must have 4 dimensions"),
      Refused("window", Pool("MAX", 4, 1), {nine}, invalid, "a window of 4 does not fit into 3"),
      Refused("kernel", Pool("MAX", INT64_MAX, 1), {nine}, invalid, "kernel"),
      Refused("padding", Pool("MAX", 2, 1, "EXPLICIT").AddIntsArg("paddings", {0, 0, 0, INT64_MAX}),
              {nine}, invalid, "padding"),
  });
}

}  // namespace
}  // namespace test
}  // namespace ops
}  // namespace mace
