// SPDX-License-Identifier: Apache-2.0
// Softmax: every axis, the logarithm, flattening, against the formula in double.
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

OpDefBuilder Builder(int64_t axis, bool log = false) {
  return OpDefBuilder("Softmax").AddIntArg("axis", axis).AddIntArg("log", log ? 1 : 0);
}

// Over n elements at a distance of inner, wherever they start.
std::vector<float> Expected(const std::vector<float> &in, int64_t n, int64_t inner, bool log) {
  std::vector<float> out(in.size());
  const int64_t count = static_cast<int64_t>(in.size()) / n;
  for (int64_t i = 0; i < count; ++i) {
    const int64_t first = i / inner * n * inner + i % inner;
    double sum = 0, max = -HUGE_VAL;
    const auto at = [&](int64_t k) { return static_cast<size_t>(first + k * inner); };
    for (int64_t k = 0; k < n; ++k) max = std::fmax(max, static_cast<double>(in[at(k)]));
    for (int64_t k = 0; k < n; ++k) sum += std::exp(static_cast<double>(in[at(k)]) - max);
    for (int64_t k = 0; k < n; ++k) {
      const double x = static_cast<double>(in[at(k)]) - max;
      out[at(k)] = static_cast<float>(log ? x - std::log(sum) : std::exp(x) / sum);
    }
  }
  return out;
}

TEST(Softmax, AllAxes) {
  for (const Shape &shape :
       {Shape{7}, Shape{3, 21}, Shape{2, 9, 5}, Shape{2, 3, 70, 4}, Shape{1, 3000, 2},
        Shape{3, 257}, Shape{4, 1000}, Shape{2, 3, 2, 3, 2, 3}}) {
    const std::vector<float> in = RandomFloats(shape.elements(), -6, 6);
    for (int axis = 0; axis < shape.rank(); ++axis) {
      for (bool log : {false, true}) {
        const int64_t n = shape[axis], inner = shape.elements(axis + 1, shape.rank());
        OpCase op_case = {MakeString(shape.ToString(), " axis ", axis),
                          Builder(axis, log),
                          {MakeTensor<float>(shape, in)},
                          {MakeTensor<float>(shape, Expected(in, n, inner, log))}};
        op_case.rel = 3e-6;
        op_case.abs = log ? 2e-6 : 0;
        RunOpCase(op_case);
        OpCase flat = op_case;
        flat.name += ", flat";
        flat.def = Builder(axis - shape.rank(), log).AddIntArg("flatten", 1);
        flat.outputs = {MakeTensor<float>(shape, Expected(in, n * inner, 1, log))};
        RunOpCase(flat);
      }
    }
  }
}

TEST(Softmax, LargeNumbersAndMinusInfinity) {
  const float inf = std::numeric_limits<float>::infinity();
  const float nan = std::numeric_limits<float>::quiet_NaN();
  RunOpCases({
      {"large",
       Builder(-1),
       {MakeTensor<float>({1, 3}, {1e30f, 1e30f, -1e30f})},
       {MakeTensor<float>({1, 3}, std::vector<float>{0.5f, 0.5f, 0})}},
      {"a mask",
       Builder(-1),
       {MakeTensor<float>({1, 3}, {0, -inf, 0})},
       {MakeTensor<float>({1, 3}, std::vector<float>{0.5f, 0, 0.5f})}},
      {"a mask's logarithm",
       Builder(-1, true),
       {MakeTensor<float>({1, 3}, {0, -inf, 0})},
       {MakeTensor<float>({1, 3}, std::vector<float>{-0.69314718f, -inf, -0.69314718f})}},
      {"all masked",
       Builder(-1),
       {MakeTensor<float>({2, 2}, {-inf, -inf, 1, 1})},
       {MakeTensor<float>({2, 2}, std::vector<float>{nan, nan, 0.5f, 0.5f})}},
  });
}

TEST(Softmax, Nothing) {
  RunOpCase(
      {"nothing", Builder(-1), {MakeTensor<float>({0, 3}, {})}, {MakeTensor<float>({0, 3}, {})}});
  RunOpCase({"of nothing",
             Builder(-1),
             {MakeTensor<float>({3, 0}, {})},
             {MakeTensor<float>({3, 0}, {})}});
}

TEST(Softmax, RefusesAnAxisOutside) {
  OpCase op_case = {"axis", Builder(2), {MakeTensor<float>({2, 3}, {1})}, {}};
  op_case.code = MaceStatus::MACE_INVALID_ARGS;
  op_case.message = "Softmax 'test': axis 2 is outside of [-2, 1]";
  RunOpCase(op_case);
}

}  // namespace
}  // namespace test
}  // namespace ops
}  // namespace mace
