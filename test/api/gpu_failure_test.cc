// SPDX-License-Identifier: Apache-2.0
// The GPU runtime with a driver that fails at any call, and with a system that does: always a
// status with a sentence or the right result, by the CPU if that is allowed, and nothing is left
// behind.
#include <dirent.h>
#include <dlfcn.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <chrono>
#include <cmath>
#include <csignal>
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
#include "mace/runtimes/opencl/cache_file.h"

namespace mace {
namespace {

std::vector<float> Numbers(size_t count) {
  std::vector<float> numbers(count);
  for (size_t i = 0; i < count; ++i) numbers[i] = static_cast<float>(i * 37 % 101) / 50 - 1;
  return numbers;
}

// A convolution, an operator of the CPU, and a sum: two segments.
ModelFiles SmallModel(const std::vector<int64_t> &shape = {1, 4, 3, 5}) {
  ModelBuilder builder;
  builder.Input("x", shape, DT_FLOAT, NHWC).Output("y", {}, DT_FLOAT);
  builder.Constant<float>("w", {6, 1, 1, 5}, Numbers(30));
  builder.Op("Conv2D", "conv", {"x", "w"}, {"a"});
  builder.Op("Cumulate", "cpu", {"a"}, {"b"});
  builder.Op("Eltwise", "sum", {"a", "b"}, {"y"}, {StringArg("type", "SUM")});
  return builder.Build();
}

struct Options {
  bool fallback = false;
  GPUMemoryType memory = GPU_MEMORY_BUFFER;
  DeviceType device = GPU;
  std::shared_ptr<GPUContext> context = nullptr;
};

// Makes an engine and runs it twice. The first status that is no success.
MaceStatus Use(const Options &options, std::vector<float> *output) {
  const ModelFiles model = SmallModel();
  MaceEngineConfig config(options.device);
  EXPECT_TRUE(config.SetCPUFallback(options.fallback).ok());
  EXPECT_TRUE(config.SetGPUStorage(GPU_DATA_FLOAT, options.memory).ok());
  if (options.context != nullptr) {
    EXPECT_TRUE(config.SetGPUContext(options.context).ok());
  }
  MaceEngine engine(config);
  MaceStatus status =
      engine.Init(model.graph.data(), model.graph.size(), {}, {}, model.data(), model.data_size);
  for (int round = 0; round < 2 && status.ok(); ++round) {
    const std::vector<float> numbers = Numbers(60);
    std::shared_ptr<float> data(new float[60], std::default_delete<float[]>());
    std::copy(numbers.begin(), numbers.end(), data.get());
    std::map<std::string, MaceTensor> inputs, outputs;
    inputs["x"] = MaceTensor({1, 4, 3, 5}, data);
    outputs["y"] = MaceTensor();
    RunMetadata metadata;
    status = engine.Run(inputs, &outputs, round == 0 ? nullptr : &metadata);
    if (status.ok()) output->assign(outputs["y"].data().get(), outputs["y"].data().get() + 72);
  }
  return status;
}

void ExpectRight(const std::vector<float> &output) {
  static const std::vector<float> expected = [] {
    std::vector<float> result;
    Options options;
    options.device = CPU;
    EXPECT_TRUE(Use(options, &result).ok());
    return result;
  }();
  ASSERT_EQ(output.size(), expected.size());
  for (size_t i = 0; i < output.size(); ++i) ASSERT_NEAR(output[i], expected[i], 1e-5f) << i;
}

class GpuFailureTest : public testing::Test {
 protected:
  void SetUp() override {
    setenv("MACE_OPENCL_DEVICE", "Portable Computing Language", 0);
    const char *library = std::getenv("WRAPPED_OPENCL");
    ASSERT_NE(library, nullptr);
    setenv("MACE_OPENCL_LIBRARY", library, 1);
    void *handle = dlopen(library, RTLD_LAZY);
    ASSERT_NE(handle, nullptr) << dlerror();
    Live = reinterpret_cast<int (*)()>(dlsym(handle, "WrappedLive"));
    Calls = reinterpret_cast<int (*)()>(dlsym(handle, "WrappedCalls"));
    Fail = reinterpret_cast<void (*)(const char *, int, int)>(dlsym(handle, "WrappedFail"));
    Delay = reinterpret_cast<int (*)(const char *, int)>(dlsym(handle, "WrappedDelay"));
    Fail("", -1, 0);
    Delay("", 0);
    const char *folder = std::getenv("TEST_TMPDIR");
    folder_ = std::string(folder == nullptr ? "/tmp" : folder) + "/" +
              testing::UnitTest::GetInstance()->current_test_info()->name();
    mkdir(folder_.c_str(), 0700);
  }
  std::vector<std::string> Files() const {
    std::vector<std::string> names;
    DIR *folder = opendir(folder_.c_str());
    while (const dirent *entry = readdir(folder)) {
      if (entry->d_name[0] != '.') names.push_back(entry->d_name);
    }
    closedir(folder);
    return names;
  }

