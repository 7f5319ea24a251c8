// SPDX-License-Identifier: Apache-2.0
// Operators on the GPU against the CPU: images and buffers, float and half, odd sizes.
#include "mace/ops/opencl/gpu_test_util.h"
#include "mace/ops/opencl/operators.h"

namespace mace {
namespace opencl {
namespace test {
namespace {

using ops::test::OpDefBuilder;
using ops::test::OpsTestNet;

OpDefBuilder Conv(const char *type, const char *padding, std::vector<int64_t> strides,
                  std::vector<int64_t> dilations = {1, 1}) {
  return OpDefBuilder(type)
      .Input("x")
      .Input("filter")
      .Input("bias")
      .Output("y")
      .AddStringArg("padding", padding)
      .AddIntsArg("strides", strides)
      .AddIntsArg("dilations", dilations);
}

void FillConv(OpsTestNet *net, const OpDefBuilder &def, const Shape &in, const Shape &filter,
              int64_t bias) {
  net->AddRandomInput("x", in);
  net->AddRandomConst("filter", filter);
  net->AddRandomConst("bias", {bias});
  def.Finalize(net->NewOperatorDef());
}

struct ConvCase {
  Shape in, filter;
  std::vector<int64_t> strides, dilations;
  const char *padding;
  int64_t group;
  const char *activation;
};

std::vector<ConvCase> ConvCases() {
  return {
      {{1, 9, 7, 3}, {8, 3, 3, 3}, {2, 2}, {1, 1}, "SAME", 1, "RELUX"},
      {{2, 5, 6, 20}, {36, 1, 1, 20}, {1, 1}, {1, 1}, "VALID", 1, "RELU"},
      {{1, 4, 3, 33}, {5, 1, 1, 33}, {1, 1}, {1, 1}, "VALID", 1, "NOOP"},
      {{2, 8, 5, 16}, {20, 3, 3, 16}, {1, 1}, {1, 1}, "SAME", 1, "NOOP"},
      {{1, 7, 9, 6}, {7, 5, 3, 6}, {2, 1}, {1, 2}, "SAME", 1, "LEAKYRELU"},
      {{1, 6, 6, 16}, {24, 3, 3, 8}, {1, 1}, {1, 1}, "SAME", 2, "HARDSWISH"},
      {{1, 1, 1, 64}, {10, 1, 1, 64}, {1, 1}, {1, 1}, "VALID", 1, "NOOP"},
      {{1, 5, 5, 12}, {8, 1, 1, 12}, {2, 2}, {1, 1}, "VALID", 1, "SIGMOID"},
      {{2, 5, 6, 12}, {8, 3, 3, 6}, {1, 1}, {1, 1}, "SAME", 2, "NOOP"},
      {{1, 4, 5, 9}, {15, 1, 1, 3}, {1, 1}, {1, 1}, "VALID", 3, "RELU"},
      {{1, 4, 5, 28}, {10, 3, 1, 14}, {2, 1}, {1, 1}, "SAME", 2, "NOOP"},
      {{1, 3, 4, 10}, {30, 1, 1, 2}, {1, 1}, {1, 1}, "VALID", 5, "NOOP"},
  };
}

TEST(GpuOps, Conv2D) {
  for (const ConvCase &c : ConvCases()) {
    OpsTestNet net;
    OpDefBuilder def = Conv("Conv2D", c.padding, c.strides, c.dilations);
    def.AddIntArg("group", c.group)
        .AddStringArg("activation", c.activation)
        .AddFloatArg("max_limit", 0.7f)
        .AddFloatArg("activation_coefficient", 0.1f);
    FillConv(&net, def, c.in, c.filter, c.filter[0]);
    SCOPED_TRACE(c.in.ToString() + c.filter.ToString());
    ExpectSameOnGpu(&net);
  }
}

TEST(GpuOps, Conv2DVariants) {
  if (!HasDevice()) GTEST_SKIP();
  std::vector<ConvCase> cases = ConvCases();
  cases.resize(8);  // compiling takes the time; the rest are groups, which few variants take
  int count = 0;
  for (size_t i = 0; i < cases.size(); ++i) {
    const ConvCase &c = cases[i];
    OpsTestNet net;
    OpDefBuilder def = Conv("Conv2D", c.padding, c.strides, c.dilations);
    def.AddIntArg("group", c.group);
    FillConv(&net, def, c.in, c.filter, c.filter[0]);
    SCOPED_TRACE(c.in.ToString() + c.filter.ToString());
    ASSERT_TRUE(ops::test::Succeeds(net.RunOp()));
    for (const auto &[memory, half] :
         {std::pair{MemoryKind::kBuffer, false}, std::pair{MemoryKind::kBuffer, true},
          std::pair{MemoryKind::kImage, false}, std::pair{MemoryKind::kImage, true}}) {
      const TestContext setup(net, *net.NewOperatorDef(), {memory, half, GpuFamily::kNvidia});
      const std::vector<std::string> variants = VariantsOfConv2D(setup.context);
      EXPECT_GE(variants.size(), half ? 1u : 3u);
      // Each variant with some of the cases: compiling takes the time.
      for (size_t v = 0; v < variants.size(); ++v) {
        if ((v + i) % (half ? 13 : 9) != 0) continue;
        ++count;
        ExpectSameOnGpu(net, *net.NewOperatorDef(),
                        {memory, half, GpuFamily::kNvidia, variants[v], v % 2 == 1,
                         half && HasHalfArithmetic()});
      }
    }
  }
  // Devices differ in their variants.
  EXPECT_GT(count, 20);
}

// Also of kernels that only some devices run: a work-group must know that there are parts.
TEST(GpuOps, MatrixUnitsKnowOfParts) {
  OpsTestNet net;
  FillConv(&net, Conv("Conv2D", "VALID", {1, 1}, {1, 1}), {2, 5, 6, 16}, {32, 1, 1, 16}, 32);
  ASSERT_TRUE(ops::test::Succeeds(net.RunOp()));
  GpuCapabilities device = TestDevice(GpuFamily::kNvidia);
  device.matrix_halves = true;
  for (const MemoryKind memory : {MemoryKind::kBuffer, MemoryKind::kImage}) {
    TestContext setup(net, *net.NewOperatorDef(),
                      {memory, true, GpuFamily::kNvidia, "mma_mt1_nw1_ks1", true});
    setup.context.device = &device;
    GpuStep step;
    ASSERT_TRUE(ops::test::Succeeds(FindGpuOperator("Conv2D")->build(setup.context, &step)));
    ASSERT_EQ(1u, step.launches.size());
    EXPECT_EQ("conv_mma", step.launches[0].kernel);
    EXPECT_EQ(
        1, std::count(step.launches[0].defines.begin(), step.launches[0].defines.end(), "PARTS=1"));
  }
}

TEST(GpuOps, DepthwiseConv2d) {
  const ConvCase cases[] = {
      {{1, 9, 7, 8}, {1, 3, 3, 8}, {1, 1}, {1, 1}, "SAME", 1, "RELU"},
      {{2, 8, 9, 5}, {1, 3, 3, 5}, {2, 2}, {1, 1}, "SAME", 1, "RELUX"},
      {{1, 9, 9, 12}, {1, 5, 3, 12}, {1, 2}, {2, 1}, "VALID", 1, "NOOP"},
      {{2, 5, 6, 3}, {1, 3, 3, 6}, {1, 1}, {1, 1}, "SAME", 1, "NOOP"},
  };
  for (const ConvCase &c : cases) {
    OpsTestNet net;
    OpDefBuilder def = Conv("DepthwiseConv2d", c.padding, c.strides, c.dilations);
    def.AddStringArg("activation", c.activation).AddFloatArg("max_limit", 0.7f);
    FillConv(&net, def, c.in, c.filter, c.filter[3]);
    SCOPED_TRACE(c.in.ToString() + c.filter.ToString());
    ExpectSameOnGpu(&net);
    if (!HasDevice()) continue;
    for (const char *variant : {"tw1", "tw2", "tw4"}) {
      for (const MemoryKind memory : {MemoryKind::kBuffer, MemoryKind::kImage}) {
        ExpectSameOnGpu(net, *net.NewOperatorDef(), {memory, false, GpuFamily::kUnknown, variant});
      }
    }
  }
}

void OneInput(const Shape &shape, OpDefBuilder def, bool few = false) {
  OpsTestNet net;
  net.AddRandomInput("x", shape);
  def.Input("x").Output("y").Finalize(net.NewOperatorDef());
  SCOPED_TRACE(shape.ToString());
  ExpectSameOnGpu(&net, few);
}

TEST(GpuOps, Pooling) {
  for (const char *type : {"MAX", "AVG"}) {
    for (int count = 0; count < 3; ++count) {
      const OpDefBuilder pool = OpDefBuilder("Pooling")
                                    .AddStringArg("pooling_type", type)
                                    .AddIntArg("count_include_pad", count == 1)
                                    .AddIntArg("count_all", count == 2);
      OneInput({2, 8, 7, 6}, OpDefBuilder(pool)
                                 .AddIntsArg("kernels", {3, 2})
                                 .AddIntsArg("strides", {2, 1})
                                 .AddStringArg("padding", "SAME"));
      OneInput({1, 8, 7, 8}, OpDefBuilder(pool)
                                 .AddIntsArg("kernels", {3, 3})
                                 .AddIntsArg("strides", {2, 2})
                                 .AddStringArg("padding", "EXPLICIT")
                                 .AddIntsArg("paddings", {1, 0, 0, 1})
                                 .AddStringArg("round_mode", "CEIL"));
      if (count == 0) OneInput({2, 7, 7, 10}, OpDefBuilder(pool).AddIntsArg("kernels", {7, 7}));
    }
  }
}

TEST(GpuOps, Activation) {
  for (const char *kind :
       {"NOOP", "RELU", "RELUX", "TANH", "SIGMOID", "LEAKYRELU", "HARDSIGMOID", "HARDSWISH", "ELU",
        "SILU", "SOFTPLUS", "GELU", "MISH", "SELU", "GELU_TANH"}) {
    OneInput({2, 3, 5, 6},
             OpDefBuilder("Activation")
                 .AddStringArg("activation", kind)
                 .AddFloatArg("max_limit", 0.5f)
                 .AddFloatArg("activation_coefficient", 0.3f)
                 .AddFloatArg("activation_offset", 0.4f),
             true);
  }
  for (int64_t slopes : {1, 6}) {
    OpsTestNet net;
    net.AddRandomInput("x", {2, 3, 5, 6});
    net.AddRandomConst("slope", {slopes});
    OpDefBuilder("Activation")
        .Input("x")
        .Input("slope")
        .Output("y")
        .AddStringArg("activation", "PRELU")
        .Finalize(net.NewOperatorDef());
    ExpectSameOnGpu(&net);
  }
}

TEST(GpuOps, BatchNorm) {
  for (bool statistics : {true, false}) {
    OpsTestNet net;
    net.AddRandomInput("x", {2, 3, 5, 7});
    OpDefBuilder def = OpDefBuilder("BatchNorm").Input("x");
    for (const char *name : {"scale", "offset", "mean", "var"}) {
      if (!statistics && name[0] != 's' && name[0] != 'o') continue;
      net.AddRandomConst(name, {7}, 0.5f, 1.5f);
      def.Input(name);
    }
    def.Output("y").AddStringArg("activation", "RELU").Finalize(net.NewOperatorDef());
    ExpectSameOnGpu(&net);
  }
}

TEST(GpuOps, Unary) {
  for (const char *type :
       {"NEG",  "ABS",   "SQRT", "RSQRT", "SQUARE", "RECIPROCAL", "EXP",  "LOG",  "FLOOR",
        "CEIL", "ROUND", "SIGN", "ERF",   "SIN",    "COS",        "TAN",  "ASIN", "ACOS",
        "ATAN", "SINH",  "COSH", "ASINH", "ATANH",  "EXPM1",      "LOG1P"}) {
    OpsTestNet net;
    net.AddRandomInput("x", {1, 2, 3, 5}, 0.1f, 0.9f);
    OpDefBuilder("Unary")
        .Input("x")
        .Output("y")
        .AddStringArg("type", type)
        .Finalize(net.NewOperatorDef());
    ExpectSameOnGpu(&net, true);
  }
}

TEST(GpuOps, Eltwise) {
  const Shape pairs[][2] = {{{2, 3, 5, 8}, {2, 3, 5, 8}},
                            {{2, 3, 5, 6}, {6}},
                            {{2, 3, 5, 6}, {1, 1, 1, 6}},
                            {{2, 1, 1, 8}, {2, 3, 5, 8}},
                            {{2, 3, 5, 7}, {2, 3, 5, 1}},
                            {{2, 3, 4, 4}, {4, 4}},
                            {{2, 3, 5, 6}, {1}},
                            {{1, 3, 1, 6}, {2, 1, 5, 1}},
                            {{4}, {3, 1}},
                            {{2, 2, 3, 2, 4}, {3, 1, 4}},
                            {{2, 1, 3, 1, 2, 1}, {1, 2, 1, 3, 1, 5}},
                            {{3, 1, 2, 1, 3}, {2, 2, 1}}};
  for (const auto &pair : pairs) {
    OpsTestNet net;
    net.AddRandomInput("a", pair[0]);
    net.AddRandomInput("b", pair[1]);
    OpDefBuilder("Eltwise")
        .Input("a")
        .Input("b")
        .Output("y")
        .AddStringArg("type", "SUB")
        .AddStringArg("activation", "TANH")
        .Finalize(net.NewOperatorDef());
    SCOPED_TRACE(pair[0].ToString() + pair[1].ToString());
    ExpectSameOnGpu(&net);
  }
  for (const char *type :
       {"SUM", "PROD", "DIV", "MIN", "MAX", "POW", "SQR_DIFF", "FLOOR_DIV", "MOD", "ATAN2"}) {
    OpsTestNet net;
    // Quotients far from whole numbers: half storage must not change them.
    net.AddInput<float>("a", {1, 1, 2, 6},
                        {.25f, .5f, 1.25f, 2, 3.5f, 4.75f, 5, 6.5f, 7, 8, 9.25f, 1});
    net.AddInput<float>("b", {6}, {2, 3, 1.5f, 0.75f, 1, 2.5f});
    OpDefBuilder def = OpDefBuilder("Eltwise").Input("a").Input("b").Output("y");
    def.AddStringArg("type", type);
    if (std::string(type) == "SUM") def.AddFloatsArg("coeff", {0.5f, -2});
    def.Finalize(net.NewOperatorDef());
    SCOPED_TRACE(type);
    ExpectSameOnGpu(&net, true);
  }
}

TEST(GpuOps, Softmax) {
  for (int64_t axis : {0, 1, 2, 3}) {
    for (bool log : {false, true}) {
      OneInput({2, 3, 5, 10},
               OpDefBuilder("Softmax").AddIntArg("axis", axis).AddIntArg("log", log));
    }
  }
  OneInput({2, 1001}, OpDefBuilder("Softmax"));
  OneInput({2, 10, 1, 1}, OpDefBuilder("Softmax").AddIntArg("axis", 1));
  OneInput({2, 3, 2, 6}, OpDefBuilder("Softmax").AddIntArg("axis", 1).AddIntArg("flatten", 1));
}

TEST(GpuOps, Reduce) {
  const std::vector<std::vector<int64_t>> axes = {{1, 2},    {3}, {-1, 2}, {0},    {},
                                                  {1, 2, 3}, {1}, {0, 2},  {1, 3}, {0, 1, 3}};
  for (const auto &axis : axes) {
    for (bool keep : {false, true}) {
      OneInput({2, 5, 3, 10}, OpDefBuilder("Reduce")
                                  .AddStringArg("reduce_type", "MEAN")
                                  .AddIntsArg("axis", axis)
                                  .AddIntArg("keepdims", keep));
    }
  }
  for (const char *type : {"SUM", "MIN", "MAX", "PROD", "SUM_SQUARE", "L1", "L2"}) {
    OneInput({2, 4, 3, 6},
             OpDefBuilder("Reduce").AddStringArg("reduce_type", type).AddIntsArg("axis", {1, 2}));
    OneInput({2, 4, 3, 6},
             OpDefBuilder("Reduce").AddStringArg("reduce_type", type).AddIntsArg("axis", {3}));
  }
}

TEST(GpuOps, FullyConnected) {
  struct Case {
    Shape in;
    int64_t axis, out;
  };
  for (const Case &c : {Case{{1, 1, 1, 40}, 1, 10}, Case{{3, 2, 3, 5}, 1, 9},
                        Case{{2, 3, 12}, -1, 8}, Case{{5, 7}, 1, 6}, Case{{2, 2, 3, 8}, 2, 4}}) {
    OpsTestNet net;
    net.AddRandomInput("x", c.in);
    const int64_t axis = c.axis < 0 ? c.in.rank() + c.axis : c.axis;
    net.AddRandomConst("w", {c.out, c.in.elements(static_cast<int>(axis), c.in.rank())});
    net.AddRandomConst("b", {c.out});
    OpDefBuilder("FullyConnected")
        .Input("x")
        .Input("w")
        .Input("b")
        .Output("y")
        .AddIntArg("axis", c.axis)
        .AddStringArg("activation", "RELU")
        .Finalize(net.NewOperatorDef());
    SCOPED_TRACE(c.in.ToString());
    ExpectSameOnGpu(&net);
  }
}

TEST(GpuOps, MatMul) {
  struct Case {
    Shape a, b;
    bool ta, tb, constant;
  };
  for (const Case &c :
       {Case{{5, 7}, {7, 9}, false, false, true}, Case{{2, 5, 8}, {12, 8}, false, true, true},
        Case{{37, 20}, {20, 45}, false, false, false},
        Case{{3, 20, 6}, {3, 8, 20}, true, true, false},
        Case{{2, 2, 6, 5}, {1, 1, 5, 7}, false, false, false},
        Case{{6, 5}, {3, 5, 7}, false, false, false}}) {
    OpsTestNet net;
    net.AddRandomInput("a", c.a);
    if (c.constant) {
      net.AddRandomConst("b", c.b);
    } else {
      net.AddRandomInput("b", c.b);
    }
    OpDefBuilder("MatMul")
        .Input("a")
        .Input("b")
        .Output("y")
        .AddIntArg("transpose_a", c.ta)
        .AddIntArg("transpose_b", c.tb)
        .Finalize(net.NewOperatorDef());
    SCOPED_TRACE(c.a.ToString() + c.b.ToString());
    ExpectSameOnGpu(&net);
  }
}

TEST(GpuOps, Reshape) {
  OneInput({2, 3, 4, 5}, OpDefBuilder("Reshape").AddIntsArg("shape", {6, -1}));
  OneInput({2, 1, 1, 5}, OpDefBuilder("Reshape").AddIntsArg("shape", {2, 5}));
  OneInput({2, 3, 4, 5}, OpDefBuilder("Flatten"));
  OneInput({2, 1, 1, 5}, OpDefBuilder("Squeeze"));
  OneInput({2, 5}, OpDefBuilder("Unsqueeze").AddIntsArg("axis", {1, 2}));
  OneInput({2, 3, 4, 5}, OpDefBuilder("Identity"));
}

TEST(GpuOps, ConcatAndSplit) {
  const Shape parts[] = {{2, 3, 5, 8}, {2, 3, 5, 4}, {2, 3, 5, 6}};
  for (int64_t axis : {0, 1, 2, 3}) {
    OpsTestNet net;
    OpDefBuilder def = OpDefBuilder("Concat");
    for (int i = 0; i < 3; ++i) {
      std::vector<int64_t> dims = {2, 3, 5, 8};
      dims[static_cast<size_t>(axis)] = parts[i][3] / 2 * (axis == 3 ? 2 : 1);
      net.AddRandomInput("x" + std::to_string(i), Shape(dims));
      def.Input("x" + std::to_string(i));
    }
    def.Output("y").AddIntArg("axis", axis).Finalize(net.NewOperatorDef());
    SCOPED_TRACE(axis);
    ExpectSameOnGpu(&net);
  }
  for (const auto &[axis, sizes] : std::vector<std::pair<int64_t, std::vector<int64_t>>>{
           {3, {8, 4, 6}}, {3, {5, 13}}, {1, {2, 1}}, {0, {1, 1}}, {2, {1, 4}}}) {
    OpsTestNet net;
    net.AddRandomInput("x", {2, 3, 5, 18});
    OpDefBuilder def =
        OpDefBuilder("Split").Input("x").AddIntArg("axis", axis).AddIntsArg("sizes", sizes);
    for (size_t i = 0; i < sizes.size(); ++i) def.Output("y" + std::to_string(i));
    def.Finalize(net.NewOperatorDef());
    SCOPED_TRACE(axis);
    ExpectSameOnGpu(&net);
  }
}

}  // namespace
}  // namespace test
}  // namespace opencl
}  // namespace mace
