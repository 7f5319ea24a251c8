// SPDX-License-Identifier: Apache-2.0
// Normalize against its formula in double.
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "mace/ops/ops_test_util.h"

namespace mace {
namespace ops {
namespace test {
namespace {

TEST(Normalize, PixelsAndImages) {
  for (const Shape &shape : {Shape{1, 1, 1, 1}, Shape{2, 3, 2, 5}, Shape{2, 38, 19, 32}}) {
    const int64_t channels = shape[3];
    const std::vector<float> in = RandomFloats(shape.elements(), -3, 3);
    for (bool across : {false, true}) {
      const int64_t group = across ? shape.elements(1, 4) : channels;
      for (int64_t scales : {int64_t{1}, channels}) {
        const std::vector<float> scale = RandomFloats(scales, 1, 20, 7);
        std::vector<float> expected(in.size());
        for (int64_t first = 0; first < shape.elements(); first += group) {
          double sum = 1e-10;
          for (int64_t i = first; i < first + group; ++i) {
            sum += static_cast<double>(in[i]) * static_cast<double>(in[i]);
          }
          for (int64_t i = first; i < first + group; ++i) {
            const double s = static_cast<double>(scale[scales == 1 ? 0 : i % channels]);
            expected[i] = static_cast<float>(static_cast<double>(in[i]) / std::sqrt(sum) * s);
          }
        }
        RunOpCase({MakeString(shape.ToString(), across ? " across" : "", ", ", scales, " scales"),
                   OpDefBuilder("Normalize").AddIntArg("across_spatial", across ? 1 : 0),
                   {MakeTensor<float>(shape, in), MakeConst<float>({scales}, scale)},
                   {MakeTensor<float>(shape, expected)}});
      }
    }
  }
}

TEST(Normalize, ZerosStayZeros) {
  RunOpCase({"zeros",
             OpDefBuilder("Normalize"),
             {MakeTensor<float>({1, 1, 1, 2}, {0, 0}), MakeConst<float>({1}, {20})},
             {MakeTensor<float>({1, 1, 1, 2}, std::vector<float>{0, 0})}});
}

TEST(Normalize, RefusesWhatDoesNotFit) {
  const auto refused = [](const std::vector<TestTensor> &inputs, const char *message) {
    OpCase op_case = {message, OpDefBuilder("Normalize"), inputs, {}};
    op_case.code = MaceStatus::MACE_INVALID_ARGS;
    op_case.message = message;
    RunOpCase(op_case);
  };
  const TestTensor in = MakeTensor<float>({1, 1, 2, 3}, {1});
  refused({in, MakeConst<float>({2}, {1})}, "scale has 2 elements, it needs 1 or the 3 channels");
  refused({in, MakeConst<int32_t>({3}, {1})}, "scale must be float32");
  refused({MakeTensor<float>({3}, {1}), MakeConst<float>({1}, {1})}, "is not a batch of pixels");
}

}  // namespace
}  // namespace test
}  // namespace ops
}  // namespace mace