  int (*Live)() = nullptr;
  int (*Calls)() = nullptr;
  void (*Fail)(const char *, int, int) = nullptr;
  int (*Delay)(const char *, int) = nullptr;
  std::string folder_;
};

constexpr char kFile[] = "mace_cl_compiled_program.bin";

TEST_F(GpuFailureTest, NothingIsLeftBehind) {
  for (GPUMemoryType memory : {GPU_MEMORY_BUFFER, GPU_MEMORY_IMAGE}) {
    Options options;
    options.memory = memory;
    std::vector<float> output;
    const MaceStatus status = Use(options, &output);
    ASSERT_TRUE(status.ok()) << status.information();
    ExpectRight(output);
    EXPECT_GT(Calls(), 20);
    EXPECT_EQ(Live(), 0);
  }
}

// The context is given up before the engine's end, or after it.
TEST_F(GpuFailureTest, ContextAndEngineEndInEitherOrder) {
  Options options;
  options.context = GPUContextBuilder().SetStoragePath(folder_).Finalize();
  std::vector<float> output;
  ASSERT_TRUE(Use(options, &output).ok());
  EXPECT_GT(Live(), 0) << "the context has a device and programs";
  options.context.reset();
  EXPECT_EQ(Live(), 0);
}

TEST_F(GpuFailureTest, AnyCallMayFail) {
  std::vector<float> output;
  // Programs are compiled once, but where that is what fails.
  Options warm;
  warm.context = GPUContextBuilder().Finalize();
  for (GPUMemoryType memory : {GPU_MEMORY_BUFFER, GPU_MEMORY_IMAGE}) {
    warm.memory = memory;
    ASSERT_TRUE(Use(warm, &output).ok());
  }
  const int kept = Live();
  for (const char *name :
       {"clCreateContext", "clCreateProgramWithSource", "clBuildProgram", "clCreateCommandQueue",
        "clCreateBuffer", "clCreateSubBuffer", "clCreateImage2D", "clCreateKernel",
        "clSetKernelArg", "clEnqueueNDRangeKernel", "clEnqueueReadBuffer", "clEnqueueWriteBuffer",
        "clEnqueueMapBuffer", "clEnqueueUnmapMemObject"}) {
    const bool fresh = name == std::string("clCreateContext") || std::strstr(name, "Program");
    // A call in the middle of many says as little as its neighbours.
    for (int number = 0; number < 40; number += fresh ? 2 : 1 + number / 3) {
      SCOPED_TRACE(std::string(name) + " number " + std::to_string(number));
      Options options;
      options.memory = number % 2 == 0 ? GPU_MEMORY_IMAGE : GPU_MEMORY_BUFFER;
      options.fallback = number % 3 == 1;
      if (!fresh) options.context = warm.context;
      Fail(name, number, 1);
      const MaceStatus status = Use(options, &output);
      const bool reached = Calls() > number;
      if (status.ok()) {
        ExpectRight(output);
        EXPECT_TRUE(!reached || options.fallback);
      } else {
        EXPECT_TRUE(reached);
        EXPECT_FALSE(options.fallback) << status.information();
        EXPECT_FALSE(status.message().empty());
      }
      EXPECT_EQ(Live(), kept);
      if (!reached) break;
    }
  }
}

TEST_F(GpuFailureTest, ADeviceMayDisappear) {
  std::vector<float> output;
  Fail("", -1, 0);
  ASSERT_TRUE(Use(Options(), &output).ok());
  const int all = Calls();
  for (int number = 0; number < all; number += 1 + all / 5) {
    for (bool fallback : {false, true}) {
      SCOPED_TRACE(number);
      Options options;
      options.fallback = fallback;
      Fail("", number, 1 << 30);
      const MaceStatus status = Use(options, &output);
      EXPECT_EQ(status.ok(), fallback) << status.information();
      if (status.ok()) ExpectRight(output);
      EXPECT_EQ(Live(), 0);
    }
  }
}

TEST_F(GpuFailureTest, EnginesShareAContextWhoseDeviceDisappears) {
  Options options;
  options.context = GPUContextBuilder().Finalize();
  options.fallback = true;
  Fail("", 150, 1 << 30);
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&options] {
      std::vector<float> output;
      const MaceStatus status = Use(options, &output);
      EXPECT_TRUE(status.ok()) << status.information();
      ExpectRight(output);
    });
  }
  for (std::thread &thread : threads) thread.join();
  options.context.reset();
  EXPECT_EQ(Live(), 0);
}

