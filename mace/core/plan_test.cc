// SPDX-License-Identifier: Apache-2.0
// Net and plan with operators made for the test: what is executed when, and where tensors lie.
#include "mace/core/plan.h"

#include <cstring>
#include <map>

#include "gtest/gtest.h"
#include "mace/core/model_builder.h"
#include "mace/core/op_registry.h"
#include "mace/runtimes/cpu/thread_pool.h"

namespace mace {
namespace {

// What the operators of a test did, by name.
struct Journal {
  std::map<std::string, int> runs, plans, inits;
  std::map<std::string, const void *> input, output, scratch;
  std::map<std::string, int64_t> strides;
  std::map<std::string, int> copies;
};
Journal journal;

// output = input + 1; the schema's names are borrowed, what is computed is this test's own.
class AddOneOp : public Operation {
 public:
  using Operation::Operation;
  MaceStatus Init(OpInitContext *) override {
    ++journal.inits[name()];
    return MaceStatus::MACE_SUCCESS;
  }
  MaceStatus Plan(OpPlanContext *context) override {
    ++journal.plans[name()];
    context->RequestScratch(100);
    if (name().find("in_place") != std::string::npos) context->AllowInPlace(0, 0);
    if (name().find("alias") != std::string::npos) context->AliasOutput(0, 0);
    return MaceStatus::MACE_SUCCESS;
  }
  MaceStatus Run(OpContext *context) override {
    ++journal.runs[name()];
    journal.input[name()] = context->input(0)->raw;
    journal.output[name()] = context->output(0)->raw;
    journal.scratch[name()] = context->scratch();
    const bool alias = name().find("alias") != std::string::npos;
    if (name().find("fail") != std::string::npos) return RuntimeError("it fails on purpose");
    const Shape &shape = context->output(0)->shape;
    const int64_t row = shape[shape.rank() - 1];
    const int64_t stride = journal.strides.count(name()) == 1 ? journal.strides[name()] : row;
    for (int64_t i = 0; i < shape.elements(); ++i) {
      context->output(0)->mutable_data<float>()[i / row * stride + i % row] =
          context->input(0)->data<float>()[i] + (alias ? 0.0f : 1.0f);
    }
    return MaceStatus::MACE_SUCCESS;
  }
  bool StrideOutput(int64_t stride, OpState *) const override {
    if (name().find("strided") == std::string::npos) return false;
    journal.strides[name()] = stride;
    return true;
  }
};

// Joins rows of its inputs [rows, columns].
class JoinOp : public Operation {
 public:
  using Operation::Operation;
  MaceStatus InferShape(OpShapeContext *context) override {
    int64_t columns = 0;
    for (int i = 0; i < context->InputCount(); ++i) columns += context->Input(i).shape[1];
    context->SetOutputShape(0, {context->Input(0).shape[0], columns});
    return MaceStatus::MACE_SUCCESS;
  }
  MaceStatus Plan(OpPlanContext *context) override {
    size_t offset = 0;
    for (int i = 0; i < context->InputCount(); ++i) {
      context->PartOfOutput(0, i, offset, context->OutputShape(0)[1]);
      offset += static_cast<size_t>(context->Input(i).shape[1]) * sizeof(float);
    }
    return MaceStatus::MACE_SUCCESS;
  }
  MaceStatus Run(OpContext *context) override {
    float *out = context->output(0)->mutable_data<float>();
    const int64_t stride = context->output(0)->shape[1];
    journal.output[name()] = out;
    for (int i = 0; i < context->input_count(); ++i) {
      const Tensor &input = *context->input(i);
      const int64_t row = input.shape[1];
      if (input.raw != out) ++journal.copies[name()];
      for (int64_t e = 0; input.raw != out && e < input.elements(); ++e) {
        out[e / row * stride + e % row] = input.data<float>()[e];
      }
      out += row;
    }
    return MaceStatus::MACE_SUCCESS;
  }
};

// The rank and dimensions of its input, as int32.
class ShapeOfOp : public Operation {
 public:
  using Operation::Operation;
  MaceStatus InferType(const std::vector<DataType> &, std::vector<DataType> *outputs) override {
    (*outputs)[0] = DT_INT32;
    return MaceStatus::MACE_SUCCESS;
  }
  MaceStatus InferShape(OpShapeContext *context) override {
    context->SetOutputShape(0, {context->Input(0).shape.rank()});
    return MaceStatus::MACE_SUCCESS;
  }
  MaceStatus Run(OpContext *context) override {
    ++journal.runs[name()];
    EXPECT_EQ(context->input(0)->raw, nullptr) << "the input's elements are not known yet";
    for (int d = 0; d < context->input(0)->shape.rank(); ++d) {
      context->output(0)->mutable_data<int32_t>()[d] =
          static_cast<int32_t>(context->input(0)->shape[d]);
    }
    return MaceStatus::MACE_SUCCESS;
  }
  bool DependsOnShapeOnly() const override { return true; }
};

// Zeros in the shape that its integer input gives.
class ZerosOp : public Operation {
 public:
  using Operation::Operation;
  MaceStatus InferType(const std::vector<DataType> &, std::vector<DataType> *outputs) override {
    (*outputs)[0] = DT_FLOAT;
    return MaceStatus::MACE_SUCCESS;
  }
  MaceStatus InferShape(OpShapeContext *context) override {
    std::vector<int64_t> dims;
    MACE_RETURN_IF_ERROR(context->IntegerInput(0, "shape", &dims));
    context->SetOutputShape(0, Shape(dims));
    return MaceStatus::MACE_SUCCESS;
  }
  MaceStatus Run(OpContext *context) override {
    ++journal.runs[name()];
    std::memset(context->output(0)->raw, 0, context->output(0)->bytes());
    return MaceStatus::MACE_SUCCESS;
  }
};

// Reads its weights when it is made, and not afterwards.
class PackingOp : public Operation {
 public:
  using Operation::Operation;
  MaceStatus Init(OpInitContext *context) override {
    const Tensor *weights = context->ConstInput(1);
    if (weights == nullptr) return Invalid("its weights are no constant");
    weight_ = weights->data<float>()[0];
    context->ReleaseConstInput(1);
    context->ReleaseConstInput(1);  // to say it twice changes nothing
    context->CountPackedBytes(sizeof(float));
    return MaceStatus::MACE_SUCCESS;
  }
  MaceStatus Run(OpContext *context) override {
    for (int64_t i = 0; i < context->output(0)->elements(); ++i) {
      context->output(0)->mutable_data<float>()[i] = context->input(0)->data<float>()[i] * weight_;
    }
    return MaceStatus::MACE_SUCCESS;
  }

