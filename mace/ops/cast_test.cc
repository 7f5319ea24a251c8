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
  CheckPair<From, int16_t>(in, {0, 1, static_cast<int16_t>(seven), static_cast<int16_t>(hundred)});
  CheckPair<From, uint32_t>(in,
                            {0, 1, static_cast<uint32_t>(seven), static_cast<uint32_t>(hundred)});
  CheckPair<From, uint64_t>(in,
                            {0, 1, static_cast<uint64_t>(seven), static_cast<uint64_t>(hundred)});
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
  CheckAll<int16_t>();
  CheckAll<uint16_t>();
  CheckAll<uint32_t>();
  CheckAll<uint64_t>();
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

TEST(Cast, SixteenBitFloats) {
  // 1 + 2^-11 + 2^-40 is above the middle of two halves, which float32 in between would lose.
  const std::vector<double> in = {0, -2.5, 65519, 65520, 1e-8, 1.00048828125 + 9.1e-13};
  const std::vector<uint16_t> halves = {0, 0xc100, 0x7bff, 0x7c00, 0, 0x3c01};
  const std::vector<uint16_t> bfloats = {0, 0xc020, 0x4780, 0x4780, 0x322c, 0x3f80};
  const TestTensor wide = MakeTensor<double>({6}, in);
  TestTensor half = MakeTensor<uint16_t>({6}, halves), bfloat = MakeTensor<uint16_t>({6}, bfloats);
  half.dtype = DT_HALF;
  bfloat.dtype = DT_BFLOAT16;
  RunOpCase({"to half", To(DT_HALF), {wide}, {half}});
  RunOpCase({"to bfloat", To(DT_BFLOAT16), {wide}, {bfloat}});
  RunOpCase({"from half",
             To(DT_FLOAT),
             {half},
             {MakeTensor<float>({6}, {0, -2.5f, 65504, std::numeric_limits<float>::infinity(), 0,
                                      1.0009765625f})}});
  RunOpCase({"from bfloat to integers",
             To(DT_INT32),
             {bfloat},
             {MakeTensor<int32_t>({6}, {0, -2, 65536, 65536, 0, 1})}});
  RunOpCase({"bits of half",
             To(DT_UINT16).AddIntArg("reinterpret", 1),
             {half},
             {MakeTensor<uint16_t>({6}, halves)}});
}

TEST(Cast, UnsignedIntegers) {
  const uint64_t most = std::numeric_limits<uint64_t>::max();
  CheckPair<uint64_t, float>({most, uint64_t{1} << 63},
                             {18446744073709551616.0f, 9223372036854775808.0f});
  CheckPair<uint64_t, int16_t>({most, 70000}, {-1, 4464});
  CheckPair<double, uint64_t>({1e19, -1, 1e30, 2.9}, {uint64_t{10000000000000000000u}, 0, most, 2});
  CheckPair<float, uint16_t>({-1, 65535.5f, 1e9f, 7.9f}, {0, 65535, 65535, 7});
  CheckPair<int16_t, uint32_t>({-1, 5}, {std::numeric_limits<uint32_t>::max(), 5});
}

TEST(Cast, RefusesBitsThatDoNotFit) {
  const auto refused = [](DataType to, MaceStatus::Code code, const char *message) {
    RunOpCase(Refused(message, To(to).AddIntArg("reinterpret", 1), {MakeTensor<uint8_t>({1}, {1})},
                      code, message));
  };
  refused(DT_INT16, MaceStatus::MACE_INVALID_ARGS, "the bits of uint8 are not those of int16");
  refused(DT_BOOL, MaceStatus::MACE_UNSUPPORTED, "bits taken for bool");
}

}  // namespace
}  // namespace test
}  // namespace ops
}  // namespace mace
