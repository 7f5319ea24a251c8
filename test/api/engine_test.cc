// SPDX-License-Identifier: Apache-2.0
// The C++ interface: results, changes of shape, several inputs and outputs, and what is refused.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <numeric>

#include "test/api/models.h"

namespace mace {
namespace test {
namespace {

using Shapes = std::map<std::string, std::vector<int64_t>>;
using Tensors = std::map<std::string, MaceTensor>;

TEST(Engine, Runs) {
  const ModelFiles files = AddOneModel();
  const auto engine = MakeEngine(files);
  ASSERT_NE(engine, nullptr);
  const Tensors inputs = {{"input", FloatTensor({1, 4}, {-3, -1, 0, 2})}};
  Tensors outputs = {{"output", EmptyTensor({1, 4})}};
  ASSERT_MACE_OK(engine->Run(inputs, &outputs));
  EXPECT_EQ(Values(outputs["output"]), std::vector<float>({0, 0, 1, 3}));
}

TEST(Engine, DescribesInputsAndOutputs) {
  const ModelFiles files = SmallNet();
  const auto engine = MakeEngine(files);
  ASSERT_NE(engine, nullptr);
  ASSERT_EQ(engine->inputs().size(), 1u);
  EXPECT_EQ(engine->inputs()[0].name, "input");
  EXPECT_EQ(engine->inputs()[0].shape, std::vector<int64_t>({1, 8, 8, 3}));
  EXPECT_EQ(engine->inputs()[0].data_type, IDataType::kFloat);
  EXPECT_EQ(engine->inputs()[0].data_format, NHWC);
  EXPECT_EQ(engine->outputs()[0].name, "output");
  EXPECT_GT(engine->memory_usage().arena, 0u);
  EXPECT_GE(engine->memory_usage().arena, engine->memory_usage().arena_lower_bound);
  EXPECT_GT(engine->memory_usage().packed_weights, 0u);
  EXPECT_EQ(std::strncmp(MaceVersion(), "MACEVER-", 8), 0);
}

TEST(Engine, ShapesChangeBetweenRuns) {
  const ModelFiles files = AddOneModel();
  const auto engine = MakeEngine(files);
  ASSERT_NE(engine, nullptr);
  // More shapes than plans are kept, each twice, in an order that makes some be dropped.
  for (int round = 0; round < 2; ++round) {
    for (int64_t rows : {1, 5, 2, 9, 3, 4, 6, 7, 8, 0, 10, 11, 1}) {
      Shapes shapes;
      ASSERT_MACE_OK(engine->OutputShapes({{"input", {rows, 4}}}, &shapes));
      EXPECT_EQ(shapes, Shapes({{"output", {rows, 4}}}));
      const std::vector<float> values = Numbers(static_cast<size_t>(rows) * 4);
      const Tensors inputs = {{"input", FloatTensor({rows, 4}, values)}};
      // Room for more than is needed: the shape becomes the computed one.
      Tensors outputs = {{"output", EmptyTensor({12, 4})}};
      ASSERT_MACE_OK(engine->Run(inputs, &outputs));
      EXPECT_EQ(outputs["output"].shape(), std::vector<int64_t>({rows, 4}));
      std::vector<float> expected = values;
      for (float &value : expected) value += 1;
      EXPECT_EQ(Values(outputs["output"]), expected);
      // The room is still known.
      ASSERT_MACE_OK(engine->Run({{"input", FloatTensor({12, 4}, Numbers(48))}}, &outputs));
    }
  }
}

TEST(Engine, OutputsThatAreInputsOrConstants) {
  const ModelFiles files = ManyOutputsModel();
  const auto engine = MakeEngine(files);
  ASSERT_NE(engine, nullptr);
  const Tensors inputs = {{"a", FloatTensor({2, 3}, Numbers(6))},
                          {"b", FloatTensor({2, 3}, Numbers(6, 10, 10))}};
  Tensors outputs;
  for (const MaceTensorInfo &info : engine->outputs()) {
    outputs[info.name] = EmptyTensor(info.shape);
  }
  ASSERT_MACE_OK(engine->Run(inputs, &outputs));
  EXPECT_EQ(Values(outputs["sum"]), Numbers(6, 10, 11));
  EXPECT_EQ(Values(outputs["difference"]), Numbers(6, -10, -9));
  EXPECT_EQ(Values(outputs["a"]), Numbers(6));
  EXPECT_EQ(Values(outputs["constant"]), std::vector<float>({7, 8}));
}

TEST(Engine, SomeOutputsOnly) {
  const ModelFiles files = ManyOutputsModel();
  MaceEngine engine((MaceEngineConfig()));
  ASSERT_MACE_OK(InitEngine(files, &engine, {"b", "a"}, {"difference"}));
  ASSERT_EQ(engine.outputs().size(), 1u);
  ASSERT_EQ(engine.inputs().size(), 2u);
  EXPECT_EQ(engine.inputs()[0].name, "b");
  Tensors outputs = {{"difference", EmptyTensor({2, 3})}};
  RunMetadata metadata;
  ASSERT_MACE_OK(
      engine.Run({{"a", FloatTensor({2, 3}, Numbers(6))}, {"b", FloatTensor({2, 3}, Numbers(6))}},
                 &outputs, &metadata));
  EXPECT_EQ(Values(outputs["difference"]), Numbers(6, 0, 0));
  ASSERT_EQ(metadata.op_stats.size(), 1u);
  EXPECT_EQ(metadata.op_stats[0].operator_name, "sub");

  MaceEngine constant_only((MaceEngineConfig()));
  ASSERT_MACE_OK(InitEngine(files, &constant_only, {"b"}, {"constant"}));
  Tensors constant = {{"constant", EmptyTensor({2})}};
  ASSERT_MACE_OK(constant_only.Run({{"b", FloatTensor({2, 3}, Numbers(6))}}, &constant));
  EXPECT_EQ(Values(constant["constant"]), std::vector<float>({7, 8}));
}

TEST(Engine, Statistics) {
  const ModelFiles files = SmallNet();
  const auto engine = MakeEngine(files);
  ASSERT_NE(engine, nullptr);
  Tensors outputs = {{"output", EmptyTensor({1, 5})}};
  RunMetadata metadata;
  ASSERT_MACE_OK(engine->Run({{"input", FloatTensor({1, 8, 8, 3}, Numbers(192, 0, 0.01f))}},
                             &outputs, &metadata));
  const std::vector<float> values = Values(outputs["output"]);
  EXPECT_NEAR(std::accumulate(values.begin(), values.end(), 0.0f), 1, 1e-5);
  ASSERT_EQ(metadata.op_stats.size(), 5u);
  const OperatorStats &conv = metadata.op_stats[0];
  EXPECT_EQ(conv.type, "Conv2D");
  EXPECT_EQ(conv.macs, 8 * 8 * 4 * 27);
  EXPECT_EQ(conv.output_shape[0], std::vector<int64_t>({1, 8, 8, 4}));
  EXPECT_EQ(conv.args.strides, std::vector<int>({1, 1}));
  EXPECT_EQ(conv.args.kernels, std::vector<int64_t>({4, 3, 3, 3}));
  int64_t last = 0;
  for (const OperatorStats &op : metadata.op_stats) {
    EXPECT_GE(op.stats.start_micros, last);
    EXPECT_GE(op.stats.end_micros, op.stats.start_micros);
    last = op.stats.end_micros;
  }
}

TEST(Engine, FromFiles) {
  const ModelFiles files = SmallNet();
  const std::string path = testing::TempDir() + "model.data";
  std::ofstream(path, std::ios::binary) << files.data_string();
  std::shared_ptr<MaceEngine> from_file;
  const std::vector<unsigned char> graph(files.graph.begin(), files.graph.end());
  ASSERT_MACE_OK(CreateMaceEngineFromProto(graph, path, {"input"}, {"output"}, MaceEngineConfig(),
                                           &from_file));
  const auto from_memory = MakeEngine(files);
  const Tensors inputs = {{"input", FloatTensor({1, 8, 8, 3}, Numbers(192, -1, 0.01f))}};
  Tensors a = {{"output", EmptyTensor({1, 5})}}, b = {{"output", EmptyTensor({1, 5})}};
  ASSERT_MACE_OK(from_file->Run(inputs, &a));
  ASSERT_MACE_OK(from_memory->Run(inputs, &b));
  EXPECT_EQ(Values(a["output"]), Values(b["output"]));
}

TEST(Engine, HalfWeightsAreExpanded) {
  const uint16_t halves[] = {0x3c00, 0xc000, 0x3800};  // 1, -2, 0.5
  ModelBuilder builder;
  builder.Input("input", {3})
      .Output("output", {3})
      .ConstantBytes("half", {3}, DT_FLOAT, halves, sizeof(halves), DT_HALF)
      .Op("Eltwise", "add", {"input", "half"}, {"output"}, {StringArg("type", "SUM")});
  const ModelFiles files = builder.Build();
  const auto engine = MakeEngine(files);
  ASSERT_NE(engine, nullptr);
  Tensors outputs = {{"output", EmptyTensor({3})}};
  ASSERT_MACE_OK(engine->Run({{"input", FloatTensor({3}, {0, 0, 0})}}, &outputs));
  EXPECT_EQ(Values(outputs["output"]), std::vector<float>({1, -2, 0.5f}));
}

TEST(Engine, GivesMemoryToOutputsWithoutAny) {
  const ModelFiles files = AddOneModel();
  const auto engine = MakeEngine(files);
  ASSERT_NE(engine, nullptr);
  Tensors outputs = {{"output", MaceTensor()}};
  ASSERT_MACE_OK(engine->Run({{"input", FloatTensor({1, 4}, Numbers(4))}}, &outputs));
  EXPECT_EQ(outputs["output"].shape(), std::vector<int64_t>({1, 4}));
  ASSERT_NE(outputs["output"].data(), nullptr);
  const std::vector<float> first = Values(outputs["output"]);
  // More room is taken when it is needed, and only then.
  ASSERT_MACE_OK(engine->Run({{"input", FloatTensor({2, 4}, Numbers(8))}}, &outputs));
  EXPECT_EQ(outputs["output"].shape(), std::vector<int64_t>({2, 4}));
  const void *memory = outputs["output"].raw_data().get();
  ASSERT_MACE_OK(engine->Run({{"input", FloatTensor({1, 4}, Numbers(4))}}, &outputs));
  EXPECT_EQ(outputs["output"].raw_data().get(), memory);
  EXPECT_EQ(Values(outputs["output"]), first);
}

TEST(Engine, ShapesThatDependOnElements) {
  ModelBuilder builder;
  builder.Input("n", {}, DT_INT64)
      .Output("output", {-1}, DT_INT64)
      .Constant<int64_t>("zero", {}, {0})
      .Constant<int64_t>("one", {}, {1})
      .Op("Range", "range", {"zero", "n", "one"}, {"numbers"})
      .Op("Eltwise", "add", {"numbers", "n"}, {"output"}, {StringArg("type", "SUM")});
  const ModelFiles files = builder.Build();
  const auto engine = MakeEngine(files);
  ASSERT_NE(engine, nullptr);
  std::map<std::string, std::vector<int64_t>> shapes;
  ASSERT_MACE_OK(engine->OutputShapes({{"n", {}}}, &shapes));
  EXPECT_EQ(shapes["output"], std::vector<int64_t>({-1}));
  MaceTensor n = EmptyTensor({}, IDataType::kInt64);
  Tensors outputs = {{"output", MaceTensor()}},
          small = {{"output", EmptyTensor({2}, n.data_type())}};
  for (int64_t count : {3, 5, 0}) {
    static_cast<int64_t *>(n.raw_data().get())[0] = count;
    ASSERT_MACE_OK(engine->Run({{"n", n}}, &outputs));
    EXPECT_EQ(outputs["output"].shape(), std::vector<int64_t>({count}));
    const int64_t *numbers = static_cast<int64_t *>(outputs["output"].raw_data().get());
    for (int64_t i = 0; i < count; ++i) EXPECT_EQ(numbers[i], i + count);
    const MaceStatus status = engine->Run({{"n", n}}, &small);
    if (count <= 2) {
      EXPECT_TRUE(status.ok()) << status.information();
    } else {
      EXPECT_TRUE(Fails(status, MaceStatus::MACE_INVALID_ARGS, "room for 16"));
    }
    EXPECT_EQ(small["output"].shape(), std::vector<int64_t>({count})) << "what was needed";
  }
}

// What the caller did wrong, and what the engine says of it.
class Refusal : public testing::Test {
 protected:
  void SetUp() override {
    files_ = AddOneModel();
    engine_ = MakeEngine(files_);
    ASSERT_NE(engine_, nullptr);
    inputs_["input"] = FloatTensor({2, 4}, Numbers(8));
    outputs_["output"] = EmptyTensor({2, 4});
  }
  void ExpectRefused(const std::string &text) {
    EXPECT_TRUE(Fails(engine_->Run(inputs_, &outputs_), MaceStatus::MACE_INVALID_ARGS, text));
    // A refusal leaves the engine as it was.
    Tensors outputs = {{"output", EmptyTensor({1, 4})}};
    ASSERT_MACE_OK(engine_->Run({{"input", FloatTensor({1, 4}, Numbers(4))}}, &outputs));
    EXPECT_EQ(Values(outputs["output"]), Numbers(4, 1));
  }