// Four kernels of 64 work-groups each, and many calls of a function in each of three runs.
TEST_F(GpuFailureTest, LimitsDivideLaunchesAndBoundTheQueue) {
  ModelBuilder builder;
  builder.Input("x", {1, 64, 16, 16}, DT_FLOAT, NHWC).Output("y", {}, DT_FLOAT);
  std::string last = "x";
  for (const char *name : {"a", "b", "c", "y"}) {
    builder.Op("Activation", name, {last}, {name}, {StringArg("activation", "SIGMOID")});
    last = name;
  }
  const auto calls = [&](const ModelFiles &model, int micros, int queued, const char *function) {
    MaceEngineConfig config(GPU);
    const std::shared_ptr<GPUContext> context = GPUContextBuilder().Finalize();
    EXPECT_TRUE(LimitGPUContext(context, micros, queued).ok());
    EXPECT_TRUE(config.SetGPUContext(context).ok());
    EXPECT_TRUE(config.SetGPUStorage(GPU_DATA_FLOAT, GPU_MEMORY_BUFFER).ok());
    MaceEngine engine(config);
    const MaceStatus made =
        engine.Init(model.graph.data(), model.graph.size(), {}, {}, model.data(), model.data_size);
    EXPECT_TRUE(made.ok()) << made.information();
    std::shared_ptr<float> data(new float[64 * 256](), std::default_delete<float[]>());
    std::vector<int> counts;
    for (int round = 0; round < 3; ++round) {
      Fail(function, -1, 0);
      std::map<std::string, MaceTensor> outputs = {{"y", MaceTensor()}};
      EXPECT_TRUE(engine.Run({{"x", MaceTensor({1, 64, 16, 16}, data)}}, &outputs).ok());
      counts.push_back(Calls());
    }
    return counts;
  };
  const char *const launch = "clEnqueueNDRangeKernel", *const wait = "clWaitForEvents";
  const ModelFiles model = builder.Build();
  using Counts = std::vector<int>;
  EXPECT_EQ(calls(model, 0, 0, launch), (Counts{4, 4, 4}));
  EXPECT_EQ(calls(model, 0, 0, wait), (Counts{0, 0, 0})) << "no cost without limits";
  EXPECT_EQ(calls(model, 0, 1, wait), (Counts{3, 3, 3}));
  EXPECT_EQ(calls(model, 0, 3, wait), (Counts{1, 1, 1}));
  EXPECT_EQ(calls(model, 0, 4, wait), (Counts{0, 0, 0}));
  // Each takes more than a microsecond, and is divided once that is known.
  EXPECT_GT(calls(model, 1, 0, launch)[2], 8);
  EXPECT_EQ(calls(model, 10000000, 0, launch), (Counts{4, 4, 4}));
  // As the model says, where the application says nothing.
  builder.net()->arg.push_back(StringArg("opencl_queue_window_size", "2"));
  const ModelFiles limited = builder.Build();
  EXPECT_EQ(calls(limited, 0, 0, wait), (Counts{2, 2, 2}));
  EXPECT_EQ(calls(limited, 0, -1, wait), (Counts{0, 0, 0}));
}

