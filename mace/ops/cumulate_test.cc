// SPDX-License-Identifier: Apache-2.0
// Cumulate: sums and products along each axis, against plain loops.
#include <cstdint>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "mace/ops/ops_test_util.h"

namespace mace {
namespace ops {
namespace test {
namespace {

OpDefBuilder Builder(const std::string &type, int axis, bool exclusive = false,
                     bool reverse = false) {
  return OpDefBuilder("Cumulate")
      .AddStringArg("type", type)
      .AddIntArg("axis", axis)
      .AddIntArg("exclusive", exclusive)
      .AddIntArg("reverse", reverse);
}

TEST(Cumulate, SumsOfALine) {
  const TestTensor in = MakeTensor<float>({4}, {1, 2, 3, 4});
  const auto check = [&](bool exclusive, bool reverse, const std::vector<float> &out) {
    RunOpCase({"line", Builder("SUM", 0, exclusive, reverse), {in}, {MakeTensor<float>({4}, out)}});
  };
  check(false, false, {1, 3, 6, 10});
  check(true, false, {0, 1, 3, 6});
  check(false, true, {10, 9, 7, 4});
  check(true, true, {9, 7, 4, 0});
}

TEST(Cumulate, TypesAndProducts) {
  RunOpCase({"int32",
             Builder("PROD", -1),
             {MakeTensor<int32_t>({2, 3}, {1, 2, 3, 4, 5, 6})},
             {MakeTensor<int32_t>({2, 3}, {1, 2, 6, 4, 20, 120})}});
  RunOpCase({"exclusive",
             Builder("PROD", 0, true),
             {MakeTensor<int64_t>({3}, {5, 6, 7})},
             {MakeTensor<int64_t>({3}, std::vector<int64_t>{1, 5, 30})}});
  RunOpCase({"wraps",
             Builder("SUM", 0),
             {MakeTensor<uint8_t>({3}, {200, 100, 1})},
             {MakeTensor<uint8_t>({3}, std::vector<uint8_t>{200, 44, 45})}});
  RunOpCase({"double",
             Builder("SUM", 0),
             {MakeTensor<double>({2}, {1, 1e-15})},
             {MakeTensor<double>({2}, std::vector<double>{1, 1 + 1e-15})},
             0});
}

TEST(Cumulate, EachAxis) {
  const Shape shapes[] = {{7}, {3, 5}, {2, 3, 300}, {2, 1, 3, 2, 1, 4}, {40, 700}, {0, 3}, {3, 0}};
  for (const Shape &shape : shapes) {
    for (int axis = 0; axis < shape.rank(); ++axis) {
      const std::vector<int64_t> in = RandomInts(shape.elements(), -99, 99);
      std::vector<int64_t> out = in;
      const int64_t inner = shape.elements(axis + 1, shape.rank());
      for (int64_t i = 0; i < shape.elements(); ++i) {
        if (i / inner % shape[axis] > 0) {
          out[static_cast<size_t>(i)] += out[static_cast<size_t>(i - inner)];
        }
      }
      RunOpCase({MakeString(shape.ToString(), " axis ", axis),
                 Builder("SUM", axis),
                 {MakeTensor<int64_t>(shape, in)},
                 {MakeTensor<int64_t>(shape, out)}});
    }
  }
}

TEST(Cumulate, RefusesWhatCannotBe) {
  RunOpCase(Refused("axis", Builder("SUM", 1), {MakeTensor<float>({2}, {1, 2})},
                    MaceStatus::MACE_INVALID_ARGS, "axis 1 is outside"));
  RunOpCase(Refused("scalar", Builder("SUM", 0), {MakeTensor<float>({}, {1})},
                    MaceStatus::MACE_INVALID_ARGS, "axis 0 names a dimension, but there is none"));
  RunOpCase(Refused("bool", Builder("SUM", 0), {MakeTensor<bool>({2}, {1, 0})},
                    MaceStatus::MACE_UNSUPPORTED, "arithmetic of bools"));
}

}  // namespace
}  // namespace test
}  // namespace ops
}  // namespace mace
