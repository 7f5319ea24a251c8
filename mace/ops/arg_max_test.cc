// SPDX-License-Identifier: Apache-2.0
// ArgMax: axes, ties, NaN and types.
#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "mace/ops/ops_test_util.h"

namespace mace {
namespace ops {
namespace test {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

OpDefBuilder Builder(int64_t axis) { return OpDefBuilder("ArgMax").AddIntArg("axis", axis); }

TEST(ArgMax, Axes) {
  const TestTensor in = MakeTensor<float>({2, 2, 3}, {1, 5, 3, 9, 2, 9, -1, -5, -1, 0, 7, 8});
  RunOpCases({
      {"last", Builder(-1), {in}, {MakeTensor<int32_t>({2, 2}, std::vector<int32_t>{1, 0, 0, 2})}},
      {"last, kept",
       Builder(2).AddIntArg("keepdims", 1),
       {in},
       {MakeTensor<int32_t>({2, 2, 1}, std::vector<int32_t>{1, 0, 0, 2})}},
      {"middle",
       Builder(1),
       {in},
       {MakeTensor<int32_t>({2, 3}, std::vector<int32_t>{1, 0, 1, 1, 1, 1})}},
      {"first",
       Builder(0),
       {in},
       {MakeTensor<int32_t>({2, 3}, std::vector<int32_t>{0, 0, 0, 0, 1, 0})}},
      {"smallest",
       Builder(-1).AddIntArg("argmin", 1),
       {in},
       {MakeTensor<int32_t>({2, 2}, std::vector<int32_t>{0, 1, 1, 0})}},
      {"int64",
       Builder(-1).AddIntArg("output_type", DT_INT64),
       {in},
       {MakeTensor<int64_t>({2, 2}, std::vector<int64_t>{1, 0, 0, 2})}},
  });
}

TEST(ArgMax, NanIsExtreme) {
  const TestTensor in = MakeTensor<float>({3, 3}, {1, kNan, 3, kNan, 1, kNan, 5, 6, kNan});
  const TestTensor expected = MakeTensor<int32_t>({3}, std::vector<int32_t>{1, 0, 2});
  RunOpCase({"largest", Builder(1), {in}, {expected}});
  RunOpCase({"smallest", Builder(1).AddIntArg("argmin", 1), {in}, {expected}});
}

TEST(ArgMax, Integers) {
  const int64_t large = int64_t{1} << 60;
  RunOpCases({
      {"int32",
       Builder(0),
       {MakeTensor<int32_t>({4}, {-3, 8, 8, 1})},
       {MakeTensor<int32_t>({}, std::vector<int32_t>{1})}},
      {"int64",
       Builder(0),
       {MakeTensor<int64_t>({3}, {large, large + 1, large})},
       {MakeTensor<int32_t>({}, std::vector<int32_t>{1})}},
  });
}

TEST(ArgMax, ManyOnSeveralThreads) {
  const int64_t rows = 300, n = 200;
  const std::vector<float> in = RandomFloats(rows * n);
  std::vector<int32_t> expected;
  for (int64_t r = 0; r < rows; ++r) {
    const auto first = in.begin() + r * n;
    expected.push_back(static_cast<int32_t>(std::max_element(first, first + n) - first));
  }
  RunOpCase({"many",
             Builder(-1),
             {MakeTensor<float>({rows, n}, in)},
             {MakeTensor<int32_t>({rows}, expected)}});
}

TEST(ArgMax, OtherTypes) {
  const uint64_t most = ~uint64_t{0};
  const auto check = [](const TestTensor &in, int32_t index) {
    RunOpCase({DataTypeName(in.dtype), Builder(0), {in}, {MakeTensor<int32_t>({}, {index})}});
  };
  check(MakeTensor<uint64_t>({3}, {1, most, 2}), 1);
  check(MakeTensor<uint8_t>({3}, {1, 100, 200}), 2);
  check(MakeTensor<double>({3}, {1, 1 + 1e-15, 0}), 1);
  std::vector<int16_t> many(600, -5);
  many[599] = -4;
  check(MakeTensor<int16_t>({600}, many), 599);
}

TEST(ArgMax, RefusesWhatCannotBe) {
  const auto refused = [](const OpDefBuilder &def, const TestTensor &in, const char *message) {
    OpCase op_case = {message, def, {in}, {}};
    op_case.code = MaceStatus::MACE_INVALID_ARGS;
    op_case.message = message;
    RunOpCase(op_case);
  };
  const TestTensor in = MakeTensor<float>({2, 3}, {1});
  refused(Builder(2), in, "axis 2 is outside of [-2, 1]");
  refused(Builder(0), MakeTensor<float>({0, 3}, {}), "has no elements along axis 0");
  refused(Builder(0).AddIntArg("output_type", DT_FLOAT), in, "must be int32 or int64, not float32");
}

}  // namespace
}  // namespace test
}  // namespace ops
}  // namespace mace
