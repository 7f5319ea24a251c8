// SPDX-License-Identifier: Apache-2.0
// Dequantize: each type, and scales of a tensor, an axis and blocks.
#include <cstdint>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "mace/ops/ops_test_util.h"

namespace mace {
namespace ops {
namespace test {
namespace {

OpDefBuilder Builder(int axis = 1, int block = 0) {
  return OpDefBuilder("Dequantize").AddIntArg("axis", axis).AddIntArg("block_size", block);
}

TEST(Dequantize, Types) {
  const TestTensor scale = MakeTensor<float>({}, {0.5f});
  const auto check = [&](const TestTensor &in, const TestTensor &zero,
                         const std::vector<float> &out) {
    RunOpCase(
        {DataTypeName(in.dtype), Builder(), {in, scale, zero}, {MakeTensor<float>(in.shape, out)}});
  };
  check(MakeTensor<uint8_t>({3}, {0, 128, 255}), MakeTensor<uint8_t>({}, {128}), {-64, 0, 63.5f});
  check(MakeTensor<int8_t>({2}, {-128, 127}), MakeTensor<int8_t>({}, {-1}), {-63.5f, 64});
  check(MakeTensor<int16_t>({1}, {-300}), MakeTensor<int16_t>({}, {100}), {-200});
  check(MakeTensor<uint16_t>({1}, {65535}), MakeTensor<uint16_t>({}, {1}), {32767});
  check(MakeTensor<int32_t>({1}, {-70000}), MakeTensor<int32_t>({}, {0}), {-35000});
}

TEST(Dequantize, Scales) {
  const TestTensor in = MakeTensor<uint8_t>({2, 4}, {1, 2, 3, 4, 5, 6, 7, 8});
  RunOpCase({"rows",
             Builder(0),
             {in, MakeTensor<float>({2}, {1, 10}), MakeTensor<uint8_t>({2}, {1, 2})},
             {MakeTensor<float>({2, 4}, {0, 1, 2, 3, 30, 40, 50, 60})}});
  RunOpCase({"columns",
             Builder(1),
             {in, MakeTensor<float>({4}, {1, 10, 100, 1000})},
             {MakeTensor<float>({2, 4}, {1, 20, 300, 4000, 5, 60, 700, 8000})}});
  RunOpCase({"blocks",
             Builder(1, 3),
             {in, MakeTensor<float>({2, 2}, {1, 10, 100, 1000})},
             {MakeTensor<float>({2, 4}, {1, 2, 3, 40, 500, 600, 700, 8000})}});
  RunOpCase({"nothing",
             Builder(),
             {MakeTensor<uint8_t>({0}, {}), MakeTensor<float>({}, {2})},
             {MakeTensor<float>({0}, {})}});
}

TEST(Dequantize, RefusesWhatDoesNotFit) {
  const TestTensor in = MakeTensor<uint8_t>({2, 3}, {1}), one = MakeTensor<float>({}, {1});
  const auto refused = [&](const OpDefBuilder &def, const std::vector<TestTensor> &inputs,
                           const std::string &message) {
    RunOpCase(Refused(message, def, inputs, MaceStatus::MACE_INVALID_ARGS, message));
  };
  refused(Builder(), {in, MakeTensor<float>({2}, {1})}, "does not fit axis 1");
  refused(Builder(-3), {in, MakeTensor<float>({3}, {1})}, "axis -3 is outside");
  refused(Builder(), {in, MakeTensor<int32_t>({}, {1})}, "scale must be float32");
  refused(Builder(), {in, one, MakeTensor<int8_t>({}, {1})}, "the zero point is int8");
}

}  // namespace
}  // namespace test
}  // namespace ops
}  // namespace mace
