// SPDX-License-Identifier: Apache-2.0
// What becomes of a model that asks for float16 arithmetic.
#include "mace/core/half_arithmetic.h"

#include <gtest/gtest.h>

#include <memory>

#include "mace/core/model_builder.h"

namespace mace {
namespace {

std::unique_ptr<Operation> NoOperation(OpConstructContext *) { return nullptr; }

class HalfArithmeticTest : public ::testing::Test {
 protected:
  HalfArithmeticTest() {
    for (const char *type : {"Cast", "Conv2D", "DepthwiseConv2d", "Eltwise", "Concat"}) {
      registry_.Register(type, DeviceType::CPU, DT_FLOAT, NoOperation);
      registry_.Register(type, DeviceType::CPU, DT_HALF, NoOperation);
    }
    for (const char *type : {"FullyConnected", "Softmax"}) {
      registry_.Register(type, DeviceType::CPU, DT_FLOAT, NoOperation);
    }
  }

  // Each operator as "type(inputs)->outputs", with '*' at float16 tensors.
  std::vector<std::string> Rewrite(ModelBuilder *builder) {
    NetDef net = *builder->net();
    for (OperatorDef &op : net.op) op.output_shape.assign(op.output.size(), {1, 4, 4, 8});
    UseHalfArithmetic(registry_, &net);
    std::vector<std::string> lines;
    for (const OperatorDef &op : net.op) {
      std::string line = op.type + "(";
      for (const std::string &input : op.input) line += (line.back() == '(' ? "" : ",") + input;
      line += ")->" + op.output[0];
      lines.push_back(line);
    }
    return lines;
  }

