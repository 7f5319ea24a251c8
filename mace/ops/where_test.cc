// SPDX-License-Identifier: Apache-2.0
// Where: selection with broadcasting, on each type.
#include <cstdint>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "mace/ops/ops_test_util.h"

namespace mace {
namespace ops {
namespace test {
namespace {

template <typename T>
void CheckType() {
  const TestTensor condition = MakeTensor<bool>({2, 2}, {1, 0, 0, 1});
  const TestTensor a = MakeTensor<T>({2, 2}, {1, 0, 1, 1}), b = MakeTensor<T>({2, 2}, {0, 1, 0, 0});
  const OpDefBuilder def("Where");
  RunOpCases({
      {"same shapes", def, {condition, a, b}, {MakeTensor<T>({2, 2}, std::vector<T>{1, 1, 0, 1})}},
      {"one number",
       def,
       {condition, a, MakeTensor<T>({}, {1})},
       {MakeTensor<T>({2, 2}, std::vector<T>{1, 1, 1, 1})}},
      {"condition for each row",
       def,
       {MakeTensor<bool>({2, 1}, {1, 0}), a, b},
       {MakeTensor<T>({2, 2}, std::vector<T>{1, 0, 0, 0})}},
      {"condition for each column",
       def,
       {MakeTensor<bool>({2}, {1, 0}), a, b},
       {MakeTensor<T>({2, 2}, std::vector<T>{1, 1, 1, 0})}},
  });
}

TEST(Where, Floats) { CheckType<float>(); }
TEST(Where, Int32) { CheckType<int32_t>(); }
TEST(Where, Int64) { CheckType<int64_t>(); }
TEST(Where, Bools) { CheckType<bool>(); }

TEST(Where, AllThreeBroadcast) {
  std::vector<float> expected;
  const std::vector<float> a = {1, 2, 3}, b = {10, 20};
  for (int i = 0; i < 2; ++i) {
    for (int j = 0; j < 2; ++j) {
      for (int k = 0; k < 3; ++k) expected.push_back(i == 0 ? a[k] : b[j]);
    }
  }
  RunOpCase({"2 x 2 x 3",
             OpDefBuilder("Where"),
             {MakeTensor<bool>({2, 1, 1}, {1, 0}), MakeTensor<float>({3}, a),
              MakeTensor<float>({2, 1}, b)},
             {MakeTensor<float>({2, 2, 3}, expected)}});
}

TEST(Where, ManyOnSeveralThreads) {
  const int64_t n = 50001;
  std::vector<bool> condition;
  for (int64_t x : RandomInts(n, 0, 1)) condition.push_back(x != 0);
  const std::vector<float> a = RandomFloats(n, 0, 1, 1), b = RandomFloats(n, 2, 3, 2);
  std::vector<float> expected;
  for (size_t i = 0; i < a.size(); ++i) expected.push_back(condition[i] ? a[i] : b[i]);
  RunOpCase(
      {"many",
       OpDefBuilder("Where"),
       {MakeTensor<bool>({n}, condition), MakeTensor<float>({n}, a), MakeTensor<float>({n}, b)},
       {MakeTensor<float>({n}, expected)}});
}

TEST(Where, RefusesWhatDoesNotFit) {
  const auto refused = [](const std::vector<TestTensor> &inputs, const char *message) {
    OpCase op_case = {message, OpDefBuilder("Where"), inputs, {}};
    op_case.code = MaceStatus::MACE_INVALID_ARGS;
    op_case.message = message;
    RunOpCase(op_case);
  };
  const TestTensor condition = MakeTensor<bool>({2}, {1, 0}),
                   floats = MakeTensor<float>({2}, {1, 2});
  refused({floats, floats, floats}, "the condition must be bool, not float32");
  refused({condition, floats, MakeTensor<int32_t>({2}, {1, 2})}, "Where 'test'");
  refused({condition, floats, MakeTensor<float>({3}, {1})}, "cannot be broadcast");
}

}  // namespace
}  // namespace test
}  // namespace ops
}  // namespace mace
