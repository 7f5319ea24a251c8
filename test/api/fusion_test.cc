// SPDX-License-Identifier: Apache-2.0
// Sums that become part of the convolution before them, and parts that are written into what they
// are concatenated to: the same numbers to the last bit as when each result is kept, which is what
// asking for it as an output does.
#include "test/api/models.h"

namespace mace {
namespace test {
namespace {

struct Layer {
  const char *name;
  std::vector<int64_t> input, filter, output;
  std::vector<Argument> args = {};
  const char *type = "Conv2D";
};

const Layer kLayers[] = {
    {"1x1", {1, 7, 9, 24}, {40, 1, 1, 24}, {1, 7, 9, 40}},
    {"1x1, two images", {2, 5, 5, 16}, {17, 1, 1, 16}, {2, 5, 5, 17}},
    {"1x1, one pixel", {1, 1, 1, 30}, {35, 1, 1, 30}, {1, 1, 1, 35}},
    {"3x3", {1, 10, 11, 16}, {32, 3, 3, 16}, {1, 10, 11, 32}},
    {"3x3, odd channels", {1, 6, 7, 5}, {9, 3, 3, 5}, {1, 6, 7, 9}},
    {"3x3, stride 2", {1, 9, 9, 8}, {12, 3, 3, 8}, {1, 5, 5, 12}, {IntsArg("strides", {2, 2})}},
    {"two groups", {1, 6, 6, 8}, {48, 3, 3, 4}, {1, 6, 6, 48}, {IntArg("group", 2)}},
    {"transposed",
     {1, 5, 6, 6},
     {10, 3, 3, 6},
     {1, 10, 12, 10},
     {IntsArg("strides", {2, 2})},
     "Deconv2D"},
};

class FusionTest : public testing::Test {
 protected:
  // relu(layer(x) + r), or r + layer(x), with what `sum` says besides.
  static ModelBuilder Model(const Layer &layer, bool bias, bool swapped,
                            std::vector<Argument> sum = {}) {
    ModelBuilder builder;
    std::vector<Argument> args = layer.args;
    args.push_back(StringArg("padding", "SAME"));
    std::vector<std::string> inputs = {"x", "filter"};
    const int64_t out_c = layer.filter[0];
    builder.Input("x", layer.input, DT_FLOAT, NHWC)
        .Input("r", layer.output, DT_FLOAT, NHWC)
        .Output("y", layer.output, DT_FLOAT, NHWC)
        .Constant<float>("filter", layer.filter, RandomNumbers(Shape(layer.filter).elements(), 1));
    if (bias) {
      builder.Constant<float>("bias", {out_c}, RandomNumbers(out_c, 2));
      inputs.push_back("bias");
    }
    sum.push_back(StringArg("type", "SUM"));
    builder.Op(layer.type, "layer", inputs, {"c"}, args);
    builder.Op("Eltwise", "sum",
               swapped ? std::vector<std::string>{"r", "c"} : std::vector<std::string>{"c", "r"},
               {"y"}, sum);
    return builder;
  }

  // The outputs y of a model, and how many operators ran.
  static std::vector<float> Run(ModelBuilder builder, const Layer &layer, int threads, bool keep,
                                size_t *operators) {
    if (keep) builder.Output("c", layer.output, DT_FLOAT, NHWC);
    const ModelFiles files = builder.Build();
    MaceEngineConfig config;
    EXPECT_TRUE(config.SetCPUThreadPolicy(threads, AFFINITY_NONE).ok());
    const auto engine = MakeEngine(files, config);
    if (engine == nullptr) return {};
    std::map<std::string, MaceTensor> inputs, outputs;
    inputs["x"] = FloatTensor(layer.input, RandomNumbers(Shape(layer.input).elements(), 3));
    inputs["r"] = FloatTensor(layer.output, RandomNumbers(Shape(layer.output).elements(), 4));
    outputs["y"] = EmptyTensor(layer.output);
    if (keep) outputs["c"] = EmptyTensor(layer.output);
    RunMetadata metadata;
    const MaceStatus status = engine->Run(inputs, &outputs, &metadata);
    EXPECT_TRUE(status.ok()) << status.information();
    *operators = metadata.op_stats.size();
    return Values(outputs["y"]);
  }

