// SPDX-License-Identifier: Apache-2.0
// Quantize: rounding, bounds, and scales of a tensor, an axis and blocks.
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

OpDefBuilder Builder(DataType to, int axis = 1, int block = 0) {
  return OpDefBuilder("Quantize")
      .AddIntArg("output_type", to)
      .AddIntArg("axis", axis)
      .AddIntArg("block_size", block);
}

TEST(Quantize, OneScale) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const TestTensor in = MakeTensor<float>({8}, {0, 1, 3, 5, -1000, 1000, -3, nan});
  const TestTensor scale = MakeTensor<float>({}, {2});
  RunOpCase({"u8",
             Builder(DT_UINT8),
             {in, scale, MakeTensor<uint8_t>({}, {128})},
             {MakeTensor<uint8_t>({8}, {128, 128, 130, 130, 0, 255, 126, 0})}});
  RunOpCase({"i8",
             Builder(DT_INT8),
             {in, scale},
             {MakeTensor<int8_t>({8}, {0, 0, 2, 2, -128, 127, -2, 0})}});
  RunOpCase({"i16",
             Builder(DT_INT16),
             {in, scale, MakeTensor<int16_t>({}, {-5})},
             {MakeTensor<int16_t>({8}, {-5, -5, -3, -3, -505, 495, -7, 0})}});
}

TEST(Quantize, ScalesOfAnAxis) {
  const std::vector<float> in = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
  RunOpCase({"middle",
             Builder(DT_UINT8),
             {MakeTensor<float>({2, 3, 2}, in), MakeTensor<float>({3}, {1, 2, 4}),
              MakeTensor<uint8_t>({3}, {0, 10, 20})},
             {MakeTensor<uint8_t>({2, 3, 2}, {1, 2, 12, 12, 21, 22, 7, 8, 14, 15, 23, 23})}});
  RunOpCase({"last",
             Builder(DT_UINT16, -1),
             {MakeTensor<float>({4, 3}, in), MakeTensor<float>({3}, {1, 0.5f, 0.25f})},
             {MakeTensor<uint16_t>({4, 3}, {1, 4, 12, 4, 10, 24, 7, 16, 36, 10, 22, 48})}});
}

TEST(Quantize, ScalesOfBlocks) {
  const std::vector<float> in = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
  RunOpCase({"last",
             Builder(DT_UINT8, 1, 2),
             {MakeTensor<float>({2, 5}, in), MakeTensor<float>({2, 3}, {1, 2, 4, 1, 2, 0.5f})},
             {MakeTensor<uint8_t>({2, 5}, {1, 2, 2, 2, 1, 6, 7, 4, 4, 20})}});
  RunOpCase({"first",
             Builder(DT_UINT8, 0, 2),
             {MakeTensor<float>({5, 2}, in), MakeTensor<float>({3, 2}, {1, 2, 4, 1, 2, 0.5f}),
              MakeTensor<uint8_t>({3, 2}, {0, 1, 2, 3, 4, 5})},
             {MakeTensor<uint8_t>({5, 2}, {1, 2, 3, 3, 3, 9, 4, 11, 8, 25})}});
}

TEST(Quantize, Nothing) {
  RunOpCase({"empty",
             Builder(DT_UINT8),
             {MakeTensor<float>({0, 3}, {}), MakeTensor<float>({}, {2})},
             {MakeTensor<uint8_t>({0, 3}, {})}});
}

TEST(Quantize, RefusesWhatDoesNotFit) {
  const TestTensor in = MakeTensor<float>({2, 3}, {1}), one = MakeTensor<float>({}, {1});
  const auto refused = [&](const OpDefBuilder &def, const std::vector<TestTensor> &inputs,
                           const std::string &message) {
    RunOpCase(Refused(message, def, inputs, MaceStatus::MACE_INVALID_ARGS, message));
  };
  refused(Builder(DT_FLOAT), {in, one}, "output_type must be an integer");
  refused(Builder(DT_UINT8), {in, MakeTensor<float>({2}, {1})}, "does not fit axis 1");
  refused(Builder(DT_UINT8, 2), {in, MakeTensor<float>({3}, {1})}, "axis 2 is outside");
  refused(Builder(DT_UINT8, 1, 2), {in, MakeTensor<float>({2, 3}, {1})}, "does not fit axis 1");
  refused(Builder(DT_UINT8), {in, one, MakeTensor<int8_t>({}, {1})}, "the zero point is int8");
  refused(Builder(DT_UINT8), {in, one, MakeTensor<uint8_t>({3}, {1})}, "as many elements");
}

}  // namespace
}  // namespace test
}  // namespace ops
}  // namespace mace
