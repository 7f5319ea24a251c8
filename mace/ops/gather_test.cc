// SPDX-License-Identifier: Apache-2.0
// Gather with indices known and computed; what is outside is refused at the run.
#include <gtest/gtest.h>

#include <cstdint>

#include "mace/ops/ops_test_util.h"

namespace mace {
namespace ops {
namespace test {
namespace {

TEST(GatherTest, Cases) {
  RunOpCases({
      {"rows",
       OpDefBuilder("Gather"),
       {MakeIota<float>({3, 4}), MakeTensor<int32_t>({2}, {2, 0})},
       {MakeTensor<float>({2, 4}, {8, 9, 10, 11, 0, 1, 2, 3})}},
      {"columns",
       OpDefBuilder("Gather").AddIntArg("axis", 1),
       {MakeIota<float>({3, 4}), MakeTensor<int64_t>({3}, {3, 1, 1})},
       {MakeTensor<float>({3, 3}, {3, 1, 1, 7, 5, 5, 11, 9, 9})}},
      {"constant indices",
       OpDefBuilder("Gather").AddIntArg("axis", -1),
       {MakeIota<float>({3, 4}), MakeConst<int64_t>({2}, {1, 2})},
       {MakeTensor<float>({3, 2}, {1, 2, 5, 6, 9, 10})}},
      {"matrix of indices",
       OpDefBuilder("Gather").AddIntArg("axis", 0),
       {MakeIota<float>({3, 4}), MakeTensor<int64_t>({2, 2}, {0, 1, 2, 0})},
       {MakeTensor<float>({2, 2, 4}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 0, 1, 2, 3})}},
      {"scalar index",
       OpDefBuilder("Gather").AddIntArg("axis", 1),
       {MakeIota<float>({3, 4}), MakeTensor<int32_t>({}, {1})},
       {MakeTensor<float>({3}, {1, 5, 9})}},
      {"negative indices",
       OpDefBuilder("Gather").AddIntArg("axis", 0),
       {MakeIota<float>({3, 4}), MakeTensor<int64_t>({2}, {-1, -3})},
       {MakeTensor<float>({2, 4}, {8, 9, 10, 11, 0, 1, 2, 3})}},
      {"middle axis",
       OpDefBuilder("Gather").AddIntArg("axis", 1),
       {MakeIota<float>({2, 3, 4}), MakeTensor<int64_t>({2}, {2, 0})},
       {MakeTensor<float>({2, 2, 4}, {8, 9, 10, 11, 0, 1, 2, 3, 20, 21, 22, 23, 12, 13, 14, 15})}},
      {"no index",
       OpDefBuilder("Gather").AddIntArg("axis", 0),
       {MakeIota<float>({3, 4}), MakeTensor<int64_t>({0}, {})},
       {MakeTensor<float>({0, 4}, {})}},
      {"int32",
       OpDefBuilder("Gather").AddIntArg("axis", 0),
       {MakeTensor<int32_t>({3}, {5, 6, 7}), MakeTensor<int32_t>({2}, {2, 1})},
       {MakeTensor<int32_t>({2}, {7, 6})}},
      {"int64",
       OpDefBuilder("Gather").AddIntArg("axis", 0),
       {MakeTensor<int64_t>({3}, {5, 6, 7}), MakeTensor<int64_t>({}, {2})},
       {MakeTensor<int64_t>({}, {7})}},
      {"uint8",
       OpDefBuilder("Gather").AddIntArg("axis", 0),
       {MakeTensor<uint8_t>({3}, {5, 6, 7}), MakeTensor<int64_t>({2}, {0, 0})},
       {MakeTensor<uint8_t>({2}, {5, 5})}},
  });
}

TEST(GatherTest, Errors) {
  RunOpCases({
      Refused("beyond the end", OpDefBuilder("Gather"),
              {MakeIota<float>({3, 4}), MakeTensor<int32_t>({2}, {0, 3})},
              MaceStatus::MACE_INVALID_ARGS,
              "index 3 at place 1 is outside of [-3, 2], axis 0 of input shape [3, 4]"),
      Refused("below", OpDefBuilder("Gather").AddIntArg("axis", 1),
              {MakeIota<float>({3, 4}), MakeTensor<int64_t>({1}, {-5})},
              MaceStatus::MACE_INVALID_ARGS, "index -5 at place 0 is outside of [-4, 3]"),
      Refused("extreme", OpDefBuilder("Gather"),
              {MakeIota<float>({3, 4}), MakeTensor<int64_t>({1}, {INT64_MIN})},
              MaceStatus::MACE_INVALID_ARGS, "is outside of [-3, 2]"),
      Refused("of nothing", OpDefBuilder("Gather"),
              {MakeTensor<float>({0, 4}, {}), MakeTensor<int64_t>({1}, {0})},
              MaceStatus::MACE_INVALID_ARGS, "index 0 at place 0 is outside of"),
      Refused("axis outside", OpDefBuilder("Gather").AddIntArg("axis", 2),
              {MakeIota<float>({3, 4}), MakeTensor<int32_t>({1}, {0})},
              MaceStatus::MACE_INVALID_ARGS, "axis 2 is outside of [-2, 1]"),
      Refused("float indices", OpDefBuilder("Gather"),
              {MakeIota<float>({3, 4}), MakeTensor<float>({2}, {0, 1})},
              MaceStatus::MACE_INVALID_ARGS, "indices must be int32 or int64, not float32"),
      Refused("seven dimensions", OpDefBuilder("Gather"),
              {MakeTensor<float>({1, 1, 1, 1}, {0}), MakeTensor<int64_t>({1, 1, 1, 1}, {0})},
              MaceStatus::MACE_UNSUPPORTED, "7 dimensions"),
  });
}

TEST(GatherTest, LargeOnThreads) {
  OpsTestNet net;
  net.AddRandomInput("x", {3, 50, 101});
  const std::vector<int64_t> indices = RandomInts(300, -50, 49);
  net.AddInput<int64_t>("i", {300}, indices);
  OpDefBuilder("Gather").Input("x").Input("i").Output("y").AddIntArg("axis", 1).Finalize(
      net.NewOperatorDef());
  ASSERT_TRUE(Succeeds(net.RunOp()));
  const std::vector<float> x = net.Values<float>("x");
  std::vector<float> expected;
  for (int64_t a = 0; a < 3; ++a) {
    for (int64_t index : indices) {
      const auto row = x.begin() + (a * 50 + (index + 50) % 50) * 101;
      expected.insert(expected.end(), row, row + 101);
    }
  }
  ExpectTensorNear<float>(net, "y", {3, 300, 101}, expected, 0, 0);
}

}  // namespace
}  // namespace test
}  // namespace ops
}  // namespace mace
