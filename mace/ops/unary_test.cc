// SPDX-License-Identifier: Apache-2.0
// Unary: each function on each type that has it.
#include <cmath>
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

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

OpDefBuilder Builder(const std::string &type) {
  return OpDefBuilder("Unary").AddStringArg("type", type);
}

TEST(Unary, FloatFunctions) {
  const Shape shape = {2, 3};
  const TestTensor in = MakeTensor<float>(shape, {4, 0.25f, -2.5f, 0, kInf, kNan});
  const auto floats = [&shape](const std::vector<float> &values) {
    return std::vector<TestTensor>{MakeTensor<float>(shape, values)};
  };
  std::vector<OpCase> cases = {
      {"neg", Builder("NEG"), {in}, floats({-4, -0.25f, 2.5f, 0, -kInf, kNan})},
      {"abs", Builder("ABS"), {in}, floats({4, 0.25f, 2.5f, 0, kInf, kNan})},
      {"sqrt", Builder("SQRT"), {in}, floats({2, 0.5f, kNan, 0, kInf, kNan})},
      {"rsqrt", Builder("RSQRT"), {in}, floats({0.5f, 2, kNan, kInf, 0, kNan})},
      {"square", Builder("SQUARE"), {in}, floats({16, 0.0625f, 6.25f, 0, kInf, kNan})},
      {"reciprocal", Builder("RECIPROCAL"), {in}, floats({0.25f, 4, -0.4f, kInf, 0, kNan})},
      {"exp", Builder("EXP"), {in}, floats({54.59815f, 1.2840254f, 0.082084998f, 1, kInf, kNan})},
      {"log", Builder("LOG"), {in}, floats({1.3862944f, -1.3862944f, kNan, -kInf, kInf, kNan})},
      {"floor", Builder("FLOOR"), {in}, floats({4, 0, -3, 0, kInf, kNan})},
      {"ceil", Builder("CEIL"), {in}, floats({4, 1, -2, 0, kInf, kNan})},
      {"round to even", Builder("ROUND"), {in}, floats({4, 0, -2, 0, kInf, kNan})},
      {"sign", Builder("SIGN"), {in}, floats({1, 1, -1, 0, 1, kNan})},
      {"erf", Builder("ERF"), {in}, floats({1, 0.27632639f, -0.99959305f, 0, 1, kNan})},
      {"sin",
       Builder("SIN"),
       {in},
       floats({-0.7568025f, 0.24740396f, -0.59847214f, 0, kNan, kNan})},
      {"cos",
       Builder("COS"),
       {in},
       floats({-0.65364362f, 0.96891242f, -0.80114362f, 1, kNan, kNan})},
  };
  for (OpCase &op_case : cases) op_case.abs = 1e-6;
  RunOpCases(cases);
}

TEST(Unary, ManyFloatsOnSeveralThreads) {
  const std::vector<float> values = RandomFloats(50001, -3, 3);
  std::vector<float> expected;
  for (float x : values) expected.push_back(std::exp(x));
  RunOpCase({"exp",
             Builder("EXP"),
             {MakeTensor<float>({50001}, values)},
             {MakeTensor<float>({50001}, expected)}});
}

template <typename T>
void CheckIntegers() {
  const Shape shape = {4};
  const T least = std::numeric_limits<T>::min();
  const TestTensor in = MakeTensor<T>(shape, {3, -3, 0, least});
  const auto values = [&shape](const std::vector<T> &numbers) {
    return std::vector<TestTensor>{MakeTensor<T>(shape, numbers)};
  };
  RunOpCases({
      {"neg wraps", Builder("NEG"), {in}, values({-3, 3, 0, least})},
      {"abs wraps", Builder("ABS"), {in}, values({3, 3, 0, least})},
      {"square", Builder("SQUARE"), {in}, values({9, 9, 0, 0})},
      {"sign", Builder("SIGN"), {in}, values({1, -1, 0, -1})},
      {"floor", Builder("FLOOR"), {in}, values({3, -3, 0, least})},
      {"ceil", Builder("CEIL"), {in}, values({3, -3, 0, least})},
      {"round", Builder("ROUND"), {in}, values({3, -3, 0, least})},
  });
}

TEST(Unary, Int32Functions) { CheckIntegers<int32_t>(); }
TEST(Unary, Int64Functions) { CheckIntegers<int64_t>(); }

TEST(Unary, NotOfBools) {
  RunOpCase({"not",
             Builder("NOT"),
             {MakeTensor<bool>({3}, {0, 1, 0})},
             {MakeTensor<bool>({3}, std::vector<bool>{1, 0, 1})}});
}