  ModelFiles files_;
  std::unique_ptr<MaceEngine> engine_;
  Tensors inputs_, outputs_;
};

TEST_F(Refusal, WrongInputName) {
  inputs_["inptu"] = inputs_["input"];
  inputs_.erase("input");
  ExpectRefused("no input 'inptu'; did you mean 'input'?");
}
TEST_F(Refusal, MissingInput) {
  inputs_.clear();
  ExpectRefused("input 'input' is not given");
}
TEST_F(Refusal, SurplusOutput) {
  outputs_["other"] = EmptyTensor({1});
  ExpectRefused("no output 'other'");
}
TEST_F(Refusal, WrongRank) {
  inputs_["input"] = FloatTensor({8}, Numbers(8));
  ExpectRefused("has shape [8], but the model was converted for [-1, 4]");
}
TEST_F(Refusal, RankAboveAll) {
  inputs_["input"] = MaceTensor({1, 1, 1, 1, 1, 1, 1, 4}, inputs_["input"].data());
  ExpectRefused("rank 8");
}
TEST_F(Refusal, WrongColumns) {
  inputs_["input"] = FloatTensor({2, 3}, Numbers(6));
  ExpectRefused("has shape [2, 3]");
}
TEST_F(Refusal, NegativeDimension) {
  inputs_["input"] = MaceTensor({-2, 4}, inputs_["input"].data());
  ExpectRefused("impossible shape");
}
TEST_F(Refusal, HugeDimension) {
  inputs_["input"] = MaceTensor({int64_t{1} << 62, 4}, inputs_["input"].data());
  ExpectRefused("impossible shape");
}
TEST_F(Refusal, WrongInputType) {
  inputs_["input"] = EmptyTensor({2, 4}, IDataType::kInt32);
  ExpectRefused("element type int32, but the model wants float32");
}
TEST_F(Refusal, WrongOutputType) {
  outputs_["output"] = EmptyTensor({2, 4}, IDataType::kUint8);
  ExpectRefused("output 'output' has element type uint8");
}
TEST_F(Refusal, OutputTooSmall) {
  outputs_["output"] = EmptyTensor({1, 4});
  ExpectRefused("needs 32 bytes, but there is room for 16");
}
TEST_F(Refusal, NoMemory) {
  inputs_["input"] = MaceTensor({2, 4}, std::shared_ptr<float>());
  ExpectRefused("input 'input' has no memory");
}
TEST_F(Refusal, OutputOverlapsInput) {
  outputs_["output"] = inputs_["input"];
  ExpectRefused("overlaps input");
}
TEST_F(Refusal, Misaligned) {
  std::shared_ptr<void> memory = inputs_["input"].raw_data();
  std::shared_ptr<void> shifted(memory, static_cast<char *>(memory.get()) + 1);
  inputs_["input"] = MaceTensor({1, 4}, shifted, IDataType::kFloat);
  ExpectRefused("not aligned");
}
TEST_F(Refusal, NullOutputs) {
  EXPECT_TRUE(Fails(engine_->Run(inputs_, nullptr), MaceStatus::MACE_INVALID_ARGS, "null"));
}

TEST(EngineInit, ADeviceThatTheBuildLacksFallsBackIfItMay) {
  const ModelFiles files = AddOneModel();
  for (DeviceType device : {GPU, HEXAGON}) {
    MaceEngineConfig config(device);
    ASSERT_TRUE(config.SetCPUFallback(true).ok());
    MaceEngine engine(config);
    ASSERT_TRUE(InitEngine(files, &engine, {}, {}).ok());
    const std::vector<MaceEngine::OperatorPlacement> placements = engine.Placements();
    ASSERT_FALSE(placements.empty());
    EXPECT_EQ(placements[0].device, CPU);
    EXPECT_NE(placements[0].reason.find("has no"), std::string::npos) << placements[0].reason;
  }
  MaceEngineConfig config(static_cast<DeviceType>(1));
  ASSERT_TRUE(config.SetCPUFallback(true).ok());
  MaceEngine engine(config);
  EXPECT_TRUE(Fails(InitEngine(files, &engine, {}, {}), MaceStatus::MACE_INVALID_ARGS,
                    "no device number 1"));
}

TEST(EngineInit, Refusals) {
  const ModelFiles files = AddOneModel();
  const auto init = [&files](DeviceType device, const std::vector<std::string> &inputs,
                             const std::vector<std::string> &outputs) {
    MaceEngine engine((MaceEngineConfig(device)));
    return InitEngine(files, &engine, inputs, outputs);
  };
  EXPECT_TRUE(Fails(init(GPU, {}, {}), MaceStatus::MACE_UNSUPPORTED, "no GPU runtime"));
  EXPECT_TRUE(Fails(init(HEXAGON, {}, {}), MaceStatus::MACE_UNSUPPORTED, "no Hexagon runtime"));
  EXPECT_TRUE(Fails(init(static_cast<DeviceType>(1), {}, {}), MaceStatus::MACE_INVALID_ARGS,
                    "no device number 1"));
  EXPECT_TRUE(Fails(init(CPU, {"Input"}, {}), MaceStatus::MACE_INVALID_ARGS,
                    "no input 'Input'; did you mean 'input'?"));
  EXPECT_TRUE(Fails(init(CPU, {}, {"sum"}), MaceStatus::MACE_INVALID_ARGS, "no output 'sum'"));
  EXPECT_TRUE(Fails(init(CPU, {}, {"output", "output"}), MaceStatus::MACE_INVALID_ARGS, "twice"));

  MaceEngine engine((MaceEngineConfig()));
  Tensors outputs;
  EXPECT_TRUE(Fails(engine.Run({}, &outputs), MaceStatus::MACE_INVALID_ARGS, "not initialized"));
  EXPECT_TRUE(Fails(engine.Init(files.graph.data(), files.graph.size(), {}, {}, std::string()),
                    MaceStatus::MACE_INVALID_ARGS, "neither the content nor the path"));
  EXPECT_TRUE(Fails(engine.Init(files.graph.data(), files.graph.size(), {}, {},
                                std::string("/nonexistent/model.data")),
                    MaceStatus::MACE_INVALID_ARGS, "/nonexistent/model.data"));
  ASSERT_MACE_OK(InitEngine(files, &engine));
  EXPECT_TRUE(Fails(InitEngine(files, &engine), MaceStatus::MACE_INVALID_ARGS, "before"));
}

TEST(EngineInit, NeededInputNotAskedFor) {
  const ModelFiles files = ManyOutputsModel();
  MaceEngine engine((MaceEngineConfig()));
  EXPECT_TRUE(Fails(InitEngine(files, &engine, {"a"}, {"sum"}), MaceStatus::MACE_INVALID_ARGS,
                    "need input 'b'"));
}

TEST(EngineConfig, Refusals) {
  MaceEngineConfig config;
  EXPECT_EQ(config.SetCPUThreadPolicy(2, AFFINITY_BIG_ONLY), MaceStatus::MACE_SUCCESS);
  EXPECT_EQ(config.SetCPUThreadPolicy(2, static_cast<CPUAffinityPolicy>(9)),
            MaceStatus::MACE_INVALID_ARGS);
  EXPECT_EQ(config.SetGPUHints(PERF_HIGH, PRIORITY_LOW), MaceStatus::MACE_SUCCESS);
  EXPECT_EQ(config.SetGPUHints(static_cast<GPUPerfHint>(7), PRIORITY_LOW),
            MaceStatus::MACE_INVALID_ARGS);
  EXPECT_EQ(config.SetGPUContext(nullptr), MaceStatus::MACE_INVALID_ARGS);
  const std::shared_ptr<GPUContext> context =
      GPUContextBuilder().SetStoragePath("/tmp").SetOpenCLBinaryPaths({"a"}).Finalize();
  EXPECT_EQ(config.SetGPUContext(context), MaceStatus::MACE_SUCCESS);
  MaceEngineConfig copy = config;
  copy = config;
}

TEST(Engine, NchwIsNotTakenForNhwc) {
  ModelBuilder builder;
  builder.Input("input", {1, 2, 2, 2}, DT_FLOAT, NCHW)
      .Output("output", {1, 2, 2, 2}, DT_FLOAT, NCHW)
      .Op("Identity", "id", {"input"}, {"output"});
  const ModelFiles files = builder.Build();
  const auto engine = MakeEngine(files);
  ASSERT_NE(engine, nullptr);
  const MaceTensor tensor = FloatTensor({1, 2, 2, 2}, Numbers(8));
  Tensors outputs = {{"output", EmptyTensor({1, 2, 2, 2})}};
  const std::vector<int64_t> &shape = tensor.shape();
  EXPECT_TRUE(
      Fails(engine->Run({{"input", MaceTensor(shape, tensor.raw_data(), IDataType::kFloat, NHWC)}},
                        &outputs),
            MaceStatus::MACE_INVALID_ARGS, "given as NHWC, but the model has it as NCHW"));
  ASSERT_MACE_OK(engine->Run(
      {{"input", MaceTensor(shape, tensor.raw_data(), IDataType::kFloat, NCHW)}}, &outputs));
  EXPECT_EQ(Values(outputs["output"]), Numbers(8));
}

TEST(MaceTensorTest, CopiesShareMemoryMovesLeaveAnEmptyTensor) {
  MaceTensor tensor = FloatTensor({2}, {1, 2});
  MaceTensor copy = tensor;
  EXPECT_EQ(copy.data(), tensor.data());
  MaceTensor moved = std::move(copy);
  EXPECT_EQ(moved.data(), tensor.data());
  EXPECT_EQ(copy.data(), nullptr);  // NOLINT(bugprone-use-after-move): it is promised
  EXPECT_TRUE(copy.shape().empty());
  EXPECT_EQ(EmptyTensor({1}, IDataType::kInt64).data(), nullptr);
  EXPECT_NE(EmptyTensor({1}, IDataType::kInt64).raw_data(), nullptr);
}

}  // namespace
}  // namespace test
}  // namespace mace