 private:
  float weight_ = 0;
};

// Keeps the elements that are positive.
class PositivesOp : public Operation {
 public:
  using Operation::Operation;
  MaceStatus Run(OpContext *context) override {
    int64_t count = 0;
    for (int64_t i = 0; i < context->input(0)->elements(); ++i) {
      const float value = context->input(0)->data<float>()[i];
      if (value > 0) context->output(0)->mutable_data<float>()[count++] = value;
    }
    context->output(0)->shape = {count};
    return MaceStatus::MACE_SUCCESS;
  }
  bool HasDynamicOutput() const override { return true; }
};

class PlanTest : public testing::Test {
 protected:
  PlanTest() : pool_(1, AFFINITY_NONE) {
    journal = Journal();
    MACE_REGISTER_OP_CLASS(&registry_, "Softmax", AddOneOp, CPU, DT_FLOAT);
    MACE_REGISTER_OP_CLASS(&registry_, "Concat", JoinOp, CPU, DT_FLOAT);
    MACE_REGISTER_OP_CLASS(&registry_, "Shape", ShapeOfOp, CPU, DT_FLOAT);
    MACE_REGISTER_OP_CLASS(&registry_, "Fill", ZerosOp, CPU, DT_INT32);
    MACE_REGISTER_OP_CLASS(&registry_, "FullyConnected", PackingOp, CPU, DT_FLOAT);
    MACE_REGISTER_OP_CLASS(&registry_, "Identity", PositivesOp, CPU, DT_FLOAT);
  }

  MaceStatus MakeNet(const ModelBuilder &builder) {
    files_ = builder.Build();
    ModelDef model;
    model.net = *const_cast<ModelBuilder &>(builder).net();
    model.data_size = files_.data_size;
    MACE_RETURN_IF_ERROR(VerifyModel(model, files_.data_size, VerifyOptions()));
    auto constants = std::make_unique<Constants>();
    constants->UseMemory(files_.data(), files_.data_size);
    Net::Options options;
    options.registry = &registry_;
    options.thread_pool = &pool_;
    net_ = std::make_unique<Net>();
    return net_->Init(std::move(model), std::move(constants), options);
  }

