// SPDX-License-Identifier: Apache-2.0
// What the GPU runtime does where a driver has extensions: hints of power and priority, and kernels
// recorded as a list. Where a driver refuses what it claims to have, all works without.
#include <dlfcn.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "mace/core/model_builder.h"
#include "mace/public/mace.h"

namespace mace {
namespace {

class GpuExtensionsTest : public testing::Test {
 protected:
  void SetUp() override {
    setenv("MACE_OPENCL_DEVICE", "Portable Computing Language", 0);
    setenv("MACE_OPENCL_RECORD", "1", 1);
    const char *library = std::getenv("CLAIMING_OPENCL");
    ASSERT_NE(library, nullptr);
    setenv("MACE_OPENCL_LIBRARY", library, 1);
    void *handle = dlopen(library, RTLD_LAZY);
    ASSERT_NE(handle, nullptr) << dlerror();
    Claim = reinterpret_cast<void (*)(const char *, const char *)>(dlsym(handle, "Claim"));
    Hint = reinterpret_cast<int64_t (*)(int64_t)>(dlsym(handle, "ClaimedHint"));
    Launches = reinterpret_cast<int (*)()>(dlsym(handle, "ClaimedLaunches"));
    Replays = reinterpret_cast<int (*)()>(dlsym(handle, "ClaimedReplays"));
    Recordings = reinterpret_cast<int (*)()>(dlsym(handle, "ClaimedRecordings"));
    Claim("", "");
  }
  // Two kernels, three runs; the second run with statistics when that is wanted.
  void Use(MaceEngineConfig config, bool statistics = false) {
    ModelBuilder builder;
    builder.Input("x", {1, 4, 3, 8}, DT_FLOAT, NHWC).Output("y", {}, DT_FLOAT);
    builder.Op("Activation", "first", {"x"}, {"a"}, {StringArg("activation", "RELU")});
    builder.Op("Eltwise", "second", {"a", "x"}, {"y"}, {StringArg("type", "SUM")});
    const ModelFiles model = builder.Build();
    ASSERT_TRUE(config.SetGPUStorage(GPU_DATA_FLOAT, GPU_MEMORY_BUFFER).ok());
    MaceEngine engine(config);
    const MaceStatus made =
        engine.Init(model.graph.data(), model.graph.size(), {}, {}, model.data(), model.data_size);
    ASSERT_TRUE(made.ok()) << made.information();
    for (int round = 0; round < 3; ++round) {
      std::shared_ptr<float> data(new float[96], std::default_delete<float[]>());
      for (int i = 0; i < 96; ++i) data.get()[i] = static_cast<float>(i * (round + 1) % 19 - 9);
      std::map<std::string, MaceTensor> outputs = {{"y", MaceTensor()}};
      RunMetadata metadata;
      const MaceStatus status = engine.Run({{"x", MaceTensor({1, 4, 3, 8}, data)}}, &outputs,
                                           statistics && round == 1 ? &metadata : nullptr);
      ASSERT_TRUE(status.ok()) << status.information();
      EXPECT_EQ(metadata.op_stats.size(), statistics && round == 1 ? 2u : 0u);
      for (int i = 0; i < 96; ++i) {
        const float x = data.get()[i];
        ASSERT_EQ(outputs["y"].data().get()[i], x > 0 ? 2 * x : x) << "round " << round;
      }
    }
  }
  void (*Claim)(const char *, const char *) = nullptr;
  int64_t (*Hint)(int64_t) = nullptr;
  int (*Launches)() = nullptr;
  int (*Replays)() = nullptr;
  int (*Recordings)() = nullptr;
};

// Properties, and their values for LOW, NORMAL and HIGH, as the extensions define them.
constexpr int64_t kQcomPerf = 0x40C2, kQcomPriority = 0x40C9, kKhrPriority = 0x1096;
constexpr int64_t kPerf[] = {0x40C5, 0x40C4, 0x40C3}, kPriority[] = {0x40CC, 0x40CB, 0x40CA};
constexpr int64_t kKhr[] = {4, 2, 1};

TEST_F(GpuExtensionsTest, HintsReachTheDriverThatTakesThem) {
  for (int hint = 1; hint <= 3; ++hint) {
    MaceEngineConfig config(GPU);
    ASSERT_TRUE(
        config.SetGPUHints(static_cast<GPUPerfHint>(hint), static_cast<GPUPriorityHint>(hint))
            .ok());
    Claim("cl_qcom_perf_hint cl_qcom_priority_hint", "");
    Use(config);
    EXPECT_EQ(Hint(kQcomPerf), kPerf[hint - 1]);
    EXPECT_EQ(Hint(kQcomPriority), kPriority[hint - 1]);
    EXPECT_EQ(Hint(kKhrPriority), 0);
    Claim("cl_khr_priority_hints", "");
    Use(config);
    EXPECT_EQ(Hint(kQcomPerf), 0);
    EXPECT_EQ(Hint(kKhrPriority), kKhr[hint - 1]);
    Claim("", "");
    Use(config);
    EXPECT_EQ(Hint(kQcomPerf) + Hint(kQcomPriority) + Hint(kKhrPriority), 0);
  }
}

TEST_F(GpuExtensionsTest, DefaultHintsAreNone) {
  Claim("cl_qcom_perf_hint cl_qcom_priority_hint cl_khr_priority_hints", "");
  MaceEngineConfig config(GPU);
  ASSERT_TRUE(config.SetGPUHints(PERF_DEFAULT, PRIORITY_DEFAULT).ok());
  Use(config);
  EXPECT_EQ(Hint(kQcomPerf) + Hint(kQcomPriority) + Hint(kKhrPriority), 0);
}

TEST_F(GpuExtensionsTest, HintsThatAreRefusedAreLeftOut) {
  for (const char *function : {"clCreateContext", "clCreateCommandQueueWithProperties"}) {
    Claim("cl_qcom_perf_hint cl_qcom_priority_hint cl_khr_priority_hints", function);
    Use(MaceEngineConfig(GPU));
  }
}

TEST_F(GpuExtensionsTest, KernelsAreRecordedAndReplayed) {
  for (const char *extension : {"", "cl_qcom_recordable_queues"}) {
    SCOPED_TRACE(extension);  // PoCL itself has cl_khr_command_buffer
    Claim(extension, "");
    Use(MaceEngineConfig(GPU));
    EXPECT_EQ(Replays(), 3);
    EXPECT_EQ(Launches(), 0);
    EXPECT_EQ(Recordings(), 0) << "given back";
    // Statistics are of single launches.
    Claim(extension, "");
    Use(MaceEngineConfig(GPU), true);
    EXPECT_EQ(Replays(), 2);
    EXPECT_EQ(Launches(), 2);
  }
}

TEST_F(GpuExtensionsTest, RecordingsThatFailAreLeftOut) {
  const struct {
    const char *extension, *function;
    int replays;  // of the other extension, which PoCL has
  } cases[] = {{"", "clCreateCommandBufferKHR", 0},
               {"", "clEnqueueCommandBufferKHR", 0},
               {"cl_qcom_recordable_queues", "clNewRecordingQCOM", 3},
               {"cl_qcom_recordable_queues", "clEndRecordingQCOM", 0},
               {"cl_qcom_recordable_queues", "clEnqueueRecordingQCOM", 0}};
  for (const auto &each : cases) {
    SCOPED_TRACE(each.function);
    Claim(each.extension, each.function);
    Use(MaceEngineConfig(GPU));
    EXPECT_EQ(Replays(), each.replays);
    EXPECT_EQ(Launches(), each.replays > 0 ? 0 : 6);
    EXPECT_EQ(Recordings(), 0);
  }
}

TEST_F(GpuExtensionsTest, RecordingIsNotForAllDevices) {
  setenv("MACE_OPENCL_RECORD", "", 1);  // PoCL gains nothing
  Claim("", "");
  Use(MaceEngineConfig(GPU));
  EXPECT_EQ(Replays(), 0);
  setenv("MACE_OPENCL_RECORD", "0", 1);
  Claim("cl_qcom_recordable_queues", "");
  Use(MaceEngineConfig(GPU));
  EXPECT_EQ(Replays(), 0);
  EXPECT_EQ(Launches(), 6);
}

}  // namespace
}  // namespace mace
