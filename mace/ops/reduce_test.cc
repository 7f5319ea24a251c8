// SPDX-License-Identifier: Apache-2.0
// Reduce: every set of axes against plain indexing in double, each function, each type.
#include <algorithm>
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

OpDefBuilder Builder(const std::string &type, const std::vector<int64_t> &axes,
                     bool keepdims = false) {
  OpDefBuilder def("Reduce");
  def.AddStringArg("reduce_type", type).AddIntArg("keepdims", keepdims ? 1 : 0);
  if (!axes.empty()) def.AddIntsArg("axis", axes);
  return def;
}

double Combine(const std::string &type, const std::vector<double> &values) {
  double sum = 0, squares = 0, magnitudes = 0, product = 1;
  double min = HUGE_VAL, max = -HUGE_VAL;
  for (double x : values) {
    sum += x;
    squares += x * x;
    magnitudes += std::fabs(x);
    product *= x;
    min = std::min(min, x);
    max = std::max(max, x);
  }
  if (type == "MEAN") return sum / static_cast<double>(values.size());
  if (type == "MIN") return min;
  if (type == "MAX") return max;
  if (type == "PROD") return product;
  if (type == "SUM_SQUARE") return squares;
  if (type == "L1") return magnitudes;
  if (type == "L2") return std::sqrt(squares);
  return sum;
}

// The elements that go into each output element.
std::vector<std::vector<double>> Collect(const std::vector<double> &in, const Shape &shape,
                                         const std::vector<bool> &reduced) {
  int64_t outputs = 1;
  for (int i = 0; i < shape.rank(); ++i) outputs *= reduced[i] ? 1 : shape[i];
  std::vector<std::vector<double>> groups(static_cast<size_t>(outputs));
  for (int64_t i = 0; i < shape.elements(); ++i) {
    int64_t rest = i, output = 0, stride = 1;
    for (int k = shape.rank() - 1; k >= 0; --k) {
      const int64_t index = rest % shape[k];
      rest /= shape[k];
      if (reduced[k]) continue;
      output += index * stride;
      stride *= shape[k];
    }
    groups[static_cast<size_t>(output)].push_back(in[static_cast<size_t>(i)]);
  }
  return groups;
}

void CheckFloats(const std::string &type, const Shape &shape, unsigned mask, double abs = 1e-5) {
  const std::vector<float> in = RandomFloats(shape.elements(), -1.5f, 1.5f);
  std::vector<bool> reduced;
  std::vector<int64_t> axes;
  Shape kept, dropped;
  for (int i = 0; i < shape.rank(); ++i) {
    reduced.push_back((mask >> i & 1) != 0);
    if (reduced.back()) axes.push_back(i % 2 == 0 ? i : i - shape.rank());
    kept.push_back(reduced.back() ? 1 : shape[i]);
    if (!reduced.back()) dropped.push_back(shape[i]);
  }
  std::vector<float> expected;
  for (const std::vector<double> &group :
       Collect(std::vector<double>(in.begin(), in.end()), shape, reduced)) {
    expected.push_back(static_cast<float>(Combine(type, group)));
  }
  for (bool keepdims : {false, true}) {
    OpCase op_case = {MakeString(type, " of ", shape.ToString(), ", axes ", mask),
                      Builder(type, axes, keepdims),
                      {MakeTensor<float>(shape, in)},
                      {MakeTensor<float>(keepdims ? kept : dropped, expected)}};
    op_case.rel = 3e-6;
    op_case.abs = abs;
    RunOpCase(op_case);
  }
}

TEST(Reduce, AllSetsOfAxes) {
  for (const Shape &shape :
       {Shape{5}, Shape{3, 4}, Shape{2, 3, 4}, Shape{2, 3, 4, 5}, Shape{2, 1, 3, 1, 2, 3}}) {
    for (unsigned mask = 1; mask < 1u << shape.rank(); ++mask) CheckFloats("MEAN", shape, mask);
  }
}

TEST(Reduce, AllFunctions) {
  for (const char *type : {"MEAN", "SUM", "MIN", "MAX", "PROD", "SUM_SQUARE", "L1", "L2"}) {
    for (unsigned mask : {1u, 2u, 5u, 6u, 7u}) CheckFloats(type, {3, 2, 5}, mask);
    // One element each: the function still counts.
    CheckFloats(type, {3, 1, 5}, 2u);
  }
}