TEST_F(GpuFailureTest, ProgramsAreCompiledOnceAndInParallel) {
  ModelBuilder builder;
  builder.Input("x", {1, 4, 4, 4}, DT_FLOAT, NHWC).Output("y", {}, DT_FLOAT);
  builder.Op("Activation", "first", {"x"}, {"a"}, {StringArg("activation", "RELU")});
  builder.Op("Pooling", "pool", {"a"}, {"b"},
             {StringArg("pooling_type", "MAX"), IntsArg("kernels", {2, 2})});
  builder.Op("Softmax", "softmax", {"b"}, {"c"});
  builder.Op("Activation", "last", {"c"}, {"y"}, {StringArg("activation", "RELU")});
  const ModelFiles model = builder.Build();
  MaceEngineConfig config(GPU);
  ASSERT_TRUE(config.SetGPUStorage(GPU_DATA_FLOAT, GPU_MEMORY_BUFFER).ok());
  Fail("clBuildProgram", -1, 0);
  Delay("clBuildProgram", 500);
  MaceEngine engine(config);
  ASSERT_TRUE(engine.Init(model.graph.data(), model.graph.size(), {}, {}, nullptr, 0).ok());
  EXPECT_EQ(Calls(), 3) << "each program once, and no other";
  EXPECT_EQ(Delay("", 0) > 1, std::thread::hardware_concurrency() > 1);
}

