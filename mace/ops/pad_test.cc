// SPDX-License-Identifier: Apache-2.0
// Pad in every mode, cutting too.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>

#include "mace/ops/ops_test_util.h"

namespace mace {
namespace ops {
namespace test {
namespace {

TEST(PadTest, Constant) {
  RunOpCases({
      {"matrix",
       OpDefBuilder("Pad").AddIntsArg("paddings", {1, 0, 2, 1}),
       {MakeTensor<float>({2, 3}, {1, 2, 3, 4, 5, 6})},
       {MakeTensor<float>({3, 6}, {0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 0, 0, 0, 4, 5, 6, 0})}},
      {"value",
       OpDefBuilder("Pad").AddIntsArg("paddings", {0, 1, 1, 0}).AddFloatArg("constant_value", 9.0f),
       {MakeTensor<float>({2, 3}, {1, 2, 3, 4, 5, 6})},
       {MakeTensor<float>({3, 4}, {9, 1, 2, 3, 9, 4, 5, 6, 9, 9, 9, 9})}},
      {"height and width",
       OpDefBuilder("Pad")
           .AddIntsArg("paddings", {0, 0, 1, 0, 0, 1, 0, 0})
           .AddFloatArg("constant_value", 5.0f),
       {MakeTensor<float>({1, 2, 2, 2}, {1, 2, 3, 4, 5, 6, 7, 8})},
       {MakeTensor<float>({1, 3, 3, 2}, {5, 5, 5, 5, 5, 5, 1, 2, 3, 4, 5, 5, 5, 6, 7, 8, 5, 5})}},
      {"channels",
       OpDefBuilder("Pad").AddIntsArg("paddings", {0, 0, 0, 0, 0, 0, 1, 2}),
       {MakeTensor<float>({1, 2, 2, 2}, {1, 2, 3, 4, 5, 6, 7, 8})},
       {MakeTensor<float>({1, 2, 2, 5},
                          {0, 1, 2, 0, 0, 0, 3, 4, 0, 0, 0, 5, 6, 0, 0, 0, 7, 8, 0, 0})}},
      {"images",
       OpDefBuilder("Pad").AddIntsArg("paddings", {1, 0, 0, 0, 0, 0, 0, 0}),
       {MakeTensor<float>({1, 2, 2, 2}, {1, 2, 3, 4, 5, 6, 7, 8})},
       {MakeTensor<float>({2, 2, 2, 2}, {0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8})}},
      {"none",
       OpDefBuilder("Pad").AddIntsArg("paddings", {0, 0, 0, 0}),
       {MakeTensor<float>({2, 3}, {1, 2, 3, 4, 5, 6})},
       {MakeTensor<float>({2, 3}, {1, 2, 3, 4, 5, 6})}},
      {"cut",
       OpDefBuilder("Pad").AddIntsArg("paddings", {-1, 0, 0, -2}),
       {MakeTensor<float>({2, 3}, {1, 2, 3, 4, 5, 6})},
       {MakeTensor<float>({1, 1}, {4})}},
      {"cut and add",
       OpDefBuilder("Pad")
           .AddIntsArg("paddings", {-1, 2, 1, -1})
           .AddFloatArg("constant_value", 7.0f),
       {MakeTensor<float>({2, 3}, {1, 2, 3, 4, 5, 6})},
       {MakeTensor<float>({3, 3}, {7, 4, 5, 7, 7, 7, 7, 7, 7})}},
      {"int32",
       OpDefBuilder("Pad").AddIntsArg("paddings", {1, 1}).AddFloatArg("constant_value", -4.0f),
       {MakeTensor<int32_t>({3}, {1, 2, 3})},
       {MakeTensor<int32_t>({5}, {-4, 1, 2, 3, -4})}},
      {"int64",
       OpDefBuilder("Pad").AddIntsArg("paddings", {0, 2}).AddFloatArg("constant_value", 3.0f),
       {MakeTensor<int64_t>({3}, {1, 2, 3})},
       {MakeTensor<int64_t>({5}, {1, 2, 3, 3, 3})}},
      {"scalar",
       OpDefBuilder("Pad").AddIntsArg("paddings", {}),
       {MakeTensor<float>({}, {3})},
       {MakeTensor<float>({}, {3})}},
      {"of nothing",
       OpDefBuilder("Pad").AddIntsArg("paddings", {1, 1, 0, 0}).AddFloatArg("constant_value", 2.0f),
       {MakeTensor<float>({0, 2}, {})},
       {MakeTensor<float>({2, 2}, {2, 2, 2, 2})}},
      {"to nothing",
       OpDefBuilder("Pad").AddIntsArg("paddings", {-1, -1}),
       {MakeTensor<float>({2}, {0, 1})},
       {MakeTensor<float>({0}, {})}},
      {"cut beyond the other end",
       OpDefBuilder("Pad").AddIntsArg("paddings", {-4, 3}).AddFloatArg("constant_value", 8.0f),
       {MakeTensor<float>({3}, {1, 2, 3})},
       {MakeTensor<float>({2}, {8, 8})}},
  });
}

TEST(PadTest, Reflect) {
  RunOpCases({
      {"vector",
       OpDefBuilder("Pad").AddIntsArg("paddings", {2, 1}).AddStringArg("mode", "REFLECT"),
       {MakeTensor<float>({3}, {1, 2, 3})},
       {MakeTensor<float>({6}, {3, 2, 1, 2, 3, 2})}},
      {"to and fro",
       OpDefBuilder("Pad").AddIntsArg("paddings", {5, 6}).AddStringArg("mode", "REFLECT"),
       {MakeTensor<float>({3}, {1, 2, 3})},
       {MakeTensor<float>({14}, {2, 1, 2, 3, 2, 1, 2, 3, 2, 1, 2, 3, 2, 1})}},
      {"matrix",
       OpDefBuilder("Pad").AddIntsArg("paddings", {1, 1, 2, 1}).AddStringArg("mode", "REFLECT"),
       {MakeTensor<float>({2, 3}, {1, 2, 3, 4, 5, 6})},
       {MakeTensor<float>(
           {4, 6}, {6, 5, 4, 5, 6, 5, 3, 2, 1, 2, 3, 2, 6, 5, 4, 5, 6, 5, 3, 2, 1, 2, 3, 2})}},
      {"height and width",
       OpDefBuilder("Pad")
           .AddIntsArg("paddings", {0, 0, 1, 1, 1, 0, 0, 0})
           .AddStringArg("mode", "REFLECT"),
       {MakeTensor<float>({1, 2, 2, 2}, {1, 2, 3, 4, 5, 6, 7, 8})},
       {MakeTensor<float>({1, 4, 3, 2}, {7, 8, 5, 6, 7, 8, 3, 4, 1, 2, 3, 4,
                                         7, 8, 5, 6, 7, 8, 3, 4, 1, 2, 3, 4})}},
      {"one element",
       OpDefBuilder("Pad").AddIntsArg("paddings", {2, 1}).AddStringArg("mode", "REFLECT"),
       {MakeTensor<float>({1}, {7})},
       {MakeTensor<float>({4}, {7, 7, 7, 7})}},
      {"int32",
       OpDefBuilder("Pad").AddIntsArg("paddings", {1, 2}).AddStringArg("mode", "REFLECT"),
       {MakeTensor<int32_t>({3}, {1, 2, 3})},
       {MakeTensor<int32_t>({6}, {2, 1, 2, 3, 2, 1})}},
      {"cut on one side",
       OpDefBuilder("Pad").AddIntsArg("paddings", {-1, 2}).AddStringArg("mode", "REFLECT"),
       {MakeTensor<float>({3}, {1, 2, 3})},
       {MakeTensor<float>({4}, {2, 3, 2, 1})}},
  });
}

TEST(PadTest, Symmetric) {
  RunOpCases({
      {"vector",
       OpDefBuilder("Pad").AddIntsArg("paddings", {2, 1}).AddStringArg("mode", "SYMMETRIC"),
       {MakeTensor<float>({3}, {1, 2, 3})},
       {MakeTensor<float>({6}, {2, 1, 1, 2, 3, 3})}},
      {"to and fro",
       OpDefBuilder("Pad").AddIntsArg("paddings", {5, 7}).AddStringArg("mode", "SYMMETRIC"),
       {MakeTensor<float>({3}, {1, 2, 3})},
       {MakeTensor<float>({15}, {2, 3, 3, 2, 1, 1, 2, 3, 3, 2, 1, 1, 2, 3, 3})}},
      {"matrix",
       OpDefBuilder("Pad").AddIntsArg("paddings", {2, 1, 3, 1}).AddStringArg("mode", "SYMMETRIC"),
       {MakeTensor<float>({2, 3}, {1, 2, 3, 4, 5, 6})},
       {MakeTensor<float>({5, 7}, {6, 5, 4, 4, 5, 6, 6, 3, 2, 1, 1, 2, 3, 3, 3, 2, 1, 1,
                                   2, 3, 3, 6, 5, 4, 4, 5, 6, 6, 6, 5, 4, 4, 5, 6, 6})}},
      {"height and width",
       OpDefBuilder("Pad")
           .AddIntsArg("paddings", {0, 0, 2, 0, 1, 1, 0, 0})
           .AddStringArg("mode", "SYMMETRIC"),
       {MakeTensor<float>({1, 2, 2, 2}, {1, 2, 3, 4, 5, 6, 7, 8})},
       {MakeTensor<float>({1, 4, 4, 2}, {5, 6, 5, 6, 7, 8, 7, 8, 1, 2, 1, 2, 3, 4, 3, 4,
                                         1, 2, 1, 2, 3, 4, 3, 4, 5, 6, 5, 6, 7, 8, 7, 8})}},
      {"one element",
       OpDefBuilder("Pad").AddIntsArg("paddings", {2, 1}).AddStringArg("mode", "SYMMETRIC"),
       {MakeTensor<float>({1}, {7})},
       {MakeTensor<float>({4}, {7, 7, 7, 7})}},
  });
}

TEST(PadTest, Wrap) {
  RunOpCases({
      {"vector",
       OpDefBuilder("Pad").AddIntsArg("paddings", {2, 4}).AddStringArg("mode", "WRAP"),
       {MakeTensor<float>({3}, {1, 2, 3})},
       {MakeTensor<float>({9}, {2, 3, 1, 2, 3, 1, 2, 3, 1})}},
      {"matrix",
       OpDefBuilder("Pad").AddIntsArg("paddings", {1, 0, 1, 1}).AddStringArg("mode", "WRAP"),
       {MakeTensor<uint8_t>({2, 3}, {1, 2, 3, 4, 5, 6})},
       {MakeTensor<uint8_t>({3, 5}, {6, 4, 5, 6, 4, 3, 1, 2, 3, 1, 6, 4, 5, 6, 4})}},
  });
}

TEST(PadTest, Edge) {
  RunOpCases({
      {"vector",
       OpDefBuilder("Pad").AddIntsArg("paddings", {2, 3}).AddStringArg("mode", "EDGE"),
       {MakeTensor<float>({3}, {1, 2, 3})},
       {MakeTensor<float>({8}, {1, 1, 1, 2, 3, 3, 3, 3})}},
      {"matrix",
       OpDefBuilder("Pad").AddIntsArg("paddings", {1, 2, 2, 1}).AddStringArg("mode", "EDGE"),
       {MakeTensor<float>({2, 3}, {1, 2, 3, 4, 5, 6})},
       {MakeTensor<float>({5, 6}, {1, 1, 1, 2, 3, 3, 1, 1, 1, 2, 3, 3, 4, 4, 4,
                                   5, 6, 6, 4, 4, 4, 5, 6, 6, 4, 4, 4, 5, 6, 6})}},
      {"height and width",
       OpDefBuilder("Pad")
           .AddIntsArg("paddings", {0, 0, 1, 0, 0, 2, 0, 0})
           .AddStringArg("mode", "EDGE"),
       {MakeTensor<float>({1, 2, 2, 2}, {1, 2, 3, 4, 5, 6, 7, 8})},
       {MakeTensor<float>({1, 3, 4, 2}, {1, 2, 3, 4, 3, 4, 3, 4, 1, 2, 3, 4,
                                         3, 4, 3, 4, 5, 6, 7, 8, 7, 8, 7, 8})}},
      {"int64",
       OpDefBuilder("Pad").AddIntsArg("paddings", {1, 1}).AddStringArg("mode", "EDGE"),
       {MakeTensor<int64_t>({3}, {1, 2, 3})},
       {MakeTensor<int64_t>({5}, {1, 1, 2, 3, 3})}},
  });
}

TEST(PadTest, Errors) {
  RunOpCases({
      Refused("count", OpDefBuilder("Pad").AddIntsArg("paddings", {1, 1}),
              {MakeTensor<float>({2, 3}, {1, 2, 3, 4, 5, 6})}, MaceStatus::MACE_INVALID_ARGS,
              "paddings has 2 entries; input shape [2, 3] needs two for each dimension"),
      Refused("cut too much", OpDefBuilder("Pad").AddIntsArg("paddings", {0, 0, -2, -2}),
              {MakeTensor<float>({2, 3}, {1, 2, 3, 4, 5, 6})}, MaceStatus::MACE_INVALID_ARGS,
              "dimension 1 of input shape [2, 3] cannot be padded by -2 and -2"),
      Refused("overflow",
              OpDefBuilder("Pad").AddIntsArg("paddings",
                                             {4611686018427387904, 4611686018427387904, 0, 0}),
              {MakeTensor<float>({2, 3}, {1, 2, 3, 4, 5, 6})}, MaceStatus::MACE_INVALID_ARGS,
              "cannot be padded by"),
      Refused("too large",
              OpDefBuilder("Pad").AddIntsArg("paddings", {1099511627776, 0, 1099511627776, 0}),
              {MakeTensor<float>({2, 3}, {1, 2, 3, 4, 5, 6})}, MaceStatus::MACE_INVALID_ARGS,
              "too large to be addressed"),
      Refused("nothing to reflect",
              OpDefBuilder("Pad").AddIntsArg("paddings", {1, 0}).AddStringArg("mode", "REFLECT"),
              {MakeTensor<float>({0}, {})}, MaceStatus::MACE_INVALID_ARGS,
              "dimension 0 of input shape [0] has no elements to pad with"),
      Refused("value",
              OpDefBuilder("Pad")
                  .AddIntsArg("paddings", {1, 0})
                  .AddFloatArg("constant_value", 3000000000.0f),
              {MakeTensor<int32_t>({3}, {1, 2, 3})}, MaceStatus::MACE_INVALID_ARGS,
              "cannot be represented as int32"),
      Refused("mode",
              OpDefBuilder("Pad").AddIntsArg("paddings", {1, 0}).AddStringArg("mode", "TORUS"),
              {MakeTensor<float>({3}, {1, 2, 3})}, MaceStatus::MACE_INVALID_ARGS, "TORUS"),
  });
}

TEST(PadTest, LargeOnThreads) {
  OpsTestNet net;
  net.AddRandomInput("x", {2, 41, 43, 16});
  OpDefBuilder("Pad")
      .Input("x")
      .Output("y")
      .AddIntsArg("paddings", {0, 0, 1, 2, 3, 0, 0, 0})
      .AddStringArg("mode", "EDGE")
      .Finalize(net.NewOperatorDef());
  ASSERT_TRUE(Succeeds(net.RunOp()));
  const std::vector<float> x = net.Values<float>("x");
  std::vector<float> expected;
  for (int64_t n = 0; n < 2; ++n) {
    for (int64_t h = -1; h < 43; ++h) {
      for (int64_t w = -3; w < 43; ++w) {
        const int64_t row = std::min<int64_t>(std::max<int64_t>(h, 0), 40);
        const auto pixel = x.begin() + ((n * 41 + row) * 43 + std::max<int64_t>(w, 0)) * 16;
        expected.insert(expected.end(), pixel, pixel + 16);
      }
    }
  }
  ExpectTensorNear<float>(net, "y", {2, 44, 46, 16}, expected, 0, 0);
}

}  // namespace
}  // namespace test
}  // namespace ops
}  // namespace mace
