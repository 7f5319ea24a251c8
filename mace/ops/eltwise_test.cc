// SPDX-License-Identifier: Apache-2.0
// Eltwise: broadcasting of all kinds against plain indexing, and each function on each type.
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
  return OpDefBuilder("Eltwise").AddStringArg("type", type);
}

// The elements of `tensor` broadcast to `shape`, by indexing.
template <typename T>
std::vector<T> Spread(const TestTensor &tensor, const Shape &shape) {
  const std::vector<T> values = tensor.Values<T>();
  std::vector<T> spread;
  for (int64_t i = 0; i < shape.elements(); ++i) {
    int64_t rest = i, offset = 0, stride = 1;
    for (int k = 1; k <= shape.rank(); ++k) {
      const int64_t index = rest % shape.dim(-k);
      rest /= shape.dim(-k);
      if (k > tensor.shape.rank()) continue;
      const int64_t size = tensor.shape.dim(-k);
      offset += (size == 1 ? 0 : index) * stride;
      stride *= size;
    }
    spread.push_back(values[static_cast<size_t>(offset)]);
  }
  return spread;
}

struct ShapeCase {
  Shape a;
  Shape b;
  Shape output;
};

const ShapeCase kShapes[] = {
    {{}, {}, {}},
    {{1}, {1}, {1}},
    {{5}, {}, {5}},
    {{}, {2, 3}, {2, 3}},
    {{2, 3, 4, 5}, {2, 3, 4, 5}, {2, 3, 4, 5}},
    {{2, 3, 4, 5}, {5}, {2, 3, 4, 5}},
    {{5}, {2, 3, 4, 5}, {2, 3, 4, 5}},
    {{2, 3, 4, 5}, {1, 1, 1, 5}, {2, 3, 4, 5}},
    {{2, 3, 4, 5}, {2, 3, 4, 1}, {2, 3, 4, 5}},
    {{2, 3, 4, 5}, {2, 1, 1, 5}, {2, 3, 4, 5}},
    {{2, 3, 4, 5}, {3, 1, 1}, {2, 3, 4, 5}},
    {{2, 1, 4, 1}, {3, 1, 5}, {2, 3, 4, 5}},
    {{1, 3, 1, 5}, {2, 1, 4, 1}, {2, 3, 4, 5}},
    {{7, 1}, {1, 9}, {7, 9}},
    {{2, 1, 2, 1, 2, 1}, {1, 3, 1, 3, 1, 3}, {2, 3, 2, 3, 2, 3}},
    {{0, 3}, {3}, {0, 3}},
    {{0, 1}, {1, 4}, {0, 4}},
    {{40, 50, 3}, {3}, {40, 50, 3}},
    {{3}, {40, 50, 3}, {40, 50, 3}},
    {{9, 500}, {500}, {9, 500}},
    {{9, 700}, {700}, {9, 700}},
    {{3, 60, 300}, {3, 1, 300}, {3, 60, 300}},
    {{3, 60, 300}, {3, 60, 1}, {3, 60, 300}},
    {{60000}, {1}, {60000}},
    {{100, 600}, {100, 600}, {100, 600}},
};

TEST(Eltwise, BroadcastsFloats) {
  for (const ShapeCase &shapes : kShapes) {
    const TestTensor a = MakeTensor<float>(shapes.a, RandomFloats(shapes.a.elements(), -4, 4, 1));
    const TestTensor b = MakeTensor<float>(shapes.b, RandomFloats(shapes.b.elements(), -4, 4, 2));
    const std::vector<float> x = Spread<float>(a, shapes.output),
                             y = Spread<float>(b, shapes.output);
    std::vector<float> difference, product;
    std::vector<bool> less;
    for (size_t i = 0; i < x.size(); ++i) {
      difference.push_back(x[i] - y[i]);
      product.push_back(std::max(x[i] * y[i], 0.0f));
      less.push_back(x[i] < y[i]);
    }
    const std::string name = shapes.a.ToString() + shapes.b.ToString();
    RunOpCase({name, Builder("SUB"), {a, b}, {MakeTensor<float>(shapes.output, difference)}});
    RunOpCase({name,
               Builder("PROD").AddStringArg("activation", "RELU"),
               {a, b},
               {MakeTensor<float>(shapes.output, product)}});
    RunOpCase({name, Builder("LESS"), {a, b}, {MakeTensor<bool>(shapes.output, less)}});
  }
}