// One engine that compiles in the background, for as long as each program takes a second.
class GpuBackgroundTest : public GpuFailureTest {
 protected:
  MaceStatus Init(bool fallback, const std::vector<int64_t> &shape = {1, 4, 3, 5}) {
    model_ = SmallModel(shape);
    MaceEngineConfig config(GPU);
    const std::shared_ptr<GPUContext> context = GPUContextBuilder().Finalize();
    EXPECT_TRUE(CompileGPUContextInBackground(context, true).ok());
    EXPECT_TRUE(config.SetGPUContext(context).ok());
    EXPECT_TRUE(config.SetGPUStorage(GPU_DATA_FLOAT, GPU_MEMORY_BUFFER).ok());
    EXPECT_TRUE(config.SetCPUFallback(fallback).ok());
    engine_ = std::make_unique<MaceEngine>(config);
    return engine_->Init(model_.graph.data(), model_.graph.size(), {}, {}, model_.data(),
                         model_.data_size);
  }
  MaceStatus Run(int64_t rows = 4) {
    const std::vector<float> numbers = Numbers(static_cast<size_t>(rows) * 15);
    std::shared_ptr<float> data(new float[numbers.size()], std::default_delete<float[]>());
    std::copy(numbers.begin(), numbers.end(), data.get());
    std::map<std::string, MaceTensor> outputs = {{"y", MaceTensor()}};
    const MaceStatus status = engine_->Run({{"x", MaceTensor({1, rows, 3, 5}, data)}}, &outputs);
    if (status.ok() && rows == 4) {
      const float *result = outputs["y"].data().get();
      ExpectRight(std::vector<float>(result, result + 72));
    }
    return status;
  }
  DeviceType Device() const { return engine_->Placements().at(0).device; }
  // Runs until the GPU does it, or it fails.
  MaceStatus RunUntilGpu(int64_t rows = 4) {
    for (int round = 0; round < 6000; ++round) {
      const MaceStatus status = Run(rows);
      if (!status.ok() || Device() == GPU) return status;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return MaceStatus::MACE_RUNTIME_ERROR;
  }
  ModelFiles model_;
  std::unique_ptr<MaceEngine> engine_;
};

TEST_F(GpuBackgroundTest, TheCpuAnswersUntilTheGpuCan) {
  for (bool fallback : {false, true}) {
    Delay("clBuildProgram", 1000);
    ASSERT_TRUE(Init(fallback).ok());
    ASSERT_TRUE(Run().ok());
    EXPECT_EQ(Device(), CPU);
    EXPECT_EQ(engine_->Placements().at(0).reason, "the GPU's programs are being compiled");
    const MaceStatus status = RunUntilGpu();
    ASSERT_TRUE(status.ok()) << status.information();
    ASSERT_TRUE(Run().ok());
    EXPECT_GT(engine_->memory_usage().arena_lower_bound, 0u);
    engine_ = nullptr;
    EXPECT_EQ(Live(), 0);
  }
}

TEST_F(GpuBackgroundTest, AnEngineMayEndWhileItIsCompiled) {
  for (int millis : {0, 1, 5, 20, 100, 400}) {
    Delay("clBuildProgram", 200);
    ASSERT_TRUE(Init(millis % 2 == 0).ok());
    std::this_thread::sleep_for(std::chrono::milliseconds(millis));
    engine_ = nullptr;
    EXPECT_EQ(Live(), 0);
  }
}

TEST_F(GpuBackgroundTest, OtherShapesAreTheCpusUntilTheyArePlanned) {
  ASSERT_TRUE(Init(false, {1, -1, 3, 5}).ok());
  ASSERT_TRUE(RunUntilGpu().ok());
  Delay("clCreateKernel", 50);
  ASSERT_TRUE(Run(7).ok());
  EXPECT_EQ(Device(), CPU);
  ASSERT_TRUE(RunUntilGpu(7).ok());
  ASSERT_TRUE(Run().ok());
  EXPECT_EQ(Device(), GPU) << "this shape is known";
  // What the model does not allow is refused, and harms nothing.
  std::shared_ptr<float> data(new float[8](), std::default_delete<float[]>());
  std::map<std::string, MaceTensor> outputs = {{"y", MaceTensor()}};
  EXPECT_EQ(engine_->Run({{"x", MaceTensor({1, 2, 2, 2}, data)}}, &outputs),
            MaceStatus::MACE_INVALID_ARGS);
  ASSERT_TRUE(RunUntilGpu().ok());
}

TEST_F(GpuBackgroundTest, AGpuThatCannotBeUsedIsToldOrLeftAlone) {
  for (bool fallback : {false, true}) {
    Fail("clCreateContext", 0, 1 << 30);
    ASSERT_TRUE(Init(fallback).ok());
    MaceStatus status;
    for (int round = 0; round < 5000 && status.ok(); ++round) {
      if (engine_->Placements()[0].reason.find("clCreateContext") != std::string::npos) break;
      status = Run();
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    EXPECT_EQ(status.ok(), fallback) << status.information();
    EXPECT_EQ(Run().ok(), fallback);
    EXPECT_EQ(Device(), CPU);
    engine_ = nullptr;
    EXPECT_EQ(Live(), 0);
    Fail("", -1, 0);
  }
  EXPECT_FALSE(CompileGPUContextInBackground(nullptr, true).ok());
}

TEST_F(GpuBackgroundTest, AFailureDuringARunIsTheCpusIfItMay) {
  for (bool fallback : {false, true}) {
    ASSERT_TRUE(Init(fallback).ok());
    ASSERT_TRUE(RunUntilGpu().ok());
    Fail("clEnqueueNDRangeKernel", 0, 1 << 30);
    EXPECT_EQ(Run().ok(), fallback);
    EXPECT_EQ(Run().ok(), fallback);
    engine_ = nullptr;
    EXPECT_EQ(Live(), 0);
    Fail("", -1, 0);
  }
}

TEST_F(GpuFailureTest, AFullDiskKeepsTheOldFile) {
  const std::string path = folder_ + "/" + kFile, large(100000, 'x');
  const auto write = [&](const std::string &value) {
    return opencl::WriteCacheFile(path, opencl::CacheKind::kPrograms, "driver", {{"key", value}});
  };
  ASSERT_TRUE(write("old").ok());
  rlimit before;
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  // Writing then fails as on a full disk.
  signal(SIGXFSZ, SIG_IGN);
  rlimit small = before;
  small.rlim_cur = 512;
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  const MaceStatus status = write(large);
  setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_EQ(status, MaceStatus::MACE_RUNTIME_ERROR);
  EXPECT_NE(status.message().find("cannot write"), std::string::npos) << status.message();
  EXPECT_EQ(Files(), std::vector<std::string>{kFile});
  opencl::CacheEntries entries;
  ASSERT_TRUE(opencl::ReadCacheFile(path, opencl::CacheKind::kPrograms, "driver", &entries).ok());
  EXPECT_EQ(entries["key"], "old");
}

TEST_F(GpuFailureTest, FilesOfAnotherDriverAreNotUsed) {
  const std::string file = folder_ + "/" + kFile, other = folder_ + "/other.bin";
  for (const std::string &path : {file, other}) {
    ASSERT_TRUE(opencl::WriteCacheFile(path, opencl::CacheKind::kPrograms, "another driver",
                                       {{"key", "value"}})
                    .ok());
  }
  Options options;
  options.context = GPUContextBuilder()
                        .SetStoragePath(folder_)
                        .SetOpenCLBinaryPaths({other})
                        .SetOpenCLParameterPath(other)
                        .Finalize();
  std::vector<float> output;
  ASSERT_TRUE(Use(options, &output).ok());
  ExpectRight(output);
  std::ifstream stream(file, std::ios::binary);
  const std::string content(std::istreambuf_iterator<char>(stream), {});
  EXPECT_EQ(content.find("another driver"), std::string::npos) << "replaced by this driver's";
  EXPECT_GT(content.size(), 1000u);
}

TEST_F(GpuFailureTest, PrecompiledFilesThatAreDamagedOrForeignAreIgnored) {
  const std::string written = folder_ + "/" + kFile, given = folder_ + "/precompiled.bin";
  // How many programs were compiled from their sources.
  const auto compiled = [&](const std::vector<std::string> &paths, const std::string &storage) {
    Options options;
    options.context =
        GPUContextBuilder().SetStoragePath(storage).SetOpenCLBinaryPaths(paths).Finalize();
    Fail("clCreateProgramWithSource", -1, 0);
    std::vector<float> output;
    const MaceStatus status = Use(options, &output);
    EXPECT_TRUE(status.ok()) << status.information();
    ExpectRight(output);
    return Calls();
  };
  const auto give = [&](const std::string &content) {
    std::ofstream(given, std::ios::binary) << content;
  };
  const int all = compiled({}, folder_);
  ASSERT_GT(all, 1);
  std::ifstream stream(written, std::ios::binary);
  const std::string whole(std::istreambuf_iterator<char>(stream), {});
  give(whole);
  EXPECT_EQ(compiled({"/no/such", given}, ""), 0) << "the file is as good as the sources";
  for (const std::string &content :
       {std::string(), std::string("x"), whole.substr(0, 20), whole.substr(0, whole.size() - 1),
        whole + "x", std::string(whole.size(), 0)}) {
    give(content);
    EXPECT_EQ(compiled({given}, ""), all) << content.size();
  }
  for (size_t at = 3; at < whole.size(); at += whole.size() / 4) {
    std::string flipped = whole;
    flipped[at] = static_cast<char>(flipped[at] ^ 4);
    give(flipped);
    EXPECT_EQ(compiled({given}, ""), all) << at;
  }
  ASSERT_TRUE(opencl::WriteCacheFile(given, opencl::CacheKind::kPrograms, "another driver",
                                     {{"key", "value"}})
                  .ok());
  EXPECT_EQ(compiled({given}, ""), all);
  EXPECT_EQ(Live(), 0);
}

TEST_F(GpuFailureTest, SharedMemoryIsMappedAndNotCopied) {
  // PoCL shares the host's memory: two segments have three inputs and two outputs between them.
  const auto calls = [&](const char *function) {
    const ModelFiles model = SmallModel();
    MaceEngineConfig config(GPU);
    EXPECT_TRUE(config.SetGPUStorage(GPU_DATA_FLOAT, GPU_MEMORY_BUFFER).ok());
    MaceEngine engine(config);
    EXPECT_TRUE(
        engine.Init(model.graph.data(), model.graph.size(), {}, {}, model.data(), model.data_size)
            .ok());
    Fail(function, -1, 0);
    std::shared_ptr<float> data(new float[60](), std::default_delete<float[]>());
    std::map<std::string, MaceTensor> outputs = {{"y", MaceTensor()}};
    EXPECT_TRUE(engine.Run({{"x", MaceTensor({1, 4, 3, 5}, data)}}, &outputs).ok());
    return Calls();
  };
  EXPECT_EQ(calls("clEnqueueReadBuffer"), 0);
  EXPECT_EQ(calls("clEnqueueWriteBuffer"), 0);
  EXPECT_EQ(calls("clEnqueueCopyBuffer"), 0);
  EXPECT_GE(calls("clEnqueueMapBuffer"), 4);
  EXPECT_EQ(calls("clEnqueueMapBuffer"), calls("clEnqueueUnmapMemObject"));
}

TEST_F(GpuFailureTest, RunsThatAreNotWaitedForFailAsOthersDo) {
  const ModelFiles model = SmallModel();
  MaceEngineConfig config(GPU);
  ASSERT_TRUE(config.SetGPUStorage(GPU_DATA_FLOAT, GPU_MEMORY_BUFFER).ok());
  const std::vector<float> numbers = Numbers(60);
  std::shared_ptr<float> data(new float[60], std::default_delete<float[]>());
  std::copy(numbers.begin(), numbers.end(), data.get());
  const std::map<std::string, MaceTensor> inputs = {{"x", MaceTensor({1, 4, 3, 5}, data)}};
  int failures = 0;
  for (int number = 0; number < 40; number += 3) {
    Fail("", -1, 0);
    // Runs write these until the engine has ended.
    std::vector<std::map<std::string, MaceTensor>> outputs(3, {{"y", MaceTensor()}});
    std::vector<MaceStatus> told;
    MaceEngine engine(config);
    ASSERT_TRUE(
        engine.Init(model.graph.data(), model.graph.size(), {}, {}, model.data(), model.data_size)
            .ok());
    Fail("", number, 1);
    for (auto &output : outputs) {
      ASSERT_TRUE(
          engine
              .RunAsync(inputs, &output, [&](const MaceStatus &status) { told.push_back(status); })
              .ok());
    }
    if (number % 2 == 0) {
      const MaceStatus first = engine.Wait();
      for (size_t i = 0; i < told.size(); ++i) {
        if (!told[i].ok()) {
          EXPECT_FALSE(first.ok());
          EXPECT_FALSE(told[i].message().empty());
          ++failures;
          continue;
        }
        const float *result = outputs[i]["y"].data().get();
        ExpectRight(std::vector<float>(result, result + 72));
      }
      EXPECT_EQ(told.size(), 3u);
    }
    // The others end while runs are under way.
  }
  Fail("", -1, 0);
  EXPECT_GT(failures, 0);
  EXPECT_EQ(Live(), 0);
}

// Settled once for a process: in one of its own, before there are threads.
using GpuFailureDeathTest = GpuFailureTest;

TEST_F(GpuFailureDeathTest, CheckedKernelsStayWithinTheirMemory) {
  const auto checked = [] {
    setenv("MACE_OUT_OF_RANGE_CHECK", "1", 1);
    for (GPUMemoryType memory : {GPU_MEMORY_BUFFER, GPU_MEMORY_IMAGE}) {
      Options options;
      options.memory = memory;
      std::vector<float> output;
      const MaceStatus status = Use(options, &output);
      std::fprintf(stderr, "%s\n", status.message().c_str());
      if (!status.ok()) return 1;
      ExpectRight(output);
    }
    return testing::Test::HasFailure() ? 2 : 0;
  };
  EXPECT_EXIT(std::_Exit(checked()), testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace mace