// Blocks of rows and of columns, and several passes.
TEST(Reduce, LargeTensors) {
  CheckFloats("MEAN", {1, 49, 3, 1280}, 6u);
  CheckFloats("MAX", {1, 200, 300, 3}, 6u);
  CheckFloats("SUM_SQUARE", {2, 150, 150, 2}, 14u, 1e-2);
  CheckFloats("MEAN", {100001}, 1u);
  CheckFloats("MIN", {70000, 2}, 1u);
  CheckFloats("L2", {40, 3, 700, 2}, 5u, 1e-4);
  CheckFloats("SUM", {3000, 20}, 2u);
}

TEST(Reduce, ManyIntegers) {
  const int64_t rows = 3, n = 70001;
  std::vector<int64_t> values, sums;
  for (int64_t row = 0; row < rows; ++row) {
    sums.push_back(0);
    for (int64_t i = 0; i < n; ++i) {
      values.push_back(row * 1000 + i % 7);
      sums.back() += values.back();
    }
  }
  RunOpCase({"blocks of each row",
             OpDefBuilder("Reduce").AddStringArg("reduce_type", "SUM").AddIntsArg("axis", {1}),
             {MakeTensor<int64_t>({rows, n}, values)},
             {MakeTensor<int64_t>({rows}, sums)}});
}

TEST(Reduce, NoAxesMeansAll) {
  RunOpCase({"all",
             Builder("SUM", {}),
             {MakeTensor<float>({2, 2}, {1, 2, 3, 4})},
             {MakeTensor<float>({}, std::vector<float>{10})}});
  RunOpCase({"all, kept",
             Builder("SUM", {}, true),
             {MakeTensor<float>({2, 2}, {1, 2, 3, 4})},
             {MakeTensor<float>({1, 1}, std::vector<float>{10})}});
  RunOpCase({"a scalar",
             Builder("L1", {}),
             {MakeTensor<float>({}, {-3})},
             {MakeTensor<float>({}, std::vector<float>{3})}});
}

TEST(Reduce, OfNothing) {
  const float inf = std::numeric_limits<float>::infinity();
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const TestTensor in = MakeTensor<float>({0, 2}, {});
  const auto both = [](float x) { return MakeTensor<float>({2}, std::vector<float>{x, x}); };
  RunOpCases({
      {"sum", Builder("SUM", {0}), {in}, {both(0)}},
      {"prod", Builder("PROD", {0}), {in}, {both(1)}},
      {"min", Builder("MIN", {0}), {in}, {both(inf)}},
      {"max", Builder("MAX", {0}), {in}, {both(-inf)}},
      {"mean", Builder("MEAN", {0}), {in}, {both(nan)}},
      {"kept dimension", Builder("SUM", {1}), {in}, {MakeTensor<float>({0}, {})}},
      {"int32 mean",
       Builder("MEAN", {0}),
       {MakeTensor<int32_t>({0, 1}, {})},
       {MakeTensor<int32_t>({1}, std::vector<int32_t>{0})}},
      {"int32 max",
       Builder("MAX", {0}),
       {MakeTensor<int32_t>({0, 1}, {})},
       {MakeTensor<int32_t>({1}, {std::numeric_limits<int32_t>::min()})}},
  });
}

TEST(Reduce, NanIsKept) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const TestTensor in = MakeTensor<float>({2, 3}, {1, nan, 3, 4, 5, 6});
  RunOpCases({
      {"max", Builder("MAX", {1}), {in}, {MakeTensor<float>({2}, {nan, 6})}},
      {"min of columns", Builder("MIN", {0}), {in}, {MakeTensor<float>({3}, {1, nan, 3})}},
  });
}

template <typename T>
void CheckIntegers() {
  const TestTensor in = MakeTensor<T>({2, 3}, {1, -2, 4, 7, 0, -9});
  const auto rows = [](T a, T b) { return MakeTensor<T>({2}, std::vector<T>{a, b}); };
  RunOpCases({
      {"sum", Builder("SUM", {1}), {in}, {rows(3, -2)}},
      {"mean truncates", Builder("MEAN", {1}), {in}, {rows(1, 0)}},
      {"min", Builder("MIN", {1}), {in}, {rows(-2, -9)}},
      {"max", Builder("MAX", {1}), {in}, {rows(4, 7)}},
      {"prod", Builder("PROD", {1}), {in}, {rows(-8, 0)}},
      {"sum_square", Builder("SUM_SQUARE", {1}), {in}, {rows(21, 130)}},
      {"l1", Builder("L1", {1}), {in}, {rows(7, 16)}},
      {"l2 truncates", Builder("L2", {1}), {in}, {rows(4, 11)}},
      {"columns", Builder("SUM", {0}), {in}, {MakeTensor<T>({3}, {8, -2, -5})}},
      {"all", Builder("SUM_SQUARE", {}), {in}, {MakeTensor<T>({}, {151})}},
      {"two groups",
       Builder("L1", {0, 2}),
       {MakeTensor<T>({2, 1, 3}, {1, -2, 4, 7, 0, -9})},
       {MakeTensor<T>({1}, {23})}},
  });
  std::vector<T> many;
  int64_t sum = 0;
  for (int64_t x : RandomInts(60000, -100, 100)) {
    many.push_back(static_cast<T>(x));
    sum += x < 0 ? -x : x;
  }
  RunOpCase({"many",
             Builder("L1", {0, 2}),
             {MakeTensor<T>({300, 1, 200}, many)},
             {MakeTensor<T>({1}, {static_cast<T>(sum)})}});
}

