// SPDX-License-Identifier: Apache-2.0
// DFT of lengths that are and are not powers of two, there and back.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <vector>

#include "mace/ops/ops_test_util.h"

namespace mace {
namespace ops {
namespace test {
namespace {

OpDefBuilder Transform(bool inverse, bool onesided, int64_t axis = -2) {
  return OpDefBuilder("DFT")
      .AddIntArg("inverse", inverse ? 1 : 0)
      .AddIntArg("onesided", onesided ? 1 : 0)
      .AddIntArg("axis", axis);
}

// By the definition.
std::vector<float> Direct(const std::vector<float> &pairs) {
  const size_t n = pairs.size() / 2;
  std::vector<float> result;
  for (size_t k = 0; k < n; ++k) {
    double re = 0, im = 0;
    for (size_t i = 0; i < n; ++i) {
      const double angle =
          -2 * 3.14159265358979323846 * static_cast<double>(i * k % n) / static_cast<double>(n);
      re += pairs[2 * i] * std::cos(angle) - pairs[2 * i + 1] * std::sin(angle);
      im += pairs[2 * i] * std::sin(angle) + pairs[2 * i + 1] * std::cos(angle);
    }
    result.push_back(static_cast<float>(re));
    result.push_back(static_cast<float>(im));
  }
  return result;
}

TEST(DFTTest, AllLengths) {
  for (int64_t n = 1; n <= 33; ++n) {
    const std::vector<float> x = RandomFloats(2 * n);
    const Shape shape = {1, n, 2};
    RunOpCase({"forward",
               Transform(false, false),
               {MakeTensor<float>(shape, x)},
               {MakeTensor<float>(shape, Direct(x))},
               1e-5,
               1e-5});
    RunOpCase({"back",
               Transform(true, false),
               {MakeTensor<float>(shape, Direct(x))},
               {MakeTensor<float>(shape, x)},
               1e-5,
               1e-5});
  }
}

TEST(DFTTest, Cases) {
  const auto real = MakeTensor<float>({4, 1}, {1, 2, 3, 4});
  const auto half = MakeTensor<float>({3, 2}, {10, 0, -2, 2, -2, 0});
  RunOpCases({
      {"half", Transform(false, true), {real}, {half}, 1e-6, 1e-6},
      {"half and back", Transform(true, true), {half}, {real}, 1e-6, 1e-6},
      {"one number back",
       Transform(true, true),
       {MakeTensor<float>({1, 2}, {3, 0}), MakeConst<int64_t>({}, {1})},
       {MakeTensor<float>({1, 1}, {3})}},
      {"cut",
       Transform(false, false),
       {real, MakeConst<int64_t>({}, {2})},
       {MakeTensor<float>({2, 2}, {3, 0, -1, 0})},
       1e-6,
       1e-6},
      {"made longer",
       Transform(false, false),
       {MakeTensor<float>({1, 1}, {2}), MakeConst<int64_t>({}, {3})},
       {MakeTensor<float>({3, 2}, {2, 0, 2, 0, 2, 0})},
       1e-6,
       1e-6},
      {"other axis",
       Transform(false, false, 0),
       {MakeTensor<float>({2, 2, 1}, {1, 2, 3, 5})},
       {MakeTensor<float>({2, 2, 2}, {4, 0, 7, 0, -2, 0, -3, 0})},
       1e-6,
       1e-6},
      {"nothing",
       Transform(false, false),
       {MakeTensor<float>({0, 4, 1}, {})},
       {MakeTensor<float>({0, 4, 2}, {})}},
  });
}

TEST(DFTTest, Errors) {
  RunOpCases({
      Refused("parts", Transform(false, false), {MakeIota<float>({4, 3})},
              MaceStatus::MACE_INVALID_ARGS, "in its last dimension"),
      Refused("last", Transform(false, false, -1), {MakeIota<float>({4, 2})},
              MaceStatus::MACE_INVALID_ARGS, "cannot be axis -1"),
      Refused("length", Transform(false, false),
              {MakeIota<float>({4, 2}), MakeConst<int64_t>({}, {0})}, MaceStatus::MACE_INVALID_ARGS,
              "the length 0 of the transform"),
  });
}

}  // namespace
}  // namespace test
}  // namespace ops
}  // namespace mace