template <typename T>
void CheckIntegers() {
  for (const ShapeCase &shapes : kShapes) {
    if (shapes.output.elements() > 20000) continue;
    std::vector<T> a_values, b_values;
    for (int64_t x : RandomInts(shapes.a.elements(), -50, 50, 1)) {
      a_values.push_back(static_cast<T>(x));
    }
    for (int64_t x : RandomInts(shapes.b.elements(), -50, 50, 2)) {
      b_values.push_back(static_cast<T>(x));
    }
    const TestTensor a = MakeTensor<T>(shapes.a, a_values), b = MakeTensor<T>(shapes.b, b_values);
    const std::vector<T> x = Spread<T>(a, shapes.output), y = Spread<T>(b, shapes.output);
    std::vector<T> difference;
    std::vector<bool> greater;
    for (size_t i = 0; i < x.size(); ++i) {
      difference.push_back(x[i] - y[i]);
      greater.push_back(x[i] >= y[i]);
    }
    const std::string name = shapes.a.ToString() + shapes.b.ToString();
    RunOpCase({name, Builder("SUB"), {a, b}, {MakeTensor<T>(shapes.output, difference)}});
    RunOpCase({name, Builder("GREATER_EQUAL"), {a, b}, {MakeTensor<bool>(shapes.output, greater)}});
  }
}

TEST(Eltwise, BroadcastsInt32) { CheckIntegers<int32_t>(); }
TEST(Eltwise, BroadcastsInt64) { CheckIntegers<int64_t>(); }

TEST(Eltwise, FloatFunctions) {
  const Shape shape = {6};
  const TestTensor a = MakeTensor<float>(shape, {7, -7, 7.5f, -7.5f, 0.5f, kNan});
  const TestTensor b = MakeTensor<float>(shape, {2, 2, -2, -2, 0, 1});
  const auto floats = [&shape](const std::vector<float> &values) {
    return std::vector<TestTensor>{MakeTensor<float>(shape, values)};
  };
  RunOpCases({
      {"sum", Builder("SUM"), {a, b}, floats({9, -5, 5.5f, -9.5f, 0.5f, kNan})},
      {"sub", Builder("SUB"), {a, b}, floats({5, -9, 9.5f, -5.5f, 0.5f, kNan})},
      {"prod", Builder("PROD"), {a, b}, floats({14, -14, -15, 15, 0, kNan})},
      {"div", Builder("DIV"), {a, b}, floats({3.5f, -3.5f, -3.75f, 3.75f, kInf, kNan})},
      {"min", Builder("MIN"), {a, b}, floats({2, -7, -2, -7.5f, 0, kNan})},
      {"max", Builder("MAX"), {a, b}, floats({7, 2, 7.5f, -2, 0.5f, kNan})},
      {"pow", Builder("POW"), {a, b}, floats({49, 49, 1 / 56.25f, 1 / 56.25f, 1, kNan})},
      {"sqr_diff", Builder("SQR_DIFF"), {a, b}, floats({25, 81, 90.25f, 30.25f, 0.25f, kNan})},
      {"floor_div", Builder("FLOOR_DIV"), {a, b}, floats({3, -4, -4, 3, kInf, kNan})},
      {"mod", Builder("MOD"), {a, b}, floats({1, 1, -0.5f, -1.5f, kNan, kNan})},
      {"coeff",
       Builder("SUM").AddFloatsArg("coeff", {2, -0.5f}),
       {a, b},
       floats({13, -15, 16, -14, 1, kNan})},
      {"coeff of one",
       Builder("SUM").AddFloatsArg("coeff", {1, 1}),
       {a, b},
       floats({9, -5, 5.5f, -9.5f, 0.5f, kNan})},
      {"activation",
       Builder("SUM").AddStringArg("activation", "RELUX").AddFloatArg("max_limit", 6),
       {a, b},
       floats({6, 0, 5.5f, 0, 0.5f, kNan})},
      {"leaky",
       Builder("SUB")
           .AddStringArg("activation", "LEAKYRELU")
           .AddFloatArg("activation_coefficient", 0.1f),
       {a, b},
       floats({5, -0.9f, 9.5f, -0.55f, 0.5f, kNan})},
  });
}

