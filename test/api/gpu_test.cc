// SPDX-License-Identifier: Apache-2.0
// Engines on the GPU runtime, with OpenCL on the CPU (PoCL) as the device: results as on the CPU,
// operators on both, caches, threads, and a status or the CPU whenever something fails.
#include <dirent.h>
#include <sys/stat.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <thread>

#include "gtest/gtest.h"
#include "mace/core/model_builder.h"
#include "mace/public/mace.h"
#include "mace/public/mace_gpu.h"

namespace mace {
namespace {

std::vector<float> Numbers(size_t count, uint32_t seed) {
  std::vector<float> numbers(count);
  for (float &number : numbers) {
    seed = seed * 1664525u + 1013904223u;
    number = static_cast<float>(seed >> 8) / (1 << 23) - 1;
  }
  return numbers;
}

// Convolutions with odd channel counts, a sum of two paths, and in the middle an operator that has
// no GPU kernel (a cumulative sum).
ModelFiles MixedModel(const std::vector<int64_t> &input = {1, 9, 7, 5}) {
  ModelBuilder builder;
  builder.Input("x", input, DT_FLOAT, NHWC).Output("y", {}, DT_FLOAT);
  builder.Constant<float>("w1", {6, 3, 3, 5}, Numbers(6 * 9 * 5, 1));
  builder.Constant<float>("b1", {6}, Numbers(6, 2));
  builder.Constant<float>("w2", {6, 1, 1, 6}, Numbers(36, 3));
  builder.Op("Conv2D", "first", {"x", "w1", "b1"}, {"a"},
             {StringArg("padding", "SAME"), StringArg("activation", "RELU")});
  builder.Op("Conv2D", "second", {"a", "w2"}, {"b"});
  builder.Op("Cumulate", "cpu", {"b"}, {"c"});
  builder.Op("Eltwise", "sum", {"c", "a"}, {"d"}, {StringArg("type", "SUM")});
  builder.Op("Activation", "last", {"d"}, {"y"}, {StringArg("activation", "TANH")});
  return builder.Build();
}

struct Made {
  MaceStatus status;
  std::unique_ptr<MaceEngine> engine;
};

Made Make(const ModelFiles &model, const MaceEngineConfig &config) {
  Made made;
  made.engine = std::make_unique<MaceEngine>(config);
  made.status = made.engine->Init(model.graph.data(), model.graph.size(), {}, {}, model.data(),
                                  model.data_size);
  return made;
}

MaceStatus RunOnce(MaceEngine *engine, const std::vector<int64_t> &shape,
                   std::vector<float> *output, RunMetadata *metadata = nullptr) {
  size_t count = 1;
  for (int64_t dim : shape) count *= static_cast<size_t>(dim);
  const std::vector<float> numbers = Numbers(count, 9);
  std::shared_ptr<float> data(new float[count], std::default_delete<float[]>());
  std::copy(numbers.begin(), numbers.end(), data.get());
  std::map<std::string, MaceTensor> inputs, outputs;
  inputs["x"] = MaceTensor(shape, data);
  outputs["y"] = MaceTensor();
  const MaceStatus status = engine->Run(inputs, &outputs, metadata);
  if (!status.ok()) return status;
  size_t size = 1;
  for (int64_t dim : outputs["y"].shape()) size *= static_cast<size_t>(dim);
  const float *result = outputs["y"].data().get();
  output->assign(result, result + size);
  return status;
}

const std::vector<int64_t> kShape = {1, 9, 7, 5};

std::vector<float> OnCpu(const ModelFiles &model, const std::vector<int64_t> &shape = kShape) {
  const Made made = Make(model, MaceEngineConfig(CPU));
  std::vector<float> output;
  EXPECT_TRUE(made.status.ok()) << made.status.information();
  EXPECT_TRUE(RunOnce(made.engine.get(), shape, &output).ok());
  return output;
}

void ExpectNear(const std::vector<float> &actual, const std::vector<float> &expected, float limit) {
  ASSERT_EQ(actual.size(), expected.size());
  for (size_t i = 0; i < actual.size(); ++i) ASSERT_NEAR(actual[i], expected[i], limit) << i;
}

class GpuTest : public testing::Test {
 protected:
  void SetUp() override {
    setenv("MACE_OPENCL_DEVICE", "Portable Computing Language", 0);
    const char *folder = std::getenv("TEST_TMPDIR");
    folder_ = folder == nullptr ? "/tmp" : folder;
  }
  MaceEngineConfig Config(std::shared_ptr<GPUContext> context = nullptr) const {
    MaceEngineConfig config(GPU);
    if (context != nullptr) {
      EXPECT_TRUE(config.SetGPUContext(context).ok());
    }
    return config;
  }
  std::string folder_;
};

class GpuStorageTest : public GpuTest,
                       public testing::WithParamInterface<std::pair<GPUDataType, GPUMemoryType>> {};

TEST_P(GpuStorageTest, GivesWhatTheCpuGives) {
  const ModelFiles model = MixedModel();
  MaceEngineConfig config = Config();
  ASSERT_TRUE(config.SetGPUStorage(GetParam().first, GetParam().second).ok());
  const Made made = Make(model, config);
  ASSERT_TRUE(made.status.ok()) << made.status.information();
  const std::vector<float> expected = OnCpu(model);
  std::vector<float> output;
  for (int round = 0; round < 3; ++round) {
    const MaceStatus status = RunOnce(made.engine.get(), kShape, &output);
    ASSERT_TRUE(status.ok()) << status.information();
    ExpectNear(output, expected, GetParam().first == GPU_DATA_HALF ? 2e-2f : 1e-5f);
  }
  std::map<std::string, MaceEngine::OperatorPlacement> placed;
  for (const auto &each : made.engine->Placements()) placed[each.operator_name] = each;
  ASSERT_EQ(placed.size(), 5u);
  for (const char *name : {"first", "second", "sum", "last"}) EXPECT_EQ(placed[name].device, GPU);
  EXPECT_EQ(placed["cpu"].device, CPU);
  EXPECT_NE(placed["cpu"].reason.find("no GPU kernel"), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(All, GpuStorageTest,
                         testing::Values(std::make_pair(GPU_DATA_FLOAT, GPU_MEMORY_BUFFER),
                                         std::make_pair(GPU_DATA_FLOAT, GPU_MEMORY_IMAGE),
                                         std::make_pair(GPU_DATA_HALF, GPU_MEMORY_BUFFER),
                                         std::make_pair(GPU_DATA_HALF, GPU_MEMORY_IMAGE)));

// Two convolutions whose outputs are concatenated, one of them and the sum of it with another
// tensor.
ModelFiles JoinedModel() {
  ModelBuilder builder;
  builder.Input("x", {1, 6, 5, 8}, DT_FLOAT, NHWC).Output("y", {}, DT_FLOAT);
  builder.Constant<float>("w1", {8, 1, 1, 8}, Numbers(64, 1));
  builder.Constant<float>("w2", {4, 3, 3, 8}, Numbers(4 * 9 * 8, 2));
  builder.Constant<float>("w3", {24, 1, 1, 24}, Numbers(24 * 24, 3));
  builder.Op("Conv2D", "first", {"x", "w1"}, {"a"}, {StringArg("activation", "RELU")});
  builder.Op("Conv2D", "second", {"a", "w2"}, {"b"}, {StringArg("padding", "SAME")});
  builder.Op(
      "Pooling", "pool", {"x"}, {"c"},
      {StringArg("pooling_type", "MAX"), IntsArg("kernels", {3, 3}), StringArg("padding", "SAME")});
  builder.Op("Concat", "inner", {"b", "c"}, {"d"}, {IntArg("axis", 3)});
  builder.Op("Conv2D", "third", {"x", "w2"}, {"e"}, {StringArg("padding", "SAME")});
  builder.Op("Concat", "outer", {"a", "d", "e"}, {"f"}, {IntArg("axis", -1)});
  builder.Op("Conv2D", "last", {"f", "w3"}, {"g"});
  builder.Op("Eltwise", "sum", {"f", "g"}, {"h"},
             {StringArg("type", "SUM"), StringArg("activation", "RELU")});
  builder.Op("Pooling", "mean", {"h"}, {"y"},
             {StringArg("pooling_type", "AVG"), IntsArg("kernels", {2, 2})});
  return builder.Build();
}

TEST_P(GpuStorageTest, SumsAndConcatenationsAreJoined) {
  const ModelFiles model = JoinedModel();
  const std::vector<int64_t> shape = {1, 6, 5, 8};
  MaceEngineConfig config = Config();
  ASSERT_TRUE(config.SetGPUStorage(GetParam().first, GetParam().second).ok());
  const Made made = Make(model, config);
  ASSERT_TRUE(made.status.ok()) << made.status.information();
  std::vector<float> output;
  const MaceStatus status = RunOnce(made.engine.get(), shape, &output);
  ASSERT_TRUE(status.ok()) << status.information();
  ExpectNear(output, OnCpu(model, shape), GetParam().first == GPU_DATA_HALF ? 5e-2f : 1e-4f);
}

// Parts of kernels and a short queue change times alone.
TEST_P(GpuStorageTest, LimitedKernelsGiveTheSameBits) {
  const ModelFiles model = JoinedModel();
  const std::vector<int64_t> shape = {1, 6, 5, 8};
  const std::shared_ptr<GPUContext> context = GPUContextBuilder().Finalize();
  const auto run = [&](int kernel_micros, int queued_kernels) {
    EXPECT_TRUE(LimitGPUContext(context, kernel_micros, queued_kernels).ok());
    MaceEngineConfig config = Config(context);
    EXPECT_TRUE(config.SetGPUStorage(GetParam().first, GetParam().second).ok());
    const Made made = Make(model, config);
    EXPECT_TRUE(made.status.ok()) << made.status.information();
    std::vector<float> output, first;
    for (int round = 0; round < 4; ++round) {
      const MaceStatus status = RunOnce(made.engine.get(), shape, &output);
      EXPECT_TRUE(status.ok()) << status.information();
      if (round == 0) first = output;
      EXPECT_EQ(output, first) << "round " << round;
    }
    return output;
  };
  const std::vector<float> whole = run(0, 0);
  EXPECT_EQ(run(1, 0), whole);
  EXPECT_EQ(run(-1, 1), whole);
  EXPECT_EQ(run(5, 3), whole);
  EXPECT_FALSE(LimitGPUContext(nullptr, 0, 0).ok());
}

// Convolutions of one input: of the input those that go to a concatenation and to two convolutions,
// of the concatenation one without and one with an activation.
ModelFiles SiblingsModel() {
  ModelBuilder builder;
  builder.Input("x", {1, 6, 5, 8}, DT_FLOAT, NHWC).Output("y", {}, DT_FLOAT);
  for (int i = 1; i <= 4; ++i) {
    builder.Constant<float>("w" + std::to_string(i), {4 * i, 1, 1, 8}, Numbers(32 * i, i));
    builder.Constant<float>("b" + std::to_string(i), {4 * i}, Numbers(4 * i, 5 + i));
  }
  builder.Constant<float>("w5", {8, 3, 3, 8}, Numbers(8 * 72, 11));
  builder.Constant<float>("w6", {8, 3, 3, 12}, Numbers(8 * 108, 12));
  builder.Constant<float>("w7", {8, 1, 1, 20}, Numbers(160, 13));
  builder.Constant<float>("w8", {16, 1, 1, 20}, Numbers(320, 14));
  builder.Constant<float>("w9", {8, 1, 1, 16}, Numbers(128, 15));
  const auto relu = StringArg("activation", "RELU"), same = StringArg("padding", "SAME");
  builder.Op("Conv2D", "placed", {"x", "w1", "b1"}, {"a"}, {relu});
  builder.Op("Conv2D", "shared", {"x", "w2", "b2"}, {"b"}, {relu});
  builder.Op("Conv2D", "three", {"b", "w5"}, {"c"}, {same});
  builder.Op("Conv2D", "shared_too", {"x", "w3", "b3"}, {"d"}, {relu});
  builder.Op("Conv2D", "five", {"d", "w6"}, {"e"}, {same});
  builder.Op("Concat", "concat", {"a", "c", "e"}, {"f"}, {IntArg("axis", 3)});
  builder.Op("Conv2D", "active", {"f", "w8"}, {"h"}, {relu});
  builder.Op("Conv2D", "plain", {"f", "w7"}, {"g"});
  builder.Op("Conv2D", "after", {"h", "w9"}, {"i"});
  builder.Op("Eltwise", "sum", {"g", "i"}, {"y"}, {StringArg("type", "SUM"), relu});
  return builder.Build();
}

TEST_P(GpuStorageTest, SiblingsAreJoined) {
  const ModelFiles model = SiblingsModel();
  const std::vector<int64_t> shape = {1, 6, 5, 8};
  MaceEngineConfig config = Config();
  ASSERT_TRUE(config.SetGPUStorage(GetParam().first, GetParam().second).ok());
  const Made made = Make(model, config);
  ASSERT_TRUE(made.status.ok()) << made.status.information();
  std::vector<float> output;
  RunMetadata metadata;
  const MaceStatus status = RunOnce(made.engine.get(), shape, &output, &metadata);
  ASSERT_TRUE(status.ok()) << status.information();
  ExpectNear(output, OnCpu(model, shape), GetParam().first == GPU_DATA_HALF ? 5e-2f : 1e-4f);
  std::vector<std::string> ran;
  for (const OperatorStats &stats : metadata.op_stats) ran.push_back(stats.operator_name);
  const std::vector<std::string> expected = {"placed", "three", "five", "concat", "plain", "after"};
  EXPECT_EQ(ran, expected);
}

TEST_F(GpuTest, TunesKeepsWhatItFoundAndUsesIt) {
  ModelBuilder builder;
  builder.Input("x", {1, 3, 4, 8}, DT_FLOAT, NHWC).Output("y", {}, DT_FLOAT);
  builder.Constant<float>("w1", {4, 1, 1, 8}, Numbers(32, 1));
  builder.Op("Conv2D", "first", {"x", "w1"}, {"a"}, {StringArg("activation", "RELU")});
  builder.Op("Activation", "last", {"a"}, {"y"}, {StringArg("activation", "TANH")});
  const ModelFiles model = builder.Build();
  const std::vector<int64_t> shape = {1, 3, 4, 8};
  const std::vector<float> expected = OnCpu(model, shape);
  const float limit = 1e-4f;
  const std::string path = folder_ + "/tuned.bin";
  std::remove(path.c_str());
  const auto run = [&](bool tune, int *calls) {
    const std::shared_ptr<GPUContext> context =
        GPUContextBuilder().SetOpenCLParameterPath(path).Finalize();
    if (tune) {
      EXPECT_TRUE(TuneGPUContext(context, [calls](int done, int count) {
                    EXPECT_LE(done, count);
                    ++*calls;
                  }).ok());
    }
    const Made made = Make(model, Config(context));
    EXPECT_TRUE(made.status.ok()) << made.status.information();
    std::vector<float> output;
    const MaceStatus status = RunOnce(made.engine.get(), shape, &output);
    EXPECT_TRUE(status.ok()) << status.information();
    ExpectNear(output, expected, limit);
  };
  int first = 0, second = 0;
  run(true, &first);
  EXPECT_GT(first, 1);
  std::string content;
  {
    std::ifstream file(path, std::ios::binary);
    content.assign(std::istreambuf_iterator<char>(file), {});
  }
  EXPECT_NE(content.find("Conv2D:"), std::string::npos);
  EXPECT_NE(content.find('#'), std::string::npos) << "what the kernels take";
  // What is known is not tuned again, and is used without tuning.
  run(true, &second);
  EXPECT_EQ(second, 0);
  run(false, nullptr);
  // A damaged file is ignored.
  ASSERT_GT(content.size(), 40u);
  content[content.size() - 3] ^= 1;
  std::ofstream(path, std::ios::binary) << content;
  run(false, nullptr);
  EXPECT_FALSE(TuneGPUContext(nullptr).ok());
}

TEST_F(GpuTest, ShapesMayChange) {
  const ModelFiles model = MixedModel({-1, -1, -1, 5});
  const Made made = Make(model, Config());
  ASSERT_TRUE(made.status.ok()) << made.status.information();
  for (const std::vector<int64_t> &shape :
       {std::vector<int64_t>{1, 9, 7, 5}, {2, 4, 4, 5}, {1, 20, 11, 5}, {1, 9, 7, 5}}) {
    std::vector<float> output;
    const MaceStatus status = RunOnce(made.engine.get(), shape, &output);
    ASSERT_TRUE(status.ok()) << status.information();
    ExpectNear(output, OnCpu(model, shape), 1e-5f);
  }
}

TEST_F(GpuTest, EnginesInThreadsShareAContextThatMayGoFirst) {
  const ModelFiles model = MixedModel();
  const std::vector<float> expected = OnCpu(model);
  std::shared_ptr<GPUContext> context = GPUContextBuilder().Finalize();
  std::vector<Made> made(3);
  std::vector<std::thread> threads;
  for (Made &each : made) {
    threads.emplace_back([&each, &model, &context, &expected, this] {
      each = Make(model, Config(context));
      ASSERT_TRUE(each.status.ok()) << each.status.information();
      for (int round = 0; round < 5; ++round) {
        std::vector<float> output;
        ASSERT_TRUE(RunOnce(each.engine.get(), kShape, &output).ok());
        ExpectNear(output, expected, 1e-5f);
      }
    });
  }
  for (std::thread &thread : threads) thread.join();
  context.reset();
  made[0] = Made();
  std::vector<float> output;
  ASSERT_TRUE(RunOnce(made[1].engine.get(), kShape, &output).ok());
  ExpectNear(output, expected, 1e-5f);
}

TEST_F(GpuTest, CompiledProgramsAreKeptAndDamagedOnesIgnored) {
  const ModelFiles model = MixedModel();
  const std::vector<float> expected = OnCpu(model);
  const std::string file = folder_ + "/mace_cl_compiled_program.bin";
  std::remove(file.c_str());
  const auto run = [&] {
    const Made made = Make(model, Config(GPUContextBuilder().SetStoragePath(folder_).Finalize()));
    ASSERT_TRUE(made.status.ok()) << made.status.information();
    std::vector<float> output;
    ASSERT_TRUE(RunOnce(made.engine.get(), kShape, &output).ok());
    ExpectNear(output, expected, 1e-5f);
  };
  const auto read = [&] {
    std::ifstream stream(file, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(stream), {});
  };
  run();
  const std::string whole = read();
  ASSERT_GT(whole.size(), 1000u);
  run();
  EXPECT_EQ(read(), whole) << "nothing new was compiled";
  std::string flipped = whole;
  flipped[whole.size() / 2] ^= 1;
  for (const std::string &content :
       {std::string(), whole.substr(0, 40), whole.substr(0, whole.size() - 1), flipped}) {
    std::ofstream(file, std::ios::binary) << content;
    run();
    EXPECT_GT(read().size(), 1000u) << "written again";
  }
}

TEST_F(GpuTest, AFolderThatCannotBeWrittenIsNoError) {
  const ModelFiles model = MixedModel();
  const auto context = GPUContextBuilder()
                           .SetStoragePath("/proc/no/such/folder")
                           .SetOpenCLBinaryPaths({"/no/such/file"})
                           .SetOpenCLParameterPath("/no/such/file")
                           .Finalize();
  EXPECT_TRUE(Make(model, Config(context)).status.ok());
}

TEST_F(GpuTest, FiguresOfItsMemory) {
  const ModelFiles model = MixedModel();
  const Made on_cpu = Make(model, MaceEngineConfig(CPU));
  EXPECT_EQ(on_cpu.engine->device_memory_usage().arena, 0u);
  for (GPUMemoryType memory : {GPU_MEMORY_BUFFER, GPU_MEMORY_IMAGE}) {
    MaceEngineConfig config = Config();
    ASSERT_TRUE(config.SetGPUStorage(GPU_DATA_FLOAT, memory).ok());
    const Made made = Make(model, config);
    ASSERT_TRUE(made.status.ok()) << made.status.information();
    const MaceEngine::MemoryUsage usage = made.engine->device_memory_usage();
    // The first convolution's result of 9 x 7 x 6 floats and its input are live at once.
    EXPECT_GE(usage.arena_lower_bound, 63u * 11 * 4);
    EXPECT_GE(usage.arena, usage.arena_lower_bound);
    EXPECT_LE(usage.arena, 3 * usage.arena_lower_bound);
    EXPECT_GE(usage.packed_weights, (6u * 9 * 5 + 36) * 4);
  }
}

TEST_F(GpuTest, HalfArithmeticIsUsedWhereItIsAndLeftOutElsewhere) {
  const ModelFiles model = MixedModel();
  const std::vector<float> expected = OnCpu(model);
  for (GPUMemoryType memory : {GPU_MEMORY_BUFFER, GPU_MEMORY_IMAGE}) {
    MaceEngineConfig config = Config();
    ASSERT_TRUE(config.SetGPUStorage(GPU_DATA_HALF_ARITHMETIC, memory).ok());
    testing::internal::CaptureStderr();
    const Made made = Make(model, config);
    const std::string log = testing::internal::GetCapturedStderr();
    ASSERT_TRUE(made.status.ok()) << made.status.information();
    if (std::strcmp(std::getenv("MACE_OPENCL_DEVICE"), "Portable Computing Language") == 0) {
      EXPECT_NE(log.find("fp16_fp16 is computed as fp16_fp32"), std::string::npos) << log;
    }
    std::vector<float> output;
    ASSERT_TRUE(RunOnce(made.engine.get(), kShape, &output).ok());
    ExpectNear(output, expected, 2e-2f);
  }
  MaceEngineConfig config(GPU);
  EXPECT_FALSE(config.SetGPUStorage(static_cast<GPUDataType>(4), GPU_MEMORY_MODEL).ok());
}

TEST_F(GpuTest, RunsThatAreNotWaitedFor) {
  const ModelFiles model = MixedModel();
  const std::vector<float> expected = OnCpu(model);
  const Made made = Make(model, Config());
  ASSERT_TRUE(made.status.ok()) << made.status.information();
  const std::vector<float> numbers = Numbers(315, 9);
  std::shared_ptr<float> data(new float[315], std::default_delete<float[]>());
  std::copy(numbers.begin(), numbers.end(), data.get());
  std::vector<std::map<std::string, MaceTensor>> outputs(4, {{"y", MaceTensor()}});
  for (auto &each : outputs) {
    ASSERT_TRUE(made.engine->RunAsync({{"x", MaceTensor(kShape, data)}}, &each).ok());
  }
  const MaceStatus status = made.engine->Wait();
  ASSERT_TRUE(status.ok()) << status.information();
  for (auto &each : outputs) {
    const float *result = each["y"].data().get();
    ExpectNear(std::vector<float>(result, result + expected.size()), expected, 1e-5f);
  }
}

TEST_F(GpuTest, MemoryLimitsHold) {
  const ModelFiles model = MixedModel();
  // 100 bytes hold nothing; 5000 hold what is in buffers beside images, but not those.
  for (const auto &[memory, limit] :
       {std::make_pair(GPU_MEMORY_BUFFER, 100), std::make_pair(GPU_MEMORY_IMAGE, 5000)}) {
    MaceEngineConfig config = Config();
    ASSERT_TRUE(config.SetGPUStorage(GPU_DATA_FLOAT, memory).ok());
    ASSERT_TRUE(config.SetMemoryLimit(static_cast<size_t>(limit)).ok());
    EXPECT_EQ(Make(model, config).status, MaceStatus::MACE_OUT_OF_RESOURCES) << limit;
  }
}

// 4 blocks of 5000 columns are more texels than a row of PoCL's images has.
TEST_F(GpuTest, ATensorLargerThanImagesLiesInABuffer) {
  ModelBuilder builder;
  builder.Input("x", {1, 1, 5000, 16}, DT_FLOAT, NHWC).Output("y", {}, DT_FLOAT);
  builder.Op("Activation", "large", {"x"}, {"a"}, {StringArg("activation", "RELU")});
  builder.Op("Pooling", "small", {"a"}, {"b"},
             {StringArg("pooling_type", "MAX"), IntsArg("kernels", {1, 50}),
              IntsArg("strides", {1, 50}), StringArg("padding", "VALID")});
  builder.Op("Activation", "last", {"b"}, {"y"}, {StringArg("activation", "TANH")});
  const ModelFiles model = builder.Build();
  const std::vector<int64_t> shape = {1, 1, 5000, 16};
  MaceEngineConfig config = Config();
  ASSERT_TRUE(config.SetGPUStorage(GPU_DATA_FLOAT, GPU_MEMORY_IMAGE).ok());
  const Made made = Make(model, config);
  ASSERT_TRUE(made.status.ok()) << made.status.information();
  std::vector<float> output;
  const MaceStatus status = RunOnce(made.engine.get(), shape, &output);
  ASSERT_TRUE(status.ok()) << status.information();
  ExpectNear(output, OnCpu(model, shape), 1e-5f);
  for (const auto &each : made.engine->Placements()) EXPECT_EQ(each.device, GPU);
}

// The library and its failures are settled once for a process: each of these is one of its own.
using GpuDeathTest = GpuTest;

int InChild(const char *name, const char *value, bool fallback) {
  setenv(name, value, 1);
  const ModelFiles model = MixedModel();
  MaceEngineConfig config(GPU);
  if (!config.SetCPUFallback(fallback).ok()) return 1;
  const Made made = Make(model, config);
  if (!fallback) {
    std::fprintf(stderr, "%s\n", made.status.message().c_str());
    return made.status.ok() ? 2 : made.status.message().empty() ? 3 : 0;
  }
  std::vector<float> output;
  if (!made.status.ok() || !RunOnce(made.engine.get(), kShape, &output).ok()) return 4;
  const std::vector<float> expected = OnCpu(model);
  for (size_t i = 0; i < output.size(); ++i) {
    if (std::fabs(output[i] - expected[i]) > 1e-5f) return 5;
  }
  for (const auto &each : made.engine->Placements()) {
    if (each.device != CPU || each.reason.empty()) return 6;
  }
  return 0;
}

TEST_F(GpuDeathTest, NoLibraryGivesAReasonOrTheCpu) {
  EXPECT_EXIT(std::_Exit(InChild("MACE_OPENCL_LIBRARY", "/no/such/library.so", false)),
              testing::ExitedWithCode(0), "MACE_OPENCL_LIBRARY cannot be used");
  EXPECT_EXIT(std::_Exit(InChild("MACE_OPENCL_LIBRARY", "/no/such/library.so", true)),
              testing::ExitedWithCode(0), "executed on the CPU");
  // One that is a library, but not of OpenCL.
  EXPECT_EXIT(std::_Exit(InChild("MACE_OPENCL_LIBRARY", "libm.so.6", false)),
              testing::ExitedWithCode(0), "has no function");
}

TEST_F(GpuDeathTest, NoSuchDeviceGivesAReasonOrTheCpu) {
  EXPECT_EXIT(std::_Exit(InChild("MACE_OPENCL_DEVICE", "Nonesuch", false)),
              testing::ExitedWithCode(0), "no OpenCL device is called like");
  EXPECT_EXIT(std::_Exit(InChild("MACE_OPENCL_DEVICE", "Nonesuch", true)),
              testing::ExitedWithCode(0), "executed on the CPU");
}

// Every engine works, by the CPU if need be, whatever calls of the driver fail.
int Failing(const char *ratio) {
  setenv("MACE_RUNTIME_FAILURE_RATIO", ratio, 1);
  const ModelFiles model = MixedModel();
  const std::vector<float> expected = OnCpu(model);
  for (int round = 0; round < 12; ++round) {
    for (bool fallback : {false, true}) {
      MaceEngineConfig config(GPU);
      if (!config.SetCPUFallback(fallback).ok()) return 1;
      const Made made = Make(model, config);
      if (!made.status.ok() && (fallback || made.status.message().empty())) return 2;
      if (!made.status.ok()) continue;
      for (int run = 0; run < 4; ++run) {
        std::vector<float> output;
        const MaceStatus status = RunOnce(made.engine.get(), kShape, &output);
        if (!status.ok() && (fallback || status.message().empty())) return 3;
        for (size_t i = 0; status.ok() && i < output.size(); ++i) {
          if (std::fabs(output[i] - expected[i]) > 1e-5f) return 4;
        }
      }
    }
  }
  return 0;
}

TEST_F(GpuDeathTest, FailuresOfTheDriverAreBorne) {
  EXPECT_EXIT(std::_Exit(Failing("often")), testing::ExitedWithCode(0), "not a number from 0 to 1");
  for (const char *ratio : {"1", "0.3", "0.03"}) {
    EXPECT_EXIT(std::_Exit(Failing(ratio)), testing::ExitedWithCode(0), "") << ratio;
  }
}

}  // namespace
}  // namespace mace
