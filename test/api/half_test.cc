// SPDX-License-Identifier: Apache-2.0
// A model that asks for float16 arithmetic, or for products of bfloat16 factors: on CPUs that have
// it the results are those of float32 to about three digits, or two, on others to the last bit. The
// interface stays float32.
#include <cmath>
#include <cstdlib>
#include <string>

#include "mace/base/isa.h"
#include "mace/kernels/bf16/bf16_gemm.h"
#include "test/api/models.h"

namespace mace {
namespace test {
namespace {

// Residual block, depthwise convolution, two branches that are concatenated, pooling, an output
// in the middle.
ModelFiles Network(const char *data_type) {
  ModelBuilder builder;
  const auto filter = [&](const char *name, const std::vector<int64_t> &dims, float scale) {
    int64_t count = 1;
    for (int64_t dim : dims) count *= dim;
    builder.Constant<float>(name, dims, RandomNumbers(count, static_cast<uint32_t>(count), scale));
  };
  const Argument same = StringArg("padding", "SAME"), relu = StringArg("activation", "RELU");
  const Argument wide = IntsArg("strides", {2, 2});
  builder.Input("x", {1, 21, 21, 3}, DT_FLOAT, NHWC)
      .Output("middle", {1, 11, 11, 24}, DT_FLOAT, NHWC)
      .Output("y", {1, 1, 1, 45}, DT_FLOAT, NHWC);
  filter("w0", {24, 3, 3, 3}, 0.3f);
  filter("d1", {1, 3, 3, 24}, 0.4f);
  filter("w1", {24, 1, 1, 24}, 0.3f);
  filter("b1", {24}, 0.5f);
  filter("w2", {16, 1, 1, 24}, 0.3f);
  filter("w3", {29, 3, 3, 24}, 0.1f);
  builder.Op("Conv2D", "first", {"x", "w0"}, {"p"}, {same, relu, wide})
      .Op("DepthwiseConv2d", "depthwise", {"p", "d1"}, {"q"}, {same, relu})
      .Op("Conv2D", "point", {"q", "w1", "b1"}, {"r"}, {same})
      .Op("Eltwise", "sum", {"p", "r"}, {"middle"}, {StringArg("type", "SUM"), relu})
      .Op("Conv2D", "left", {"middle", "w2"}, {"l"}, {same, relu})
      .Op("Conv2D", "right", {"middle", "w3"}, {"s"}, {same, StringArg("activation", "SIGMOID")})
      .Op("Concat", "both", {"l", "s"}, {"c"}, {IntArg("axis", 3)})
      .Op("Reduce", "mean", {"c"}, {"y"},
          {StringArg("reduce_type", "MEAN"), IntsArg("axis", {1, 2}), IntArg("keepdims", 1)});
  const std::vector<int64_t> image = {1, 11, 11, 24};
  for (OperatorDef &op : builder.net()->op) op.output_shape = {image};
  builder.net()->arg.push_back(StringArg("cpu_data_type", data_type));
  return builder.Build();
}

void RunNetwork(const char *data_type, int threads, std::vector<float> *middle,
                std::vector<float> *y) {
  MaceEngineConfig config;
  ASSERT_MACE_OK(config.SetCPUThreadPolicy(threads, AFFINITY_NONE));
  const auto engine = MakeEngine(Network(data_type), config);
  ASSERT_NE(engine, nullptr);
  std::map<std::string, MaceTensor> outputs = {{"middle", EmptyTensor({1, 11, 11, 24})},
                                               {"y", EmptyTensor({1, 1, 1, 45})}};
  const MaceTensor x = FloatTensor({1, 21, 21, 3}, RandomNumbers(21 * 21 * 3, 1));
  for (int run = 0; run < 2; ++run) ASSERT_MACE_OK(engine->Run({{"x", x}}, &outputs));
  *middle = Values(outputs["middle"]);
  *y = Values(outputs["y"]);
}

double Difference(const std::vector<float> &a, const std::vector<float> &b) {
  double most = 0;
  for (size_t i = 0; i < a.size(); ++i) most = std::max<double>(most, std::fabs(a[i] - b[i]));
  return most;
}

#if defined(__aarch64__)
// What is emulated is what the other tests are to run on.
TEST(Half, EmulatedCoreHasItsTypes) {
  const char *set = std::getenv("MACE_QEMU_CPU");
  const std::string core = set == nullptr ? "" : set;
  const bool half = (SupportedIsas() & kIsaNeonFp16) != 0;
  const bool bfloat = (SupportedIsas() & kIsaNeonBf16) != 0;
  if (core == "cortex-a53" || core == "cortex-a76" || core == "max") {
    EXPECT_EQ(half, core != "cortex-a53");
    EXPECT_EQ(bfloat, core == "max");
  }
  // A processor with bfmmla has arithmetic in half as well.
  EXPECT_LE(bfloat, half);
}
#endif

TEST(Half, IsFloat32ToThreeDigits) {
  std::vector<float> middle, y;
  RunNetwork("fp32_fp32", 1, &middle, &y);
  ASSERT_GT(Difference(middle, std::vector<float>(middle.size(), 0)), 0.5);
  const bool half = (SupportedIsas() & kIsaNeonFp16) != 0;
  for (int threads : {1, 3}) {
    std::vector<float> half_middle, half_y;
    RunNetwork("fp16_fp16", threads, &half_middle, &half_y);
    const double difference = Difference(middle, half_middle);
    EXPECT_LE(difference, 0.02);
    EXPECT_LE(Difference(y, half_y), 0.005);
    // Threads may share an image otherwise, which is seen in the last bits of float32.
    EXPECT_EQ(difference > 1e-5, half);
    EXPECT_EQ(Difference(y, half_y) > 1e-6, half);
  }
}

// The same operators, chains and threads in all types; only factors are rounded, and only of
// convolutions with enough filters.
TEST(Half, Bfloat16IsFloat32ToTwoDigits) {
  std::vector<float> middle, y;
  RunNetwork("fp32_fp32", 1, &middle, &y);
  const bool rounds = kernels::BestBf16Gemm() != nullptr;
  for (int threads : {1, 3}) {
    std::vector<float> own_middle, own_y;
    RunNetwork("bf16_fp32", threads, &own_middle, &own_y);
    const double difference = Difference(middle, own_middle);
    EXPECT_LE(difference, 0.1);
    EXPECT_LE(Difference(y, own_y), 0.02);
    EXPECT_EQ(difference > 1e-5, rounds);
  }
}

}  // namespace
}  // namespace test
}  // namespace mace