TEST(Eltwise, FloatPredicates) {
  const Shape shape = {5};
  const TestTensor a = MakeTensor<float>(shape, {1, 2, 0, kNan, kInf});
  const TestTensor b = MakeTensor<float>(shape, {1, 1, 3, kNan, kInf});
  const auto bools = [&shape](const std::vector<bool> &values) {
    return std::vector<TestTensor>{MakeTensor<bool>(shape, values)};
  };
  RunOpCases({
      {"equal", Builder("EQUAL"), {a, b}, bools({1, 0, 0, 0, 1})},
      {"not_equal", Builder("NOT_EQUAL"), {a, b}, bools({0, 1, 1, 1, 0})},
      {"less", Builder("LESS"), {a, b}, bools({0, 0, 1, 0, 0})},
      {"less_equal", Builder("LESS_EQUAL"), {a, b}, bools({1, 0, 1, 0, 1})},
      {"greater", Builder("GREATER"), {a, b}, bools({0, 1, 0, 0, 0})},
      {"greater_equal", Builder("GREATER_EQUAL"), {a, b}, bools({1, 1, 0, 0, 1})},
      {"and", Builder("AND"), {a, b}, bools({1, 1, 0, 1, 1})},
      {"or", Builder("OR"), {a, b}, bools({1, 1, 1, 1, 1})},
      {"xor", Builder("XOR"), {a, b}, bools({0, 0, 1, 0, 0})},
  });
}

TEST(Eltwise, Bools) {
  const Shape shape = {4};
  const TestTensor a = MakeTensor<bool>(shape, {0, 0, 1, 1}),
                   b = MakeTensor<bool>(shape, {0, 1, 0, 1});
  const auto bools = [&shape](const std::vector<bool> &values) {
    return std::vector<TestTensor>{MakeTensor<bool>(shape, values)};
  };
  RunOpCases({
      {"and", Builder("AND"), {a, b}, bools({0, 0, 0, 1})},
      {"or", Builder("OR"), {a, b}, bools({0, 1, 1, 1})},
      {"xor", Builder("XOR"), {a, b}, bools({0, 1, 1, 0})},
      {"equal", Builder("EQUAL"), {a, b}, bools({1, 0, 0, 1})},
      {"not_equal", Builder("NOT_EQUAL"), {a, b}, bools({0, 1, 1, 0})},
  });
}

template <typename T>
void CheckIntegerFunctions() {
  const Shape shape = {8};
  const T most = std::numeric_limits<T>::max(), least = std::numeric_limits<T>::min();
  const TestTensor a = MakeTensor<T>(shape, {7, -7, 7, -7, 5, least, most, 0});
  const TestTensor b = MakeTensor<T>(shape, {2, 2, -2, -2, 0, -1, 1, -3});
  const auto values = [&shape](const std::vector<T> &numbers) {
    return std::vector<TestTensor>{MakeTensor<T>(shape, numbers)};
  };
  RunOpCases({
      {"sum wraps", Builder("SUM"), {a, b}, values({9, -5, 5, -9, 5, most, least, -3})},
      {"sub wraps",
       Builder("SUB"),
       {b, a},
       values({-5, 9, -9, 5, -5, most, static_cast<T>(least + 2), -3})},
      {"prod", Builder("PROD"), {a, b}, values({14, -14, -14, 14, 0, least, most, 0})},
      {"div truncates", Builder("DIV"), {a, b}, values({3, -3, -3, 3, 0, least, most, 0})},
      {"min", Builder("MIN"), {a, b}, values({2, -7, -2, -7, 0, least, 1, -3})},
      {"max", Builder("MAX"), {a, b}, values({7, 2, 7, -2, 5, -1, most, 0})},
      {"pow", Builder("POW"), {a, b}, values({49, 49, 0, 0, 1, 0, most, 0})},
      {"sqr_diff", Builder("SQR_DIFF"), {a, b}, values({25, 81, 81, 25, 25, 1, 4, 9})},
      {"floor_div floors", Builder("FLOOR_DIV"), {a, b}, values({3, -4, -4, 3, 0, least, most, 0})},
      {"mod has the divisor's sign", Builder("MOD"), {a, b}, values({1, 1, -1, -1, 0, 0, 0, 0})},
  });
  RunOpCase(
      {"powers",
       Builder("POW"),
       {MakeTensor<T>({6}, {2, -3, 1, -1, -1, 0}), MakeTensor<T>({6}, {10, 3, -9, -2, -3, 0})},
       {MakeTensor<T>({6}, {1024, -27, 1, 1, -1, 1})}});
}

