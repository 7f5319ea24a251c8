// SPDX-License-Identifier: Apache-2.0
// FullyConnected over any leading dimensions, with constant and computed weights.
#include <gtest/gtest.h>

#include "mace/ops/ops_test_util.h"

namespace mace {
namespace ops {
namespace test {
namespace {

TEST(FullyConnectedTest, Cases) {
  const TestTensor weight = MakeConst<float>({2, 3}, {1, 2, 3, 10, 20, 30});
  const OpDefBuilder plain("FullyConnected");
  RunOpCases({
      {"one row",
       plain,
       {MakeTensor<float>({1, 3}, {1, 1, 2}), weight},
       {MakeTensor<float>({1, 2}, {9, 90})}},
      {"bias",
       plain,
       {MakeTensor<float>({1, 3}, {1, 1, 2}), weight, MakeConst<float>({2}, {1, -1})},
       {MakeTensor<float>({1, 2}, {10, 89})}},
      {"no leading dimension",
       plain,
       {MakeTensor<float>({3}, {1, 1, 2}), weight},
       {MakeTensor<float>({2}, {9, 90})}},
      {"two leading dimensions",
       plain,
       {MakeTensor<float>({2, 2, 3}, {1}), weight},
       {MakeTensor<float>({2, 2, 2}, {6, 60, 6, 60, 6, 60, 6, 60})}},
      {"axis 1 joins the rest",
       OpDefBuilder("FullyConnected").AddIntArg("axis", 1),
       {MakeTensor<float>({2, 1, 1, 3}, {1, 0, 0, 0, 1, 0}), weight},
       {MakeTensor<float>({2, 2}, {1, 10, 2, 20})}},
      {"axis 0 joins all",
       OpDefBuilder("FullyConnected").AddIntArg("axis", 0),
       {MakeTensor<float>({3, 1}, {1, 0, 1}), weight},
       {MakeTensor<float>({2}, {4, 40})}},
      {"weight of four dimensions",
       OpDefBuilder("FullyConnected").AddIntArg("axis", 1),
       {MakeTensor<float>({1, 1, 1, 3}, {1, 1, 1}),
        MakeConst<float>({2, 1, 1, 3}, {1, 2, 3, 10, 20, 30})},
       {MakeTensor<float>({1, 2}, {6, 60})}},
      {"activation",
       OpDefBuilder("FullyConnected").AddStringArg("activation", "RELU"),
       {MakeTensor<float>({1, 3}, {-1, 0, 0}), weight},
       {MakeTensor<float>({1, 2}, {0, 0})}},
      {"sigmoid",
       OpDefBuilder("FullyConnected").AddStringArg("activation", "SIGMOID"),
       {MakeTensor<float>({1, 3}, {0, 0, 0}), weight},
       {MakeTensor<float>({1, 2}, {0.5f})}},
      {"computed weight",
       plain,
       {MakeTensor<float>({2, 3}, {1, 0, 0, 0, 1, 0}),
        MakeTensor<float>({2, 3}, {1, 2, 3, 10, 20, 30}), MakeTensor<float>({2}, {1, 1})},
       {MakeTensor<float>({2, 2}, {2, 11, 3, 21})}},
      {"many terms",
       plain,
       {MakeTensor<float>({1, 1000}, {1}), MakeConst<float>({25, 1000}, {1}),
        MakeConst<float>({25}, {7})},
       {MakeTensor<float>({1, 25}, {1007})}},
      {"many terms, computed weight",
       plain,
       {MakeTensor<float>({9, 1000}, {1}), MakeTensor<float>({25, 1000}, {1}),
        MakeTensor<float>({25}, {7})},
       {MakeTensor<float>({9, 25}, {1007})}},
      {"no rows", plain, {MakeTensor<float>({0, 3}, {}), weight}, {MakeTensor<float>({0, 2}, {})}},
  });
}

TEST(FullyConnectedTest, Refusals) {
  const TestTensor row = MakeTensor<float>({1, 3}, {1});
  const MaceStatus::Code invalid = MaceStatus::MACE_INVALID_ARGS;
  const OpDefBuilder plain("FullyConnected");
  RunOpCases({
      Refused("depth", plain, {row, MakeConst<float>({2, 4}, {1})}, invalid,
              "has 3 elements from axis 1 on, but weight [2, 4] takes 4"),
      Refused("rank of the weight", plain, {row, MakeConst<float>({3}, {1})}, invalid,
              "must be [outputs, inputs]"),
      Refused("bias", plain, {row, MakeConst<float>({2, 3}, {1}), MakeConst<float>({3}, {1})},
              invalid, "bias has shape [3]"),
      Refused("axis", OpDefBuilder("FullyConnected").AddIntArg("axis", 2),
              {row, MakeConst<float>({2, 3}, {1})}, invalid, "axis"),
      Refused("type", plain, {row, MakeConst<int32_t>({2, 3}, {1})}, MaceStatus::MACE_UNSUPPORTED,
              "int32"),
  });
}

TEST(FullyConnectedTest, Large) {
  const int64_t k = 300, n = 517;
  for (int64_t rows : {1, 3}) {
    const std::vector<float> x = RandomFloats(rows * k, -1, 1, 1);
    const std::vector<float> w = RandomFloats(n * k, -1, 1, 2);
    const std::vector<float> b = RandomFloats(n, -1, 1, 3);
    std::vector<float> y(rows * n);
    for (int64_t i = 0; i < rows * n; ++i) {
      double sum = b[i % n];
      for (int64_t l = 0; l < k; ++l) {
        sum += static_cast<double>(x[i / n * k + l]) * w[i % n * k + l];
      }
      y[i] = static_cast<float>(sum);
    }
    OpCase c = {
        MakeString(rows, " rows"),
        OpDefBuilder("FullyConnected"),
        {MakeTensor<float>({rows, k}, x), MakeConst<float>({n, k}, w), MakeConst<float>({n}, b)},
        {MakeTensor<float>({rows, n}, y)}};
    c.rel = 0;
    c.abs = 3e-5;
    RunOpCase(c);
  }
}

}  // namespace
}  // namespace test
}  // namespace ops
}  // namespace mace
