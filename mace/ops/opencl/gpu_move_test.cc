// SPDX-License-Identifier: Apache-2.0
// What moves elements, resizes and normalizes, on the GPU against the CPU.
#include "mace/ops/opencl/gpu_test_util.h"

namespace mace {
namespace opencl {
namespace test {
namespace {

using ops::test::OpDefBuilder;
using ops::test::OpsTestNet;

void OneInput(const Shape &shape, OpDefBuilder def) {
  OpsTestNet net;
  net.AddRandomInput("x", shape);
  def.Input("x").Output("y").Finalize(net.NewOperatorDef());
  SCOPED_TRACE(shape.ToString());
  ExpectSameOnGpu(&net, true);
}

// Constants of integers after the input.
void WithIntegers(const Shape &shape, OpDefBuilder def,
                  const std::vector<std::vector<int32_t>> &constants) {
  OpsTestNet net;
  net.AddRandomInput("x", shape);
  def.Input("x");
  for (size_t i = 0; i < constants.size(); ++i) {
    const std::string name = "c" + std::to_string(i);
    net.AddConst<int32_t>(name, {static_cast<int64_t>(constants[i].size())}, constants[i]);
    def.Input(name);
  }
  def.Output("y").Finalize(net.NewOperatorDef());
  SCOPED_TRACE(shape.ToString());
  ExpectSameOnGpu(&net, true);
}

TEST(GpuMove, WrongIndicesAreFound) {
  if (!HasDevice() || !ChecksRanges()) GTEST_SKIP() << "indices are not checked";
  EXPECT_EQ(12u, WrongIndices());
}

TEST(GpuMove, Transpose) {
  OneInput({2, 3, 4, 5}, OpDefBuilder("Transpose").AddIntsArg("dims", {0, 3, 1, 2}));
  OneInput({2, 3, 4, 8}, OpDefBuilder("Transpose").AddIntsArg("dims", {0, 2, 1, 3}));
  OneInput({2, 1, 3, 2, 2, 3}, OpDefBuilder("Transpose"));
  OneInput({7}, OpDefBuilder("Transpose"));
}

TEST(GpuMove, SlicesAndRepetition) {
  WithIntegers({2, 5, 6, 7}, OpDefBuilder("Slice"), {{1, 5}, {4, -100}, {1, 2}, {2, -2}});
  WithIntegers({2, 5, 6, 8}, OpDefBuilder("Slice"), {{4}, {8}, {3}});
  WithIntegers({5, 6},
               OpDefBuilder("StridedSlice")
                   .AddIntArg("end_mask", 2)
                   .AddIntArg("begin_mask", 2)
                   .AddIntArg("shrink_axis_mask", 1),
               {{-2, 3}, {0, 0}, {1, -1}});
  WithIntegers({2, 3, 5}, OpDefBuilder("Tile"), {{2, 1, 3}});
  WithIntegers({3, 1, 5}, OpDefBuilder("Expand"), {{2, 3, 4, 5}});
  OneInput({2, 5, 6, 7}, OpDefBuilder("Crop")
                             .AddIntsArg("offset", {-1, 1, 2, -1})
                             .AddIntsArg("size", {-1, 3, -1, -1}));
  OneInput({2, 3, 5}, OpDefBuilder("Reverse").AddIntsArg("axis", {0, -1}));
}

TEST(GpuMove, Gather) {
  for (int64_t channels : {8, 5}) {
    for (int64_t axis : {0, 1, -2, 3}) {
      WithIntegers({2, 3, 5, channels}, OpDefBuilder("Gather").AddIntArg("axis", axis),
                   {{1, -1, 0, 1, -2}});
    }
  }
  WithIntegers({7}, OpDefBuilder("Gather"), {{6, -7, 3}});
  WithIntegers({2, 1, 2, 3, 2, 4}, OpDefBuilder("Gather").AddIntArg("axis", 3), {{2, 0}});
  OpsTestNet net;  // one index drops the axis
  net.AddRandomInput("x", {3, 4, 6});
  net.AddConst<int64_t>("i", {}, {-1});
  OpDefBuilder("Gather").Input("x").Input("i").Output("y").AddIntArg("axis", 1).Finalize(
      net.NewOperatorDef());
  ExpectSameOnGpu(&net, true);
}

TEST(GpuMove, StackAndUnstack) {
  for (const Shape &shape : {Shape{2, 3, 4, 5}, Shape{3, 4, 8}, Shape{7}, Shape{2, 1, 3, 2, 5}}) {
    for (int64_t axis = -1; axis <= shape.rank(); ++axis) {
      SCOPED_TRACE(shape.ToString() + " " + std::to_string(axis));
      OpsTestNet net;
      OpDefBuilder stack("Stack");
      for (const char *name : {"a", "b", "c"}) {
        net.AddRandomInput(name, shape);
        stack.Input(name);
      }
      stack.Output("y").AddIntArg("axis", axis).Finalize(net.NewOperatorDef());
      ExpectSameOnGpu(&net, true);
      if (axis == shape.rank()) continue;
      OpsTestNet apart;
      apart.AddRandomInput("x", shape);
      OpDefBuilder unstack("Unstack");
      unstack.Input("x").AddIntArg("axis", axis);
      const int64_t count = shape[static_cast<int>(axis < 0 ? axis + shape.rank() : axis)];
      for (int64_t i = 0; i < count; ++i) unstack.Output("y" + std::to_string(i));
      unstack.Finalize(apart.NewOperatorDef());
      ExpectSameOnGpu(&apart, true);
    }
  }
}

TEST(GpuMove, SqrDiffMean) {
  struct Case {
    Shape in, centre;
    std::vector<int64_t> axis;
  };
  for (const Case &c :
       {Case{{2, 4, 5, 6}, {2, 1, 1, 6}, {1, 2}}, Case{{2, 4, 5, 8}, {2, 4, 5, 1}, {-1}},
        Case{{2, 4, 5, 7}, {2, 1, 1, 1}, {1, 2, 3}}, Case{{3, 5, 6}, {1, 5, 6}, {0}},
        Case{{4, 9}, {1, 1}, {}}, Case{{2, 70, 3, 5}, {2, 1, 3, 5}, {1}}}) {
    for (int64_t keep : {0, 1}) {
      SCOPED_TRACE(c.in.ToString());
      OpsTestNet net;
      net.AddRandomInput("x", c.in);
      net.AddRandomInput("m", c.centre);
      OpDefBuilder("SqrDiffMean")
          .Input("x")
          .Input("m")
          .Output("y")
          .AddIntsArg("axis", c.axis)
          .AddIntArg("keepdims", keep)
          .Finalize(net.NewOperatorDef());
      ExpectSameOnGpu(&net, true);
    }
  }
}

TEST(GpuMove, Blocks) {
  OneInput({2, 3, 4, 12}, OpDefBuilder("DepthToSpace").AddIntArg("block_size", 2));
  OneInput({1, 3, 4, 16},
           OpDefBuilder("DepthToSpace").AddIntArg("block_size", 2).AddStringArg("mode", "CRD"));
  OneInput({2, 4, 6, 5}, OpDefBuilder("SpaceToDepth").AddIntArg("block_size", 2));
  OneInput({1, 4, 6, 12}, OpDefBuilder("ChannelShuffle").AddIntArg("group", 3));
  OneInput({2, 4, 6, 4}, OpDefBuilder("SpaceToBatchND")
                             .AddIntsArg("block_shape", {2, 3})
                             .AddIntsArg("paddings", {0, 0, 0, 0}));
  OneInput({12, 2, 3, 4}, OpDefBuilder("BatchToSpaceND")
                              .AddIntsArg("block_shape", {2, 3})
                              .AddIntsArg("crops", {0, 2, 3, 0}));
}

TEST(GpuMove, BlocksThatPaddingAndCropsCutApart) {
  for (int64_t channels : {4, 3}) {
    OneInput({2, 5, 4, channels}, OpDefBuilder("SpaceToBatchND")
                                      .AddIntsArg("block_shape", {2, 3})
                                      .AddIntsArg("paddings", {1, 2, 2, 0}));
    OneInput({12, 2, 3, channels}, OpDefBuilder("BatchToSpaceND")
                                       .AddIntsArg("block_shape", {2, 3})
                                       .AddIntsArg("crops", {1, 2, 0, 2}));
  }
}

TEST(GpuMove, Pad) {
  for (const char *mode : {"CONSTANT", "REFLECT", "SYMMETRIC", "EDGE", "WRAP"}) {
    OneInput({2, 4, 3, 5}, OpDefBuilder("Pad")
                               .AddStringArg("mode", mode)
                               .AddIntsArg("paddings", {0, 0, 2, 1, 1, 2, 0, 3})
                               .AddFloatArg("constant_value", 7));
  }
  OneInput({4, 6}, OpDefBuilder("Pad").AddIntsArg("paddings", {-1, 0, 2, -3}));
}

TEST(GpuMove, Resize) {
  for (const char *mode : {"NEAREST", "BILINEAR", "BICUBIC", "AREA"}) {
    SCOPED_TRACE(mode);
    for (const auto &size : std::vector<std::vector<int64_t>>{{9, 11}, {3, 4}}) {
      OneInput({2, 5, 6, 6},
               OpDefBuilder("Resize").AddStringArg("mode", mode).AddIntsArg("size", size));
    }
  }
  OneInput({1, 5, 6, 8}, OpDefBuilder("Resize")
                             .AddStringArg("mode", "BILINEAR")
                             .AddStringArg("coordinates", "ALIGN_CORNERS")
                             .AddIntsArg("size", {10, 7}));
}

TEST(GpuMove, Deconv2D) {
  struct Case {
    Shape in, filter;
    int64_t stride, group;
    const char *padding;
  };
  for (const Case &c : {Case{{2, 4, 5, 6}, {7, 3, 3, 6}, 2, 1, "SAME"},
                        Case{{1, 4, 5, 8}, {8, 2, 2, 4}, 2, 2, "VALID"},
                        Case{{1, 4, 5, 6}, {6, 4, 4, 1}, 2, 6, "SAME"},
                        Case{{1, 3, 4, 9}, {6, 3, 3, 3}, 2, 3, "SAME"},
                        Case{{1, 3, 3, 12}, {4, 3, 3, 12}, 1, 1, "SAME"}}) {
    OpsTestNet net;
    net.AddRandomInput("x", c.in);
    net.AddRandomConst("f", c.filter);
    net.AddRandomConst("b", {c.filter[0]});
    OpDefBuilder("Deconv2D")
        .Input("x")
        .Input("f")
        .Input("b")
        .Output("y")
        .AddIntsArg("strides", {c.stride, c.stride})
        .AddIntArg("group", c.group)
        .AddStringArg("padding", c.padding)
        .AddStringArg("activation", "RELU")
        .Finalize(net.NewOperatorDef());
    SCOPED_TRACE(c.in.ToString());
    ExpectSameOnGpu(&net);
  }
}

TEST(GpuMove, Norms) {
  for (int64_t radius : {0, 2, 5, 20}) {
    OneInput({2, 3, 2, 18}, OpDefBuilder("LocalResponseNorm")
                                .AddIntArg("depth_radius", radius)
                                .AddFloatArg("alpha", 0.5f)
                                .AddFloatArg("beta", 0.75f));
  }
  for (int64_t axis : {-1, 2, 1}) {
    OpsTestNet net;
    const Shape in({2, 3, 5, 6});
    net.AddRandomInput("x", in);
    const Shape part(std::vector<int64_t>(in.begin() + (axis < 0 ? 3 : axis), in.end()));
    net.AddRandomConst("s", part);
    net.AddRandomConst("o", part);
    OpDefBuilder("LayerNorm")
        .Input("x")
        .Input("s")
        .Input("o")
        .Output("y")
        .AddIntArg("axis", axis)
        .Finalize(net.NewOperatorDef());
    SCOPED_TRACE(axis);
    ExpectSameOnGpu(&net);
  }
  OneInput({2, 3, 7}, OpDefBuilder("LayerNorm"));
  for (bool across : {false, true}) {
    OpsTestNet net;
    net.AddRandomInput("x", {2, 3, 2, 6});
    net.AddRandomConst("s", {across ? 1 : 6});
    OpDefBuilder("Normalize")
        .Input("x")
        .Input("s")
        .Output("y")
        .AddIntArg("across_spatial", across)
        .Finalize(net.NewOperatorDef());
    ExpectSameOnGpu(&net);
  }
}

TEST(GpuMove, GroupNorm) {
  struct Case {
    Shape in;
    int64_t groups;
    bool scale, offset;
  };
  for (const Case &c : {Case{{2, 5, 3, 8}, 0, true, true}, Case{{1, 4, 4, 6}, 3, true, false},
                        Case{{2, 3, 3, 7}, 1, false, false}, Case{{2, 9, 12}, 4, false, true},
                        Case{{3, 10}, 5, true, true}, Case{{2, 2, 3, 2, 20}, 2, true, true}}) {
    OpsTestNet net;
    net.AddRandomInput("x", c.in, 1, 3);
    OpDefBuilder def = OpDefBuilder("GroupNorm").Input("x");
    const int64_t channels = c.in[c.in.rank() - 1];
    net.AddRandomConst("s", {channels});
    net.AddRandomConst("o", {1, channels});
    def.Input(c.scale ? "s" : "").Input(c.offset ? "o" : "").Output("y");
    def.AddIntArg("groups", c.groups).Finalize(net.NewOperatorDef());
    SCOPED_TRACE(c.in.ToString());
    ExpectSameOnGpu(&net);
  }
}

TEST(GpuMove, ArgMax) {
  const Shape in = {2, 5, 3, 10};
  for (int64_t axis : {0, 1, 2, 3, -1}) {
    OpsTestNet net;
    // Halves that differ, and some that are equal: the first of them wins.
    std::vector<float> values;
    for (int64_t i = 0; i < in.elements(); ++i) values.push_back(static_cast<float>(i * 37 % 101));
    if (axis == 1) values[40] = NAN;
    net.AddInput<float>("x", in, values);
    OpDefBuilder("ArgMax")
        .Input("x")
        .Output("y")
        .AddIntArg("axis", axis)
        .AddIntArg("argmin", axis == 1 || axis == 3)
        .AddIntArg("keepdims", axis > 1)
        .AddIntArg("output_type", axis == 2 ? DT_INT64 : DT_INT32)
        .Finalize(net.NewOperatorDef());
    SCOPED_TRACE(axis);
    ExpectSameOnGpu(&net, axis > 0);
  }
  OneInput({1500, 3}, OpDefBuilder("ArgMax"));
  OneInput({1000}, OpDefBuilder("ArgMax"));
}

TEST(GpuMove, Lstm) {
  struct Case {
    const char *direction;
    bool bias, state, peepholes, input_forget;
  };
  for (const Case &c :
       {Case{"FORWARD", true, true, false, false}, Case{"REVERSE", true, false, true, false},
        Case{"BIDIRECTIONAL", false, true, true, true}}) {
    const int64_t d = c.direction[0] == 'B' ? 2 : 1, steps = 4, batch = 2, inputs = 5, hidden = 7;
    OpsTestNet net;
    net.AddRandomInput("x", {steps, batch, inputs});
    net.AddRandomConst("w", {d, 4 * hidden, inputs});
    net.AddRandomConst("r", {d, 4 * hidden, hidden});
    net.AddRandomConst("b", {d, 8 * hidden});
    net.AddRandomInput("h", {d, batch, hidden});
    net.AddRandomInput("c", {d, batch, hidden});
    net.AddRandomConst("p", {d, 3 * hidden});
    OpDefBuilder def = OpDefBuilder("LSTM").Input("x").Input("w").Input("r");
    def.Input(c.bias ? "b" : "").Input("").Input(c.state ? "h" : "").Input(c.state ? "c" : "");
    def.Input(c.peepholes ? "p" : "");
    for (int i = 0; i < 3; ++i) def.Output("y" + std::to_string(i));
    def.AddStringArg("direction", c.direction).AddIntArg("input_forget", c.input_forget);
    def.Finalize(net.NewOperatorDef());
    SCOPED_TRACE(c.direction);
    ExpectSameOnGpu(&net);
  }
}

}  // namespace
}  // namespace test
}  // namespace opencl
}  // namespace mace