  static void ExpectSame(const Layer &layer, bool bias, bool swapped, int threads,
                         const std::vector<Argument> &sum, size_t operators) {
    SCOPED_TRACE(testing::Message() << layer.name << (bias ? ", bias" : "") << ", threads "
                                    << threads << (swapped ? ", swapped" : ""));
    size_t kept = 0, fused = 0;
    const ModelBuilder model = Model(layer, bias, swapped, sum);
    const std::vector<float> expected = Run(model, layer, threads, true, &kept);
    const std::vector<float> y = Run(model, layer, threads, false, &fused);
    EXPECT_EQ(kept, 2u);
    EXPECT_EQ(fused, operators);
    ASSERT_EQ(y, expected);
  }
};

TEST_F(FusionTest, SumsAreTheSame) {
  int count = 0;
  for (const Layer &layer : kLayers) {
    for (int threads : {1, 3}) {
      ExpectSame(layer, count % 2 == 0, count % 3 == 0, threads, {}, 1);
      ExpectSame(layer, count % 2 == 1, count % 3 == 1, threads, {StringArg("activation", "RELU")},
                 1);
      ++count;
    }
    ExpectSame(layer, true, false, 1,
               {StringArg("activation", "RELUX"), FloatArg("max_limit", 0.75f)}, 1);
    ExpectSame(layer, true, false, 2,
               {StringArg("activation", "LEAKYRELU"), FloatArg("activation_coefficient", 0.5f)}, 1);
    ExpectSame(layer, true, false, 1, {FloatsArg("coeff", {1, 1})}, 1);
  }
}

TEST_F(FusionTest, OtherOperatorsStay) {
  const Layer &layer = kLayers[0];
  ExpectSame(layer, true, false, 1, {FloatsArg("coeff", {2, 1})}, 2);
  Layer active = layer;
  active.args.push_back(StringArg("activation", "RELU"));
  ExpectSame(active, true, false, 1, {}, 2);
}

TEST_F(FusionTest, ResultsThatAreBroadcastStay) {
  Layer layer = kLayers[2];  // its output of one pixel is added to each of a larger image
  const std::vector<int64_t> large = {1, 3, 4, 35};
  ModelBuilder builder = Model(layer, true, false);
  builder.net()->input_info[1].dims = large;
  builder.net()->output_info[0].dims = large;
  const auto engine = MakeEngine(builder.Build());
  ASSERT_NE(engine, nullptr);
  std::map<std::string, MaceTensor> inputs, outputs;
  inputs["x"] = FloatTensor(layer.input, RandomNumbers(30, 3));
  inputs["r"] = FloatTensor(large, std::vector<float>(12 * 35, 0.0f));
  outputs["y"] = EmptyTensor(large);
  RunMetadata metadata;
  ASSERT_MACE_OK(engine->Run(inputs, &outputs, &metadata));
  EXPECT_EQ(metadata.op_stats.size(), 2u);
  const std::vector<float> y = Values(outputs["y"]);
  for (size_t i = 35; i < y.size(); ++i) ASSERT_EQ(y[i], y[i - 35]);
}

// Blocks as of a residual network, whose sums lie over the tensors that they add.
TEST_F(FusionTest, Blocks) {
  const std::vector<int64_t> shape = {1, 12, 12, 16};
  const auto build = [&](bool keep) {
    ModelBuilder builder;
    builder.Input("x", shape, DT_FLOAT, NHWC)
        .Output("y", shape, DT_FLOAT, NHWC)
        .Constant<float>("wide", {16, 3, 3, 16}, RandomNumbers(16 * 9 * 16, 5))
        .Constant<float>("point", {16, 1, 1, 16}, RandomNumbers(256, 6));
    std::string last = "x";
    for (int block = 0; block < 3; ++block) {
      const std::string n = std::to_string(block);
      // The first block has a convolution on each side of its sum.
      const std::string other = block == 0 ? "s" : last;
      if (block == 0) builder.Op("Conv2D", "s", {"x", "point"}, {"s"});
      builder.Op("Conv2D", "a" + n, {last, "point"}, {"a" + n}, {StringArg("activation", "RELU")});
      builder.Op("Conv2D", "b" + n, {"a" + n, "wide"}, {"b" + n}, {StringArg("padding", "SAME")});
      last = block == 2 ? "y" : "c" + n;
      builder.Op("Eltwise", "c" + n, {"b" + n, other}, {last},
                 {StringArg("type", "SUM"), StringArg("activation", "RELU")});
      if (keep) builder.Output("b" + n, shape, DT_FLOAT, NHWC);
    }
    if (keep) builder.Output("s", shape, DT_FLOAT, NHWC);
    return builder.Build();
  };
  std::vector<float> results[2];
  for (int keep = 0; keep < 2; ++keep) {
    const auto engine = MakeEngine(build(keep == 1));
    ASSERT_NE(engine, nullptr);
    std::map<std::string, MaceTensor> inputs, outputs;
    inputs["x"] = FloatTensor(shape, RandomNumbers(12 * 12 * 16, 7));
    outputs["y"] = EmptyTensor(shape);
    for (const char *name : {"b0", "b1", "b2", "s"}) {
      if (keep == 1) outputs[name] = EmptyTensor(shape);
    }
    RunMetadata metadata;
    ASSERT_MACE_OK(engine->Run(inputs, &outputs, &metadata));
    EXPECT_EQ(metadata.op_stats.size(), keep == 1 ? 10u : 7u);
    results[keep] = Values(outputs["y"]);
  }
  ASSERT_EQ(results[0], results[1]);
}

// Parts of a concatenation from operators of each kind, those that can write them in place and
// those that cannot; kept as outputs they are all copied.
TEST_F(FusionTest, Concatenation) {
  struct Case {
    int axis;
    std::vector<int64_t> input, output;
  };
  for (const Case &c :
       {Case{3, {1, 8, 9, 16}, {1, 8, 9, 96}}, Case{3, {2, 5, 5, 16}, {2, 5, 5, 96}},
        Case{-1, {1, 1, 1, 16}, {1, 1, 1, 96}}, Case{1, {1, 4, 6, 16}, {1, 24, 6, 16}},
        Case{0, {2, 4, 4, 16}, {12, 4, 4, 16}}, Case{2, {1, 4, 5, 16}, {1, 4, 30, 16}}}) {
    const auto build = [&](bool keep) {
      ModelBuilder builder;
      builder.Input("x", c.input, DT_FLOAT, NHWC)
          .Output("y", c.output, DT_FLOAT, NHWC)
          .Constant<float>("wide", {16, 3, 3, 16}, RandomNumbers(16 * 9 * 16, 5))
          .Constant<float>("each", {1, 3, 3, 16}, RandomNumbers(9 * 16, 8))
          .Constant<float>("point", {16, 1, 1, 16}, RandomNumbers(256, 6));
      const std::vector<Argument> same = {StringArg("padding", "SAME"),
                                          StringArg("activation", "RELU")};
      builder.Op("Conv2D", "p0", {"x", "point"}, {"p0"}, same)
          .Op("Conv2D", "p1", {"x", "wide"}, {"p1"}, same)
          .Op("DepthwiseConv2d", "p2", {"x", "each"}, {"p2"}, same)
          .Op("Pooling", "p3", {"x"}, {"p3"},
              {StringArg("padding", "SAME"), StringArg("pooling_type", "MAX"),
               IntsArg("kernels", {3, 3}), IntsArg("strides", {1, 1})})
          .Op("Conv2D", "c", {"x", "point"}, {"c"})
          .Op("Eltwise", "p4", {"c", "x"}, {"p4"}, {StringArg("type", "SUM")})
          .Op("Activation", "p5", {"x"}, {"p5"}, {StringArg("activation", "SIGMOID")})
          .Op("Concat", "inner", {"p0", "p1"}, {"inner"}, {IntArg("axis", c.axis)})
          .Op("Concat", "joined", {"inner", "p2", "p3", "p4", "p5"}, {"y"},
              {IntArg("axis", c.axis)});
      if (keep) builder.Output("inner", {1}, DT_FLOAT, NHWC);
      for (int p = 0; keep && p < 6; ++p) {
        builder.Output("p" + std::to_string(p), c.input, DT_FLOAT, NHWC);
      }
      return builder.Build();
    };
    for (int threads : {1, 2}) {
      std::vector<float> results[2];
      for (int keep = 0; keep < 2; ++keep) {
        MaceEngineConfig config;
        EXPECT_TRUE(config.SetCPUThreadPolicy(threads, AFFINITY_NONE).ok());
        const auto engine = MakeEngine(build(keep == 1), config);
        ASSERT_NE(engine, nullptr);
        std::map<std::string, MaceTensor> inputs, outputs;
        inputs["x"] = FloatTensor(c.input, RandomNumbers(Shape(c.input).elements(), 7));
        outputs["y"] = EmptyTensor(c.output);
        for (int p = 0; keep == 1 && p < 6; ++p) {
          outputs["p" + std::to_string(p)] = EmptyTensor(c.input);
        }
        if (keep == 1) outputs["inner"] = EmptyTensor(c.output);
        ASSERT_MACE_OK(engine->Run(inputs, &outputs));
        results[keep] = Values(outputs["y"]);
      }
      ASSERT_EQ(results[0], results[1]) << "axis " << c.axis << ", threads " << threads;
    }
  }
}

}  // namespace
}  // namespace test
}  // namespace mace
