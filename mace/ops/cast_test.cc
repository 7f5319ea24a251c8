// SPDX-License-Identifier: Apache-2.0
// Cast: each type to each type, and what does not fit.
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

OpDefBuilder To(DataType dtype) { return OpDefBuilder("Cast").AddIntArg("output_type", dtype); }

template <typename From, typename T>
void CheckPair(const std::vector<From> &in, const std::vector<T> &out) {
  const Shape shape = {static_cast<int64_t>(in.size())};
  RunOpCase({MakeString(DataTypeName(DataTypeOf<From>::value), " to ",
                        DataTypeName(DataTypeOf<T>::value)),
             To(DataTypeOf<T>::value),
             {MakeTensor<From>(shape, in)},
             {MakeTensor<T>(shape, out)}});
}

// Of numbers that every type can hold.
template <typename From>
void CheckAll() {
  const std::vector<From> in = {0, 1, static_cast<From>(7), static_cast<From>(100)};
  const bool is_bool = std::is_same<From, bool>::value;
  const int seven = is_bool ? 1 : 7, hundred = is_bool ? 1 : 100;
  CheckPair<From, float>(in, {0, 1, static_cast<float>(seven), static_cast<float>(hundred)});
  CheckPair<From, double>(in, {0, 1, static_cast<double>(seven), static_cast<double>(hundred)});
  CheckPair<From, int32_t>(in, {0, 1, seven, hundred});
  CheckPair<From, int64_t>(in, {0, 1, seven, hundred});
  CheckPair<From, uint8_t>(in, {0, 1, static_cast<uint8_t>(seven), static_cast<uint8_t>(hundred)});
  CheckPair<From, int8_t>(in, {0, 1, static_cast<int8_t>(seven), static_cast<int8_t>(hundred)});
  CheckPair<From, bool>(in, {0, 1, 1, 1});
}

TEST(Cast, AllTypes) {
  CheckAll<float>();
  CheckAll<double>();
  CheckAll<int32_t>();
  CheckAll<int64_t>();
  CheckAll<uint8_t>();
  CheckAll<int8_t>();
  CheckAll<bool>();
}

template <typename From>
void CheckFractions() {
  const From inf = std::numeric_limits<From>::infinity();
  const From nan = std::numeric_limits<From>::quiet_NaN();
  const std::vector<From> in = {-1.9f, 1.9f, 1e30f, -1e30f, inf, -inf, nan, 0.1f};
  const int32_t most = std::numeric_limits<int32_t>::max();
  const int32_t least = std::numeric_limits<int32_t>::min();
  const int64_t most64 = std::numeric_limits<int64_t>::max();
  const int64_t least64 = std::numeric_limits<int64_t>::min();
  CheckPair<From, int32_t>(in, {-1, 1, most, least, most, least, 0, 0});
  CheckPair<From, int64_t>(in, {-1, 1, most64, least64, most64, least64, 0, 0});
  CheckPair<From, uint8_t>(in, {0, 1, 255, 0, 255, 0, 0, 0});
  CheckPair<From, int8_t>(in, {-1, 1, 127, -128, 127, -128, 0, 0});
  CheckPair<From, bool>(in, {1, 1, 1, 1, 1, 1, 1, 1});
}

TEST(Cast, FloatsTruncateAndSaturate) {
  CheckFractions<float>();
  CheckFractions<double>();
  CheckPair<float, int32_t>({2147483520.0f, 2147483648.0f, -2147483648.0f},
                            {2147483520, 2147483647, std::numeric_limits<int32_t>::min()});
  CheckPair<double, int32_t>({2147483646.5, 2147483647.5, -2147483648.5},
                             {2147483646, 2147483647, std::numeric_limits<int32_t>::min()});
  CheckPair<double, uint8_t>({-0.5, 254.9, 255.5}, {0, 254, 255});
}

TEST(Cast, IntegersWrap) {
  CheckPair<int32_t, uint8_t>({256, 257, -1}, {0, 1, 255});
  CheckPair<int64_t, int32_t>({(int64_t{1} << 32) + 5, -7}, {5, -7});
  CheckPair<int32_t, int8_t>({200, -129}, {-56, 127});
  CheckPair<int64_t, bool>({int64_t{1} << 40, 0}, {1, 0});
}

TEST(Cast, ManyOnSeveralThreads) {
  const std::vector<float> in = RandomFloats(40001, -1000, 1000);
  std::vector<int32_t> out;
  for (float x : in) out.push_back(static_cast<int32_t>(x));
  CheckPair<float, int32_t>(in, out);
}

TEST(Cast, RefusesUnknownTypes) {
  OpCase op_case = {"half", To(DT_HALF), {MakeTensor<float>({1}, {1})}, {}};
  op_case.code = MaceStatus::MACE_UNSUPPORTED;
  op_case.message = "a conversion from float32 to";
  RunOpCase(op_case);
}

}  // namespace
}  // namespace test
}  // namespace ops
}  // namespace mace