TEST(Unary, ScalarsAndNothing) {
  RunOpCase({"scalar",
             Builder("NEG"),
             {MakeTensor<float>({}, {2})},
             {MakeTensor<float>({}, std::vector<float>{-2})}});
  RunOpCase({"nothing",
             Builder("NEG"),
             {MakeTensor<float>({0, 4}, {})},
             {MakeTensor<float>({0, 4}, {})}});
}

TEST(Unary, IntegersOfAllSizes) {
  const auto check = [](const char *function, const TestTensor &in, const TestTensor &out) {
    RunOpCase({function, Builder(function), {in}, {out}});
  };
  check("NEG", MakeTensor<uint8_t>({3}, {0, 1, 255}), MakeTensor<uint8_t>({3}, {0, 255, 1}));
  check("ABS", MakeTensor<int8_t>({3}, {-128, -1, 5}), MakeTensor<int8_t>({3}, {-128, 1, 5}));
  check("SIGN", MakeTensor<uint64_t>({2}, {~uint64_t{0}, 0}), MakeTensor<uint64_t>({2}, {1, 0}));
  check("BIT_NOT", MakeTensor<int16_t>({2}, {0, 5}), MakeTensor<int16_t>({2}, {-1, -6}));
  check("BIT_NOT", MakeTensor<uint32_t>({1}, {1}), MakeTensor<uint32_t>({1}, {4294967294u}));
  check("SQUARE", MakeTensor<uint16_t>({1}, {300}), MakeTensor<uint16_t>({1}, {24464}));
}

TEST(Unary, Doubles) {
  const auto check = [](const char *function, const std::vector<double> &expected) {
    RunOpCase({function,
               Builder(function),
               {MakeTensor<double>({4}, {4, 0.25, -2.5, -0.5})},
               {MakeTensor<double>({4}, expected)}});
  };
  check("NEG", {-4, -0.25, 2.5, 0.5});
  check("ABS", {4, 0.25, 2.5, 0.5});
  check("SQUARE", {16, 0.0625, 6.25, 0.25});
  check("RECIPROCAL", {0.25, 4, -0.4, -2});
  check("FLOOR", {4, 0, -3, -1});
  check("CEIL", {4, 1, -2, 0});
  check("ROUND", {4, 0, -2, 0});
  check("SIGN", {1, 1, -1, -1});
}

TEST(Unary, FunctionsOfTheMathematicalLibrary) {
  struct {
    const char *name;
    double (*function)(double);
    double low, high;
  } const cases[] = {
      {"TAN", std::tan, -1.5, 1.5},     {"ASIN", std::asin, -1, 1},
      {"ACOS", std::acos, -1, 1},       {"ATAN", std::atan, -9, 9},
      {"SINH", std::sinh, -9, 9},       {"COSH", std::cosh, -9, 9},
      {"ASINH", std::asinh, -9, 9},     {"ACOSH", std::acosh, 1, 9},
      {"ATANH", std::atanh, -0.9, 0.9}, {"EXPM1", std::expm1, -0.1, 0.1},
      {"LOG1P", std::log1p, -0.1, 0.1}, {"EXP", std::exp, -3, 3},
      {"SQRT", std::sqrt, 0, 9},        {"ERF", std::erf, -2, 2},
  };
  for (const auto &c : cases) {
    const std::vector<float> in =
        RandomFloats(700, static_cast<float>(c.low), static_cast<float>(c.high));
    const std::vector<double> exact(in.begin(), in.end());
    std::vector<double> out;
    for (double x : exact) out.push_back(c.function(x));
    RunOpCase({c.name,
               Builder(c.name),
               {MakeTensor<double>({700}, exact)},
               {MakeTensor<double>({700}, out)},
               1e-14});
    RunOpCase({c.name,
               Builder(c.name),
               {MakeTensor<float>({700}, in)},
               {MakeTensor<float>({700}, std::vector<float>(out.begin(), out.end()))},
               2e-6,
               1e-6});
  }
}

TEST(Unary, RefusesWhatHasNoResult) {
  const auto refused = [](const char *function, const TestTensor &in, const char *message) {
    OpCase op_case = {message, Builder(function), {in}, {}};
    op_case.code = MaceStatus::MACE_UNSUPPORTED;
    op_case.message = message;
    RunOpCase(op_case);
  };
  refused("SQRT", MakeTensor<int32_t>({1}, {4}), "this function of int32 does not give integers");
  refused("NOT", MakeTensor<float>({1}, {4}), "NOT is for bool");
  refused("NEG", MakeTensor<bool>({1}, {1}), "NOT is the only function of bool");
  refused("BIT_NOT", MakeTensor<float>({1}, {1}), "the bits of float32");
}

}  // namespace
}  // namespace test
}  // namespace ops
}  // namespace mace