TEST(Reduce, Int32) { CheckIntegers<int32_t>(); }
TEST(Reduce, Int64) { CheckIntegers<int64_t>(); }

TEST(Reduce, Bools) {
  const TestTensor in = MakeTensor<bool>({3, 2}, {1, 1, 0, 1, 0, 0});
  const auto rows = [](const std::vector<bool> &values) { return MakeTensor<bool>({3}, values); };
  RunOpCases({
      {"all", Builder("ALL", {1}), {in}, {rows({1, 0, 0})}},
      {"any", Builder("ANY", {1}), {in}, {rows({1, 1, 0})}},
      {"min", Builder("MIN", {1}), {in}, {rows({1, 0, 0})}},
      {"max", Builder("MAX", {1}), {in}, {rows({1, 1, 0})}},
      {"all of nothing", Builder("ALL", {1}), {MakeTensor<bool>({3, 0}, {})}, {rows({1, 1, 1})}},
      {"any of nothing", Builder("ANY", {1}), {MakeTensor<bool>({3, 0}, {})}, {rows({0, 0, 0})}},
  });
}

TEST(Reduce, OtherTypes) {
  const uint64_t most = ~uint64_t{0};
  const auto check = [](const char *function, const TestTensor &in, const TestTensor &out) {
    RunOpCase({MakeString(function, " of ", DataTypeName(in.dtype)),
               Builder(function, {0}),
               {in},
               {out}});
  };
  check("MAX", MakeTensor<uint64_t>({3}, {1, most, 2}), MakeTensor<uint64_t>({}, {most}));
  check("MIN", MakeTensor<uint64_t>({0}, {}), MakeTensor<uint64_t>({}, {most}));
  check("MAX", MakeTensor<int8_t>({0}, {}), MakeTensor<int8_t>({}, {-128}));
  check("SUM", MakeTensor<uint8_t>({2}, {200, 100}), MakeTensor<uint8_t>({}, {44}));
  check("MEAN", MakeTensor<uint8_t>({2}, {200, 101}), MakeTensor<uint8_t>({}, {150}));
  check("PROD", MakeTensor<int16_t>({2}, {-3, 5}), MakeTensor<int16_t>({}, {-15}));
  check("SUM", MakeTensor<double>({3}, {1, 1e-12, 1e-12}), MakeTensor<double>({}, {1 + 2e-12}));
  check("L2", MakeTensor<double>({2}, {3, 4}), MakeTensor<double>({}, {5}));
  const double infinity = std::numeric_limits<double>::infinity();
  check("MAX", MakeTensor<double>({0}, {}), MakeTensor<double>({}, {-infinity}));
  std::vector<double> columns(3 * 700 * 5, 0.5);
  RunOpCase({"middle",
             Builder("SUM", {1}),
             {MakeTensor<double>({3, 700, 5}, columns)},
             {MakeTensor<double>({3, 5}, std::vector<double>(15, 350))}});
}

TEST(Reduce, RefusesWhatCannotBe) {
  const auto refused = [](const OpDefBuilder &def, const TestTensor &in, MaceStatus::Code code,
                          const char *message) {
    OpCase op_case = {message, def, {in}, {}};
    op_case.code = code;
    op_case.message = message;
    RunOpCase(op_case);
  };
  const TestTensor floats = MakeTensor<float>({2, 3}, {1}), bools = MakeTensor<bool>({2}, {1});
  refused(Builder("SUM", {2}), floats, MaceStatus::MACE_INVALID_ARGS, "axis 2 is outside");
  refused(Builder("SUM", {1, -1}), floats, MaceStatus::MACE_INVALID_ARGS, "named twice");
  refused(Builder("ALL", {0}), floats, MaceStatus::MACE_UNSUPPORTED, "ALL and ANY are for bool");
  refused(Builder("SUM", {0}), bools, MaceStatus::MACE_UNSUPPORTED, "arithmetic of bools");
  refused(Builder("MEDIAN", {0}), floats, MaceStatus::MACE_INVALID_ARGS, "MEDIAN");
}

}  // namespace
}  // namespace test
}  // namespace ops
}  // namespace mace
