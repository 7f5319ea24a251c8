// SPDX-License-Identifier: Apache-2.0
// Transpose: permutations of small tensors as literals, of large ones against a plain loop.
#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "mace/ops/ops_test_util.h"

namespace mace {
namespace ops {
namespace test {
namespace {

TEST(TransposeTest, Cases) {
  RunOpCases({
      {"matrix",
       OpDefBuilder("Transpose").AddIntsArg("dims", {1, 0}),
       {MakeIota<float>({2, 3})},
       {MakeTensor<float>({3, 2}, {0, 3, 1, 4, 2, 5})}},
      {"reverses without dims",
       OpDefBuilder("Transpose"),
       {MakeIota<float>({2, 3, 4})},
       {MakeTensor<float>({4, 3, 2}, {0, 12, 4, 16, 8,  20, 1, 13, 5, 17, 9,  21,
                                      2, 14, 6, 18, 10, 22, 3, 15, 7, 19, 11, 23})}},
      {"NHWC to NCHW",
       OpDefBuilder("Transpose").AddIntsArg("dims", {0, 3, 1, 2}),
       {MakeIota<float>({2, 3, 2, 2})},
       {MakeTensor<float>({2, 2, 3, 2}, {0,  2,  4,  6,  8,  10, 1,  3,  5,  7,  9,  11,
                                         12, 14, 16, 18, 20, 22, 13, 15, 17, 19, 21, 23})}},
      {"NCHW to NHWC",
       OpDefBuilder("Transpose").AddIntsArg("dims", {0, 2, 3, 1}),
       {MakeIota<float>({2, 3, 2, 2})},
       {MakeTensor<float>({2, 2, 2, 3}, {0,  4,  8,  1,  5,  9,  2,  6,  10, 3,  7,  11,
                                         12, 16, 20, 13, 17, 21, 14, 18, 22, 15, 19, 23})}},
      {"outer two",
       OpDefBuilder("Transpose").AddIntsArg("dims", {1, 0, 2}),
       {MakeIota<float>({2, 3, 4})},
       {MakeTensor<float>({3, 2, 4}, {0,  1,  2,  3,  12, 13, 14, 15, 4,  5,  6,  7,
                                      16, 17, 18, 19, 8,  9,  10, 11, 20, 21, 22, 23})}},
      {"identity",
       OpDefBuilder("Transpose").AddIntsArg("dims", {0, 1, 2}),
       {MakeIota<float>({2, 3, 4})},
       {MakeIota<float>({2, 3, 4})}},
      {"negative entries",
       OpDefBuilder("Transpose").AddIntsArg("dims", {-1, 0, -2}),
       {MakeIota<float>({2, 3, 4})},
       {MakeTensor<float>({4, 2, 3}, {0, 4, 8,  12, 16, 20, 1, 5, 9,  13, 17, 21,
                                      2, 6, 10, 14, 18, 22, 3, 7, 11, 15, 19, 23})}},
      {"six dimensions",
       OpDefBuilder("Transpose").AddIntsArg("dims", {5, 0, 4, 1, 3, 2}),
       {MakeIota<float>({2, 1, 3, 1, 2, 2})},
       {MakeTensor<float>({2, 2, 2, 1, 1, 3}, {0, 4, 8, 2, 6, 10, 12, 16, 20, 14, 18, 22,
                                               1, 5, 9, 3, 7, 11, 13, 17, 21, 15, 19, 23})}},
      {"scalar",
       OpDefBuilder("Transpose"),
       {MakeTensor<float>({}, {1})},
       {MakeTensor<float>({}, {1})}},
      {"nothing",
       OpDefBuilder("Transpose").AddIntsArg("dims", {1, 0}),
       {MakeTensor<float>({0, 3}, {})},
       {MakeTensor<float>({3, 0}, {})}},
  });
}

TEST(TransposeTest, ElementTypes) {
  RunOpCases({
      {"float64",
       OpDefBuilder("Transpose"),
       {MakeIota<double>({2, 3})},
       {MakeTensor<double>({3, 2}, {0, 3, 1, 4, 2, 5})}},
      {"int32",
       OpDefBuilder("Transpose"),
       {MakeIota<int32_t>({2, 3})},
       {MakeTensor<int32_t>({3, 2}, {0, 3, 1, 4, 2, 5})}},
      {"int64",
       OpDefBuilder("Transpose"),
       {MakeIota<int64_t>({2, 3})},
       {MakeTensor<int64_t>({3, 2}, {0, 3, 1, 4, 2, 5})}},
      {"uint8",
       OpDefBuilder("Transpose"),
       {MakeIota<uint8_t>({2, 3})},
       {MakeTensor<uint8_t>({3, 2}, {0, 3, 1, 4, 2, 5})}},
      {"int8",
       OpDefBuilder("Transpose"),
       {MakeIota<int8_t>({2, 3})},
       {MakeTensor<int8_t>({3, 2}, {0, 3, 1, 4, 2, 5})}},
      {"bool",
       OpDefBuilder("Transpose"),
       {MakeTensor<bool>({2, 3}, {false, true, true, true, true, true})},
       {MakeTensor<bool>({3, 2}, {false, true, true, true, true, true})}},
  });
}

TEST(TransposeTest, Errors) {
  RunOpCases({
      Refused("too few", OpDefBuilder("Transpose").AddIntsArg("dims", {1, 0}),
              {MakeIota<float>({2, 3, 4})}, MaceStatus::MACE_INVALID_ARGS,
              "dims has 2 entries for input shape [2, 3, 4]"),
      Refused("twice", OpDefBuilder("Transpose").AddIntsArg("dims", {0, 1, 1}),
              {MakeIota<float>({2, 3, 4})}, MaceStatus::MACE_INVALID_ARGS, "axis 1 is named twice"),
      Refused("outside", OpDefBuilder("Transpose").AddIntsArg("dims", {0, 1, 3}),
              {MakeIota<float>({2, 3, 4})}, MaceStatus::MACE_INVALID_ARGS,
              "axis 3 is outside of [-3, 2]"),
  });
}

// Shapes that make every kernel and more than one thread work.
TEST(TransposeTest, LargeAgainstPlainLoop) {
  const Shape shapes[] = {{3, 37, 41, 19}, {2, 300, 70, 3}, {2, 3, 150, 140}, {1, 1, 259, 263}};
  const std::vector<int64_t> orders[] = {
      {0, 3, 1, 2}, {0, 2, 3, 1}, {3, 2, 1, 0}, {0, 2, 1, 3}, {2, 0, 3, 1}};
  for (const Shape &shape : shapes) {
    for (const std::vector<int64_t> &order : orders) {
      OpsTestNet net;
      net.AddRandomInput("x", shape);
      OpDefBuilder("Transpose")
          .Input("x")
          .Output("y")
          .AddIntsArg("dims", order)
          .Finalize(net.NewOperatorDef());
      ASSERT_TRUE(Succeeds(net.RunOp()));
      const std::vector<float> x = net.Values<float>("x");
      int64_t strides[4] = {1, 1, 1, 1};
      for (int i = 2; i >= 0; --i) strides[i] = strides[i + 1] * shape[i + 1];
      std::vector<float> expected;
      const Shape out = {shape[order[0]], shape[order[1]], shape[order[2]], shape[order[3]]};
      for (int64_t a = 0; a < out[0]; ++a) {
        for (int64_t b = 0; b < out[1]; ++b) {
          for (int64_t c = 0; c < out[2]; ++c) {
            for (int64_t d = 0; d < out[3]; ++d) {
              expected.push_back(x[a * strides[order[0]] + b * strides[order[1]] +
                                   c * strides[order[2]] + d * strides[order[3]]]);
            }
          }
        }
      }
      ExpectTensorNear<float>(net, "y", out, expected, 0, 0);
    }
  }
}

}  // namespace
}  // namespace test
}  // namespace ops
}  // namespace mace