  OpRegistryBase registry_;
};

ModelBuilder Begin() {
  ModelBuilder builder;
  builder.Input("x", {1, 4, 4, 8})
      .Output("y", {1, 4, 4, 8})
      .Constant<float>("w", {8, 1, 1, 8}, std::vector<float>(64, 1))
      .Constant<float>("d", {1, 1, 1, 8}, std::vector<float>(8, 1));
  return builder;
}

using Lines = std::vector<std::string>;

TEST_F(HalfArithmeticTest, CastsAtBordersAlone) {
  ModelBuilder builder = Begin();
  builder.Op("Conv2D", "a", {"x", "w"}, {"p"})
      .Op("DepthwiseConv2d", "b", {"p", "d"}, {"q"})
      .Op("Softmax", "c", {"q"}, {"y"});
  EXPECT_EQ(Rewrite(&builder),
            (Lines{"Cast(x)->x:half", "Conv2D(x:half,w)->p:half",
                   "DepthwiseConv2d(p:half,d)->q:half", "Cast(q:half)->q", "Softmax(q)->y"}));
}

TEST_F(HalfArithmeticTest, OutputsStayFloat32) {
  ModelBuilder builder = Begin();
  builder.Op("Conv2D", "a", {"x", "w"}, {"y"});
  EXPECT_EQ(Rewrite(&builder),
            (Lines{"Cast(x)->x:half", "Conv2D(x:half,w)->y:half", "Cast(y:half)->y"}));
}

TEST_F(HalfArithmeticTest, SumsAfterAConvolution) {
  ModelBuilder builder = Begin();
  builder.Op("Conv2D", "a", {"x", "w"}, {"p"})
      .Op("Conv2D", "b", {"p", "w"}, {"q"})
      .Op("Eltwise", "c", {"p", "q"}, {"y"}, {StringArg("type", "SUM")});
  EXPECT_EQ(Rewrite(&builder)[3], "Eltwise(p:half,q:half)->y:half");
  // The input is no result of float16 arithmetic, and one that a function follows is no sum.
  ModelBuilder other = Begin();
  other.Op("Conv2D", "a", {"x", "w"}, {"p"})
      .Op("Conv2D", "b", {"p", "w"}, {"q"}, {StringArg("activation", "RELU")})
      .Op("Eltwise", "c", {"p", "q"}, {"y"}, {StringArg("type", "SUM")});
  EXPECT_EQ(Rewrite(&other),
            (Lines{"Cast(x)->x:half", "Conv2D(x:half,w)->p:half", "Conv2D(p:half,w)->q:half",
                   "Cast(p:half)->p", "Cast(q:half)->q", "Eltwise(p,q)->y"}));
}

TEST_F(HalfArithmeticTest, MoversFollowTheirInputs) {
  ModelBuilder builder = Begin();
  builder.Op("Conv2D", "a", {"x", "w"}, {"p"})
      .Op("Conv2D", "b", {"x", "w"}, {"q"})
      .Op("Concat", "c", {"p", "q"}, {"r"})
      .Op("Concat", "d", {"r", "x"}, {"y"});
  EXPECT_EQ(Rewrite(&builder),
            (Lines{"Cast(x)->x:half", "Conv2D(x:half,w)->p:half", "Conv2D(x:half,w)->q:half",
                   "Concat(p:half,q:half)->r:half", "Cast(r:half)->r", "Concat(r,x)->y"}));
}

TEST_F(HalfArithmeticTest, ProductsOfPixelsAreConvolutions) {
  const auto begin = [] {
    ModelBuilder builder = Begin();
    builder.Constant<float>("m", {8, 8}, std::vector<float>(64, 1));
    return builder;
  };
  const Lines convolution = {"Cast(x)->x:half", "Conv2D(x:half,m)->y:half", "Cast(y:half)->y"};
  for (const int axis : {-1, 3}) {
    ModelBuilder builder = begin();
    builder.Op("FullyConnected", "a", {"x", "m"}, {"y"}, {IntArg("axis", axis)});
    EXPECT_EQ(Rewrite(&builder), convolution) << axis;
  }
  // Of more than the channels, with weights that others read, or computed ones.
  ModelBuilder whole = begin();
  whole.Op("FullyConnected", "a", {"x", "m"}, {"y"}, {IntArg("axis", 1)});
  EXPECT_EQ(Rewrite(&whole), (Lines{"FullyConnected(x,m)->y"}));
  ModelBuilder shared = begin();
  shared.Op("FullyConnected", "a", {"x", "m"}, {"p"}).Op("FullyConnected", "b", {"p", "m"}, {"y"});
  EXPECT_EQ(Rewrite(&shared), (Lines{"FullyConnected(x,m)->p", "FullyConnected(p,m)->y"}));
  ModelBuilder computed = Begin();
  computed.Input("f", {8, 8}).Op("FullyConnected", "a", {"x", "f"}, {"y"});
  EXPECT_EQ(Rewrite(&computed), (Lines{"FullyConnected(x,f)->y"}));
}

TEST_F(HalfArithmeticTest, WhatStays) {
  // Computed filters, and few channels.
  ModelBuilder computed = Begin();
  computed.Input("f", {8, 1, 1, 8}).Op("Conv2D", "a", {"x", "f"}, {"y"});
  EXPECT_EQ(Rewrite(&computed), (Lines{"Conv2D(x,f)->y"}));
  ModelBuilder few = Begin();
  few.Input("z", {1, 4, 4, 3})
      .Constant<float>("e", {1, 1, 1, 3}, {1, 1, 1})
      .Op("DepthwiseConv2d", "a", {"z", "e"}, {"y"});
  EXPECT_EQ(Rewrite(&few), (Lines{"DepthwiseConv2d(z,e)->y"}));
  // Models with float16 tensors of their own know what they do.
  ModelBuilder own = Begin();
  own.Input("h", {1}, DT_HALF).Op("Conv2D", "a", {"x", "w"}, {"y"});
  EXPECT_EQ(Rewrite(&own), (Lines{"Conv2D(x,w)->y"}));
}

TEST_F(HalfArithmeticTest, NamesThatAreTaken) {
  ModelBuilder builder = Begin();
  builder.Input("x:half", {1}).Op("Conv2D", "x:half_:cast", {"x", "w"}, {"y"});
  EXPECT_EQ(Rewrite(&builder),
            (Lines{"Cast(x)->x:half_", "Conv2D(x:half_,w)->y:half", "Cast(y:half)->y"}));
}

TEST_F(HalfArithmeticTest, LibraryWithoutCast) {
  OpRegistryBase registry;
  registry.Register("Conv2D", DeviceType::CPU, DT_FLOAT, NoOperation);
  registry.Register("Conv2D", DeviceType::CPU, DT_HALF, NoOperation);
  ModelBuilder builder = Begin();
  builder.Op("Conv2D", "a", {"x", "w"}, {"y"});
  NetDef net = *builder.net();
  UseHalfArithmetic(registry, &net);
  EXPECT_EQ(net.op.size(), 1u);
}

TEST(WantsHalfArithmetic, ByTheModelsSetting) {
  NetDef net;
  EXPECT_FALSE(WantsHalfArithmetic(net));
  net.arg.push_back(StringArg("cpu_data_type", "fp32_fp32"));
  EXPECT_FALSE(WantsHalfArithmetic(net));
  net.arg.push_back(StringArg("cpu_data_type", "fp16_fp16"));
  EXPECT_TRUE(WantsHalfArithmetic(net));
}

}  // namespace
}  // namespace mace