TEST(Eltwise, Int32Functions) { CheckIntegerFunctions<int32_t>(); }
TEST(Eltwise, Int64Functions) { CheckIntegerFunctions<int64_t>(); }

template <typename T, typename R = T>
void CheckPair(const std::string &function, const std::vector<T> &a, const std::vector<T> &b,
               const std::vector<R> &out, double rel = 0) {
  const Shape shape = {static_cast<int64_t>(a.size())};
  RunOpCase({MakeString(function, " of ", DataTypeName(DataTypeOf<T>::value)),
             Builder(function),
             {MakeTensor<T>(shape, a), MakeTensor<T>(shape, b)},
             {MakeTensor<R>(shape, out)},
             rel});
}

TEST(Eltwise, UnsignedAndNarrowIntegers) {
  const uint64_t most = ~uint64_t{0}, half = uint64_t{1} << 63;
  CheckPair<uint64_t>("DIV", {most, half, 7}, {2, 3, 0}, {most / 2, half / 3, 0});
  CheckPair<uint64_t>("MAX", {most, 1}, {1, half}, {most, half});
  CheckPair<uint64_t>("MOD", {most, 5}, {10, 0}, {5, 0});
  CheckPair<uint64_t>("FMOD", {most}, {10}, {5});
  CheckPair<uint64_t, bool>("GREATER", {most, 1}, {1, most}, {1, 0});
  CheckPair<uint64_t>("SHIFT_RIGHT", {most, most, 8}, {63, 64, 1}, {1, 0, 4});
  CheckPair<uint8_t>("SUM", {250, 1}, {10, 2}, {4, 3});
  CheckPair<uint8_t>("SUB", {1}, {2}, {255});
  CheckPair<uint8_t>("SHIFT_LEFT", {255, 255}, {1, 8}, {254, 0});
  CheckPair<int8_t>("DIV", {-128, -7}, {-1, 2}, {-128, -3});
  CheckPair<int8_t>("FLOOR_DIV", {-7, 7}, {2, -2}, {-4, -4});
  CheckPair<int16_t>("MOD", {-7, 7, -7}, {3, -3, -3}, {2, -2, -1});
  CheckPair<int16_t>("FMOD", {-7, 7, -7}, {3, -3, -3}, {-1, 1, -1});
  CheckPair<int16_t>("PROD", {300}, {300}, {24464});
  CheckPair<uint16_t>("POW", {3, 2}, {4, 16}, {81, 0});
  CheckPair<int32_t>("BIT_AND", {-1, 12}, {7, 10}, {7, 8});
  CheckPair<int32_t>("BIT_OR", {12}, {10}, {14});
  CheckPair<uint32_t>("BIT_XOR", {12, 4294967295u}, {10, 1}, {6, 4294967294u});
  CheckPair<int64_t>("SHIFT_RIGHT", {-8, -8}, {1, 100}, {-4, -1});
}

TEST(Eltwise, Doubles) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  CheckPair<double>("SUM", {1, 0.1}, {1e-15, 0.2}, {1 + 1e-15, 0.1 + 0.2});
  CheckPair<double>("MIN", {1, nan, 1}, {2, 1, nan}, {1, nan, nan});
  CheckPair<double>("FMOD", {-7.5, 7.5}, {2, -2}, {-1.5, 1.5});
  CheckPair<double>("MOD", {-7.5, 7.5}, {2, -2}, {0.5, -0.5});
  CheckPair<double>("ATAN2", {1, -1}, {-1, 0}, {std::atan2(1.0, -1.0), std::atan2(-1.0, 0.0)});
  CheckPair<double, bool>("LESS", {1, nan}, {1 + 1e-15, 1}, {1, 0});
  CheckPair<float>("FMOD", {-7.5f, 1e9f}, {2, 3}, {-1.5f, 1});
  CheckPair<float>("ATAN2", {1}, {1}, {0.785398163f}, 1e-7);
}