  MaceStatus MakePlan(const std::vector<Shape> &shapes, size_t memory_limit = 0) {
    PlanOptions options;
    options.thread_pool = &pool_;
    options.memory_limit = memory_limit;
    return Plan::Make(*net_, shapes, options, &plan_);
  }

  MaceStatus Run(const std::vector<const float *> &inputs, const std::vector<float *> &outputs) {
    EXPECT_TRUE(arena_.Allocate(plan_->arena_bytes()).ok());
    std::vector<const void *> in(inputs.begin(), inputs.end());
    std::vector<void *> out(outputs.begin(), outputs.end());
    PlanMemoryIn memory;
    memory.inputs = in.data();
    memory.outputs = out.data();
    memory.arena = arena_.as<char>();
    return plan_->Run(memory, nullptr);
  }

  OpRegistryBase registry_;
  ThreadPool pool_;
  ModelFiles files_;
  std::unique_ptr<Net> net_;
  std::unique_ptr<Plan> plan_;
  AlignedBuffer arena_;
};

TEST_F(PlanTest, ChainWritesTheOutputDirectly) {
  ModelBuilder builder;
  builder.Input("x", {4})
      .Output("y", {4})
      .Op("Softmax", "first", {"x"}, {"a"})
      .Op("Softmax", "in_place", {"a"}, {"b"})
      .Op("Softmax", "alias", {"b"}, {"y"});
  ASSERT_TRUE(MakeNet(builder).ok());
  ASSERT_TRUE(MakePlan({{4}}).ok());
  float x[4] = {0, 1, 2, 3}, y[4] = {};
  ASSERT_TRUE(Run({x}, {y}).ok());
  EXPECT_EQ(y[3], 5);
  EXPECT_EQ(journal.input["first"], x);
  EXPECT_EQ(journal.output["first"], y);
  EXPECT_EQ(journal.input["alias"], y);
  EXPECT_EQ(journal.output["alias"], y);
  EXPECT_NE(journal.scratch["first"], nullptr);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(journal.scratch["first"]) % 64, 0u);
  // Other memory of the caller at the next run.
  float x2[4] = {10, 20, 30, 40}, y2[4] = {};
  ASSERT_TRUE(Run({x2}, {y2}).ok());
  EXPECT_EQ(y2[0], 12);
  EXPECT_EQ(y[0], 2);
  EXPECT_EQ(journal.inits["first"], 1);
  EXPECT_EQ(journal.plans["first"], 1);
  EXPECT_EQ(journal.runs["first"], 2);
}

TEST_F(PlanTest, InputsAreNeverWritten) {
  ModelBuilder builder;
  builder.Input("x", {4}).Output("y", {4}).Op("Softmax", "in_place", {"x"}, {"y"});
  ASSERT_TRUE(MakeNet(builder).ok());
  ASSERT_TRUE(MakePlan({{4}}).ok());
  float x[4] = {0, 1, 2, 3}, y[4] = {};
  ASSERT_TRUE(Run({x}, {y}).ok());
  EXPECT_EQ(x[0], 0);
  EXPECT_EQ(y[0], 1);
}

TEST_F(PlanTest, ConstantsAndShapesAreComputedOnce) {
  ModelBuilder builder;
  builder.Input("x", {-1, 2})
      .Output("zeros", {-1, -1})
      .Output("y", {3})
      .Constant<float>("c", {3}, {5, 6, 7})
      .Op("Softmax", "big", {"x"}, {"only_its_shape_counts"})
      .Op("Shape", "shape", {"only_its_shape_counts"}, {"s"})
      .Op("Fill", "fill", {"s"}, {"zeros"})
      .Op("Softmax", "constant", {"c"}, {"y"});
  ASSERT_TRUE(MakeNet(builder).ok());
  ASSERT_TRUE(MakePlan({{3, 2}}).ok());
  EXPECT_EQ(journal.runs["shape"], 1);
  EXPECT_EQ(journal.runs["constant"], 1);
  EXPECT_EQ(plan_->output_shape(0), Shape({3, 2}));
  float x[6] = {}, zeros[6] = {1, 1, 1, 1, 1, 1}, y[3] = {};
  ASSERT_TRUE(Run({x}, {zeros, y}).ok());
  ASSERT_TRUE(Run({x}, {zeros, y}).ok());
  EXPECT_EQ(zeros[5], 0);
  EXPECT_EQ(y[2], 8);
  EXPECT_EQ(journal.runs["fill"], 1);
  EXPECT_EQ(journal.runs["constant"], 1);
  EXPECT_EQ(journal.runs["big"], 0) << "nothing needs its elements";
}

TEST_F(PlanTest, WeightsAreReleasedWhenAllReadersPackedThem) {
  const uint16_t half = 0x4000;  // 2
  ModelBuilder builder;
  builder.Input("x", {1})
      .Output("y", {1})
      .Output("z", {1})
      .Constant<float>("both", {1}, {3})
      .Constant<float>("one_of_two", {1}, {5})
      .ConstantBytes("half", {1}, DT_FLOAT, &half, sizeof(half), DT_HALF)
      .Op("FullyConnected", "a", {"x", "both"}, {"x1"})
      .Op("FullyConnected", "b", {"x1", "both"}, {"x2"})
      .Op("FullyConnected", "c", {"x2", "half"}, {"x3"})
      .Op("FullyConnected", "d", {"x3", "one_of_two"}, {"y"})
      .Op("Softmax", "e", {"one_of_two"}, {"z"});
  const MaceStatus status = MakeNet(builder);
  ASSERT_TRUE(status.ok()) << status.information();
  EXPECT_EQ(net_->constant(0).raw, nullptr);
  EXPECT_NE(net_->constant(1).raw, nullptr);
  EXPECT_EQ(net_->constant(2).raw, nullptr);
  EXPECT_EQ(net_->packed_bytes(), 4 * sizeof(float));
  ASSERT_TRUE(MakePlan({{1}}).ok());
  float x = 1, y = 0, z = 0;
  ASSERT_TRUE(Run({&x}, {&y, &z}).ok());
  EXPECT_EQ(y, 3 * 3 * 2 * 5);
  EXPECT_EQ(z, 6);
}

TEST_F(PlanTest, DynamicOutput) {
  ModelBuilder builder;
  builder.Input("x", {4}).Output("y", {-1}).Op("Identity", "positives", {"x"}, {"y"});
  ASSERT_TRUE(MakeNet(builder).ok());
  ASSERT_TRUE(MakePlan({{4}}).ok());
  EXPECT_EQ(plan_->output_bytes(0), 16u);
  float x[4] = {-1, 2, -3, 4}, y[4] = {};
  ASSERT_TRUE(Run({x}, {y}).ok());
  EXPECT_EQ(plan_->output(0).shape, Shape({2}));
  EXPECT_EQ(y[1], 4);
  // The next run begins with the planned shape again.
  float all[4] = {1, 2, 3, 4};
  ASSERT_TRUE(Run({all}, {y}).ok());
  EXPECT_EQ(plan_->output(0).shape, Shape({4}));
  EXPECT_EQ(plan_->output_shape(0), Shape({4}));
}

TEST_F(PlanTest, LateOperatorsArePlannedDuringTheRun) {
  ModelBuilder builder;
  builder.Input("x", {4})
      .Output("y", {-1})
      .Output("known", {4})
      .Op("Softmax", "before", {"x"}, {"known"})
      .Op("Identity", "positives", {"known"}, {"p"})
      .Op("Softmax", "after_in_place", {"p"}, {"q"})
      .Op("Softmax", "last", {"q"}, {"y"});
  ASSERT_TRUE(MakeNet(builder).ok());
  ASSERT_TRUE(MakePlan({{4}}).ok());
  EXPECT_TRUE(plan_->output_late(0));
  EXPECT_FALSE(plan_->output_late(1));
  EXPECT_EQ(plan_->output_bytes(0), 0u);
  EXPECT_EQ(journal.plans["before"], 1);
  EXPECT_EQ(journal.plans["last"], 0);
  float x[4] = {-2, 1, -3, 3}, known[4] = {};
  ASSERT_TRUE(Run({x}, {nullptr, known}).ok());
  EXPECT_EQ(known[3], 4);
  ASSERT_EQ(plan_->output(0).shape, Shape({2}));
  EXPECT_EQ(plan_->output(0).data<float>()[0], 4);
  EXPECT_EQ(plan_->output(0).data<float>()[1], 6);
  // Another shape is planned once more, one that was seen is not; nor is memory taken again.
  float all[4] = {1, 2, 3, 4};
  ASSERT_TRUE(Run({all}, {nullptr, known}).ok());
  ASSERT_EQ(plan_->output(0).shape, Shape({4}));
  EXPECT_EQ(plan_->output(0).data<float>()[3], 7);
  EXPECT_EQ(journal.plans["last"], 2);
  const size_t bytes = plan_->late_bytes();
  for (int round = 0; round < 3; ++round) {
    ASSERT_TRUE(Run({x}, {nullptr, known}).ok());
    ASSERT_TRUE(Run({all}, {nullptr, known}).ok());
  }
  EXPECT_EQ(journal.plans["last"], 2);
  EXPECT_EQ(journal.plans["before"], 1);
  EXPECT_EQ(plan_->late_bytes(), bytes);
  EXPECT_EQ(plan_->output(0).data<float>()[3], 7);
}

TEST_F(PlanTest, NoElementsAreAShapeLikeOthers) {
  ModelBuilder builder;
  builder.Input("x", {2})
      .Output("y", {-1})
      .Op("Identity", "positives", {"x"}, {"p"})
      .Op("Softmax", "after", {"p"}, {"y"});
  ASSERT_TRUE(MakeNet(builder).ok());
  ASSERT_TRUE(MakePlan({{2}}).ok());
  float x[2] = {-1, -2};
  ASSERT_TRUE(Run({x}, {nullptr}).ok());
  EXPECT_EQ(plan_->output(0).shape, Shape({0}));
}

TEST_F(PlanTest, ElementsThatAShapeNeedsMayBeComputed) {
  ModelBuilder builder;
  builder.Input("x", {2}, DT_INT32)
      .Output("y", {-1})
      .Op("Fill", "fill", {"x"}, {"zeros"})
      .Op("Softmax", "after", {"zeros"}, {"y"});
  ASSERT_TRUE(MakeNet(builder).ok());
  ASSERT_TRUE(MakePlan({{2}}).ok());
  for (int round = 0; round < 2; ++round) {
    for (int32_t n : {3, 5}) {
      const int32_t x[2] = {n, 2};
      ASSERT_TRUE(Run({reinterpret_cast<const float *>(x)}, {nullptr}).ok());
      EXPECT_EQ(plan_->output(0).shape, Shape({n, 2}));
      EXPECT_EQ(plan_->output(0).data<float>()[2 * n - 1], 1);
    }
  }
  EXPECT_EQ(journal.plans["after"], 2) << "of shapes that come again";
  const int32_t negative[2] = {-3, 2};
  const MaceStatus status = Run({reinterpret_cast<const float *>(negative)}, {nullptr});
  EXPECT_EQ(status, MaceStatus::MACE_INVALID_ARGS);
  EXPECT_NE(status.message().find("Fill 'fill': output 'zeros' would have"), std::string::npos)
      << status.information();
}

TEST_F(PlanTest, WhatIsLateKeepsToTheLimit) {
  ModelBuilder builder;
  builder.Input("x", {1}, DT_INT32).Output("y", {-1}).Op("Fill", "fill", {"x"}, {"y"});
  ASSERT_TRUE(MakeNet(builder).ok());
  ASSERT_TRUE(MakePlan({{1}}, 4096).ok());
  const int32_t small[1] = {500}, large[1] = {2000};
  EXPECT_TRUE(Run({reinterpret_cast<const float *>(small)}, {nullptr}).ok());
  EXPECT_EQ(Run({reinterpret_cast<const float *>(large)}, {nullptr}),
            MaceStatus::MACE_OUT_OF_RESOURCES);
}

TEST_F(PlanTest, WhatLateOperatorsReadLivesUntilThen) {
  ModelBuilder builder;
  builder.Input("x", {4})
      .Output("y", {-1})
      .Output("z", {4})
      .Op("Softmax", "a", {"x"}, {"a"})
      .Op("Identity", "positives", {"a"}, {"p"})
      .Op("Softmax", "b_in_place", {"a"}, {"b"})
      .Op("Softmax", "c_in_place", {"b"}, {"c"})
      .Op("Softmax", "d", {"c"}, {"z"})
      .Op("Softmax", "late", {"p"}, {"y"});
  ASSERT_TRUE(MakeNet(builder).ok());
  ASSERT_TRUE(MakePlan({{4}}).ok());
  float x[4] = {-2, 1, -3, 3}, z[4] = {};
  ASSERT_TRUE(Run({x}, {nullptr, z}).ok());
  EXPECT_EQ(z[3], 7);
  EXPECT_EQ(plan_->output(0).data<float>()[0], 3);
  EXPECT_EQ(plan_->output(0).data<float>()[1], 5);
}

TEST_F(PlanTest, ImpossibleShapeIsAStatus) {
  ModelBuilder builder;
  builder.Output("y", {-1})
      .Constant<int32_t>("shape", {1}, {-5})
      .Op("Fill", "fill", {"shape"}, {"y"});
  ASSERT_TRUE(MakeNet(builder).ok());
  EXPECT_EQ(MakePlan({}), MaceStatus::MACE_INVALID_ARGS);
}

TEST_F(PlanTest, MemoryLimit) {
  ModelBuilder builder;
  builder.Input("x", {1000})
      .Output("y", {1000})
      .Op("Softmax", "first", {"x"}, {"a"})
      .Op("Softmax", "second", {"a"}, {"y"});
  ASSERT_TRUE(MakeNet(builder).ok());
  // a, and the scratch of one operator.
  EXPECT_EQ(MakePlan({{1000}}, 4032 + 128 - 64), MaceStatus::MACE_OUT_OF_RESOURCES);
  EXPECT_TRUE(MakePlan({{1000}}, 4032 + 128).ok());
}

TEST_F(PlanTest, FailureNamesTheOperator) {
  ModelBuilder builder;
  builder.Input("x", {2}).Output("y", {2}).Op("Softmax", "to fail", {"x"}, {"y"});
  ASSERT_TRUE(MakeNet(builder).ok());
  ASSERT_TRUE(MakePlan({{2}}).ok());
  float x[2] = {}, y[2] = {};
  EXPECT_EQ(Run({x}, {y}).information(),
            "MACE_RUNTIME_ERROR: Softmax 'to fail': it fails on purpose");
}

TEST_F(PlanTest, TypeNotSupportedNamesWhatIs) {
  ModelBuilder builder;
  builder.Input("x", {2}, DT_INT8).Output("y", {2}, DT_INT8).Op("Softmax", "s", {"x"}, {"y"});
  EXPECT_EQ(MakeNet(builder).information(),
            "MACE_UNSUPPORTED: Softmax 's': CPU does not compute it for int8, only for float32");
}

TEST_F(PlanTest, DeclaredTypeMustBeTheComputedOne) {
  ModelBuilder builder;
  builder.Input("x", {2}).Output("y", {1}, DT_FLOAT).Op("Shape", "s", {"x"}, {"y"});
  EXPECT_EQ(MakeNet(builder).message(),
            "output 'y' is declared as float32, but the model computes int32");
}

TEST_F(PlanTest, PartsAreWrittenWhereTheyBelong) {
  ModelBuilder builder;
  builder.Input("x", {2, 3})
      .Output("y", {2, 12})
      .Op("Softmax", "strided in_place", {"x"}, {"a"})
      .Op("Softmax", "fixed", {"x"}, {"b"})
      .Op("Softmax", "strided 2", {"b"}, {"c"})
      .Op("Softmax", "strided 3", {"x"}, {"d"})
      .Op("Concat", "inner", {"c", "d"}, {"cd"})
      .Op("Concat", "outer", {"a", "b", "cd"}, {"y"});
  ASSERT_TRUE(MakeNet(builder).ok());
  ASSERT_TRUE(MakePlan({{2, 3}}).ok());
  float x[6] = {0, 1, 2, 3, 4, 5}, y[24] = {};
  ASSERT_TRUE(Run({x}, {y}).ok());
  const float expected[24] = {1, 2, 3, 1, 2, 3, 2, 3, 4, 1, 2, 3,
                              4, 5, 6, 4, 5, 6, 5, 6, 7, 4, 5, 6};
  for (int i = 0; i < 24; ++i) EXPECT_EQ(y[i], expected[i]) << i;
  EXPECT_EQ(journal.output["strided in_place"], y);
  EXPECT_EQ(journal.output["strided 2"], y + 6);
  EXPECT_EQ(journal.output["strided 3"], y + 9);
  EXPECT_EQ(journal.output["inner"], y + 6);
  EXPECT_EQ(journal.copies["inner"], 0);
  EXPECT_EQ(journal.copies["outer"], 1);  // b has another reader
  // Other memory at the next run.
  float y2[24] = {};
  ASSERT_TRUE(Run({x}, {y2}).ok());
  EXPECT_EQ(y2[23], 6);
  EXPECT_EQ(journal.output["strided 3"], y2 + 9);
}

TEST_F(PlanTest, WhatCannotBeAPartIsCopied) {
  ModelBuilder builder;
  builder.Input("x", {2, 3})
      .Output("y", {2, 15})
      .Output("kept", {2, 3})
      .Constant<float>("constant", {2, 3}, {9, 9, 9, 9, 9, 9})
      .Op("Softmax", "strided kept", {"x"}, {"kept"})
      .Op("Softmax", "strided twice", {"x"}, {"twice"})
      .Op("Concat", "join", {"x", "constant", "kept", "twice", "twice"}, {"y"});
  ASSERT_TRUE(MakeNet(builder).ok());
  ASSERT_TRUE(MakePlan({{2, 3}}).ok());
  float x[6] = {0, 1, 2, 3, 4, 5}, y[30] = {}, kept[6] = {};
  ASSERT_TRUE(Run({x}, {y, kept}).ok());
  EXPECT_EQ(journal.copies["join"], 5);
  EXPECT_TRUE(journal.strides.empty());
  EXPECT_EQ(y[29], 6);
  EXPECT_EQ(y[18], 9);
  EXPECT_EQ(kept[5], 6);
}

TEST_F(PlanTest, InnerPartsStayWhereTheOuterOneIsCopied) {
  ModelBuilder builder;
  builder.Input("x", {2, 3})
      .Output("y", {2, 9})
      .Output("ab", {2, 6})
      .Op("Softmax", "strided a", {"x"}, {"a"})
      .Op("Softmax", "strided b", {"x"}, {"b"})
      .Op("Softmax", "strided c", {"x"}, {"c"})
      .Op("Concat", "inner", {"a", "b"}, {"ab"})
      .Op("Concat", "outer", {"ab", "c"}, {"y"});
  ASSERT_TRUE(MakeNet(builder).ok());
  ASSERT_TRUE(MakePlan({{2, 3}}).ok());
  float x[6] = {0, 1, 2, 3, 4, 5}, y[18] = {}, ab[12] = {};
  ASSERT_TRUE(Run({x}, {y, ab}).ok());
  EXPECT_EQ(journal.output["strided b"], ab + 3);
  EXPECT_EQ(journal.output["strided c"], y + 6);
  EXPECT_EQ(journal.copies["inner"], 0);
  EXPECT_EQ(journal.copies["outer"], 1);
  EXPECT_EQ(y[17], 6);
  EXPECT_EQ(y[14], 6);
}

// In its last place "early" would take the memory of all of y while the wide tensors live.
TEST_F(PlanTest, MemoryCountsMoreThanACopy) {
  ModelBuilder builder;
  builder.Input("x", {1, 4})
      .Output("z", {1, 260})
      .Op("Softmax", "early", {"x"}, {"early"})
      .Op("Softmax", "narrow", {"x"}, {"narrow"})
      .Op("Concat", "wide", std::vector<std::string>(64, "narrow"), {"w1"})
      .Op("Softmax", "wider", {"w1"}, {"w2"})
      .Op("Softmax", "late", {"w2"}, {"late"})
      .Op("Concat", "join", {"early", "late"}, {"y"})
      .Op("Softmax", "last", {"y"}, {"z"});
  ASSERT_TRUE(MakeNet(builder).ok());
  ASSERT_TRUE(MakePlan({{1, 4}}).ok());
  float x[4] = {0, 1, 2, 3}, z[260] = {};
  ASSERT_TRUE(Run({x}, {z}).ok());
  EXPECT_EQ(journal.copies["join"], 2);
  EXPECT_EQ(z[3], 5);
  EXPECT_EQ(z[259], 7);
}

}  // namespace
}  // namespace mace
