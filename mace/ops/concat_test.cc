// SPDX-License-Identifier: Apache-2.0
// Concat along each axis, of parts of any size.
#include <gtest/gtest.h>

#include "mace/ops/ops_test_util.h"

namespace mace {
namespace ops {
namespace test {
namespace {

TEST(ConcatTest, Cases) {
  RunOpCases({
      {"channels",
       OpDefBuilder("Concat"),
       {MakeIota<float>({1, 2, 2, 1}),
        MakeTensor<float>({1, 2, 2, 2}, {10, 11, 12, 13, 14, 15, 16, 17}),
        MakeTensor<float>({1, 2, 2, 3}, {20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31})},
       {MakeTensor<float>({1, 2, 2, 6}, {0, 10, 11, 20, 21, 22, 1, 12, 13, 23, 24, 25,
                                         2, 14, 15, 26, 27, 28, 3, 16, 17, 29, 30, 31})}},
      {"rows",
       OpDefBuilder("Concat").AddIntArg("axis", 1),
       {MakeIota<float>({1, 2, 2, 1}), MakeTensor<float>({1, 1, 2, 1}, {10, 11})},
       {MakeTensor<float>({1, 3, 2, 1}, {0, 1, 2, 3, 10, 11})}},
      {"negative axis",
       OpDefBuilder("Concat").AddIntArg("axis", -2),
       {MakeIota<float>({1, 2, 2, 1}), MakeTensor<float>({1, 2, 1, 1}, {10, 11})},
       {MakeTensor<float>({1, 2, 3, 1}, {0, 1, 10, 2, 3, 11})}},
      {"vectors",
       OpDefBuilder("Concat").AddIntArg("axis", 0),
       {MakeTensor<float>({2}, {0, 1}), MakeTensor<float>({3}, {5, 6, 7})},
       {MakeTensor<float>({5}, {0, 1, 5, 6, 7})}},
      {"one input",
       OpDefBuilder("Concat").AddIntArg("axis", 0),
       {MakeIota<float>({2, 3})},
       {MakeIota<float>({2, 3})}},
      {"an empty part",
       OpDefBuilder("Concat").AddIntArg("axis", 1),
       {MakeIota<float>({2, 2}), MakeTensor<float>({2, 0}, {}), MakeTensor<float>({2, 1}, {7, 8})},
       {MakeTensor<float>({2, 3}, {0, 1, 7, 2, 3, 8})}},
      {"all empty",
       OpDefBuilder("Concat").AddIntArg("axis", 1),
       {MakeTensor<float>({0, 2}, {}), MakeTensor<float>({0, 1}, {})},
       {MakeTensor<float>({0, 3}, {})}},
      {"float64",
       OpDefBuilder("Concat").AddIntArg("axis", 0),
       {MakeTensor<double>({2}, {1, 0}), MakeTensor<double>({1}, {1})},
       {MakeTensor<double>({3}, {1, 0, 1})}},
      {"int32",
       OpDefBuilder("Concat").AddIntArg("axis", 0),
       {MakeTensor<int32_t>({2}, {1, 0}), MakeTensor<int32_t>({1}, {1})},
       {MakeTensor<int32_t>({3}, {1, 0, 1})}},
      {"int64",
       OpDefBuilder("Concat").AddIntArg("axis", 0),
       {MakeTensor<int64_t>({2}, {1, 0}), MakeTensor<int64_t>({1}, {1})},
       {MakeTensor<int64_t>({3}, {1, 0, 1})}},
      {"uint8",
       OpDefBuilder("Concat").AddIntArg("axis", 0),
       {MakeTensor<uint8_t>({2}, {1, 0}), MakeTensor<uint8_t>({1}, {1})},
       {MakeTensor<uint8_t>({3}, {1, 0, 1})}},
      {"int8",
       OpDefBuilder("Concat").AddIntArg("axis", 0),
       {MakeTensor<int8_t>({2}, {1, 0}), MakeTensor<int8_t>({1}, {1})},
       {MakeTensor<int8_t>({3}, {1, 0, 1})}},
      {"bool",
       OpDefBuilder("Concat").AddIntArg("axis", 0),
       {MakeTensor<bool>({2}, {true, false}), MakeTensor<bool>({1}, {true})},
       {MakeTensor<bool>({3}, {true, false, true})}},
  });
}

TEST(ConcatTest, Errors) {
  RunOpCases({
      Refused("axis outside", OpDefBuilder("Concat").AddIntArg("axis", 4),
              {MakeIota<float>({1, 2, 2, 1}), MakeIota<float>({1, 2, 2, 1})},
              MaceStatus::MACE_INVALID_ARGS, "axis 4 is outside of [-4, 3]"),
      Refused("scalars", OpDefBuilder("Concat").AddIntArg("axis", 0),
              {MakeTensor<float>({}, {1}), MakeTensor<float>({}, {2})},
              MaceStatus::MACE_INVALID_ARGS, "there is none"),
      Refused("ranks differ", OpDefBuilder("Concat").AddIntArg("axis", 0),
              {MakeIota<float>({2, 3}), MakeTensor<float>({3}, {0, 1, 2})},
              MaceStatus::MACE_INVALID_ARGS,
              "input 1 has shape [3], which differs from [2, 3] of input 0"),
      Refused("sizes differ", OpDefBuilder("Concat").AddIntArg("axis", 0),
              {MakeIota<float>({2, 3}), MakeIota<float>({2, 3}), MakeIota<float>({2, 4})},
              MaceStatus::MACE_INVALID_ARGS,
              "input 2 has shape [2, 4], which differs from [2, 3] of input 0 in more than "
              "dimension 0"),
      Refused("types differ", OpDefBuilder("Concat").AddIntArg("axis", 0),
              {MakeTensor<float>({2}, {0, 1}), MakeTensor<int32_t>({2}, {1, 2})},
              MaceStatus::MACE_INVALID_ARGS, "there are float32 and int32"),
  });
}

TEST(ConcatTest, LargeOnThreads) {
  OpsTestNet net;
  net.AddRandomInput("a", {2, 40, 40, 33});
  net.AddRandomInput("b", {2, 40, 40, 64});
  OpDefBuilder("Concat").Input("a").Input("b").Output("y").Finalize(net.NewOperatorDef());
  ASSERT_TRUE(Succeeds(net.RunOp()));
  const std::vector<float> a = net.Values<float>("a"), b = net.Values<float>("b");
  std::vector<float> expected;
  for (int64_t i = 0; i < 2 * 40 * 40; ++i) {
    expected.insert(expected.end(), a.begin() + i * 33, a.begin() + (i + 1) * 33);
    expected.insert(expected.end(), b.begin() + i * 64, b.begin() + (i + 1) * 64);
  }
  ExpectTensorNear<float>(net, "y", {2, 40, 40, 97}, expected, 0, 0);
}

}  // namespace
}  // namespace test
}  // namespace ops
}  // namespace mace