TEST(Eltwise, TheSameTensorTwice) {
  OpsTestNet net;
  net.AddInput<float>("x", {3}, {1, -2, 3});
  Builder("PROD").Input("x").Input("x").Output("y").Finalize(net.NewOperatorDef());
  ASSERT_TRUE(Succeeds(net.RunOp()));
  ExpectTensorNear<float>(net, "y", {3}, {1, 4, 9});
}

TEST(Eltwise, ConstantInputs) {
  for (bool first : {false, true}) {
    RunOpCase(
        {"constant",
         Builder("SUB"),
         {MakeTensor<float>({2, 2}, {1, 2, 3, 4}, first), MakeTensor<float>({2}, {1, 10}, !first)},
         {MakeTensor<float>({2, 2}, std::vector<float>{0, -8, 2, -6})}});
  }
}

TEST(Eltwise, ActivationAfterASumOfHalves) {
  TestTensor a = MakeTensor<uint16_t>({3}, {0x3c00, 0xc000, 0x4400});  // 1, -2, 4
  TestTensor b = MakeTensor<uint16_t>({1}, {0x3c00});
  TestTensor sum = MakeTensor<uint16_t>({3}, {0x4000, 0, 0x4500});  // 2, 0, 5
  a.dtype = b.dtype = sum.dtype = DT_HALF;
  RunOpCase({"RELU", Builder("SUM").AddStringArg("activation", "RELU"), {a, b}, {sum}});
}

TEST(Eltwise, RefusesWhatCannotBe) {
  const TestTensor floats = MakeTensor<float>({2}, {1, 2}), ints = MakeTensor<int32_t>({2}, {1, 2});
  const TestTensor bools = MakeTensor<bool>({2}, {0, 1});
  const auto refused = [](const OpDefBuilder &def, const TestTensor &a, const TestTensor &b,
                          MaceStatus::Code code, const std::string &message) {
    OpCase op_case = {message, def, {a, b}, {}};
    op_case.code = code;
    op_case.message = message;
    RunOpCase(op_case);
  };
  const MaceStatus::Code invalid = MaceStatus::MACE_INVALID_ARGS;
  const MaceStatus::Code unsupported = MaceStatus::MACE_UNSUPPORTED;
  refused(Builder("SUM"), floats, MakeTensor<float>({3}, {1, 2, 3}), invalid,
          "Eltwise 'test': shapes [2] and [3] cannot be broadcast");
  refused(Builder("SUM"), floats, ints, invalid, "Eltwise 'test'");
  refused(Builder("TIMES"), floats, floats, invalid, "TIMES");
  refused(Builder("SUM").AddFloatsArg("coeff", {1, 2, 3}), floats, floats, invalid,
          "coeff has 3 factors");
  refused(Builder("PROD").AddFloatsArg("coeff", {1, 2}), floats, floats, invalid,
          "only SUM takes coeff");
  refused(Builder("SUM").AddFloatsArg("coeff", {1, 2}), ints, ints, unsupported,
          "coeff with integer inputs");
  refused(Builder("SUM").AddStringArg("activation", "RELU"), ints, ints, unsupported,
          "an activation after a result that is not float32");
  refused(Builder("LESS").AddStringArg("activation", "RELU"), floats, floats, unsupported,
          "an activation after a result that is not float32");
  refused(Builder("EQUAL").AddStringArg("activation", "RELU"), floats, floats, unsupported,
          "an activation after a result that is not float32");
  refused(Builder("SUM").AddStringArg("activation", "RELUX"), floats, floats, invalid,
          "RELUX needs a max_limit above 0");
  refused(Builder("SUM"), bools, bools, unsupported, "arithmetic of bools");
  refused(Builder("BIT_OR"), floats, floats, unsupported, "this function of float32");
  refused(Builder("ATAN2"), ints, ints, unsupported, "this function of int32");
  refused(Builder("FMOD").AddStringArg("activation", "RELU"), floats, floats, unsupported,
          "an activation after");
  const int64_t large = int64_t{1} << 32;
  refused(Builder("SUM"), MakeTensor<float>({0, large, 1}, {}),
          MakeTensor<float>({0, 1, large}, {}), invalid, "too large to be addressed");
}

}  // namespace
}  // namespace test
}  // namespace ops
}  // namespace mace
