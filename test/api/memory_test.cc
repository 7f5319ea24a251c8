// SPDX-License-Identifier: Apache-2.0
// Memory that runs out at each place where it is asked for, limits, and engines made many times.
#include <atomic>
#include <limits>

#include "mace/base/allocator.h"
#include "mace/base/status.h"
#include "test/api/models.h"

namespace mace {
namespace test {
namespace {

using Tensors = std::map<std::string, MaceTensor>;

std::atomic<int> allocations_left{std::numeric_limits<int>::max()};

bool Allow(size_t) { return allocations_left.fetch_sub(1) > 0; }

// Everything from reading to the second of two shapes; the first failure is returned.
MaceStatus Use(const ModelFiles &files, int64_t rows) {
  MaceEngine engine((MaceEngineConfig()));
  MACE_RETURN_IF_ERROR(InitEngine(files, &engine));
  const MaceTensorInfo &info = engine.inputs()[0];
  for (int64_t factor : {1, 100}) {
    std::vector<int64_t> shape = info.shape;
    if (shape[0] == -1) shape[0] = rows * factor;
    int64_t elements = 1;
    for (int64_t dim : shape) elements *= dim;
    const Tensors inputs = {
        {info.name, FloatTensor(shape, Numbers(static_cast<size_t>(elements)))}};
    Tensors outputs = {{engine.outputs()[0].name, EmptyTensor({1000, 4})}};
    MACE_RETURN_IF_ERROR(engine.Run(inputs, &outputs));
  }
  return MaceStatus::MACE_SUCCESS;
}

TEST(Memory, FailureAtEachAllocationIsAStatus) {
  for (const ModelFiles &files : {SmallNet(), AddOneModel(), ManyOutputsModel()}) {
    int failures = 0;
    for (int allowed = 0; allowed < 100; ++allowed) {
      allocations_left = allowed;
      SetAllocationHook(Allow);
      const MaceStatus status = Use(files, 2);
      SetAllocationHook(nullptr);
      if (status.code() != MaceStatus::MACE_OUT_OF_RESOURCES) break;
      ++failures;
    }
    EXPECT_GE(failures, 1);
    EXPECT_LT(failures, 100);
  }
}

TEST(Memory, EngineWorksAgainAfterItRanOut) {
  const ModelFiles files = AddOneModel();
  const auto engine = MakeEngine(files);
  ASSERT_NE(engine, nullptr);
  Tensors outputs = {{"output", EmptyTensor({1000, 4})}};
  const Tensors inputs = {{"input", FloatTensor({1000, 4}, Numbers(4000))}};
  allocations_left = 0;
  SetAllocationHook(Allow);
  EXPECT_TRUE(Fails(engine->Run(inputs, &outputs), MaceStatus::MACE_OUT_OF_RESOURCES, "bytes"));
  SetAllocationHook(nullptr);
  ASSERT_MACE_OK(engine->Run(inputs, &outputs));
  EXPECT_EQ(Values(outputs["output"]), Numbers(4000, 1));
}

// input -> big intermediate -> small output
ModelFiles WideModel() {
  ModelBuilder builder;
  builder.Input("input", {-1, 4})
      .Output("output", {-1, 4})
      .Constant<int32_t>("repeats", {2}, {1, 100})
      .Op("Tile", "tile", {"input", "repeats"}, {"wide"})
      .Op("Transpose", "transpose", {"wide"}, {"turned"}, {IntsArg("dims", {1, 0})})
      .Op("Softmax", "softmax", {"turned"}, {"soft"})
      .Op("Transpose", "back", {"soft"}, {"again"}, {IntsArg("dims", {1, 0})})
      .Op("Slice", "slice", {"again", "starts", "ends", "axes"}, {"output"})
      .Constant<int32_t>("starts", {1}, {0})
      .Constant<int32_t>("ends", {1}, {4})
      .Constant<int32_t>("axes", {1}, {1});
  return builder.Build();
}

TEST(Memory, LimitOfActivations) {
  MaceEngineConfig config;
  ASSERT_MACE_OK(config.SetMemoryLimit(10000));
  const ModelFiles files = WideModel();
  const auto engine = MakeEngine(files, config);
  ASSERT_NE(engine, nullptr);
  Tensors outputs = {{"output", EmptyTensor({100, 4})}};
  ASSERT_MACE_OK(engine->Run({{"input", FloatTensor({1, 4}, Numbers(4))}}, &outputs));
  EXPECT_LE(engine->memory_usage().arena, 10000u);
  EXPECT_TRUE(Fails(engine->Run({{"input", FloatTensor({100, 4}, Numbers(400))}}, &outputs),
                    MaceStatus::MACE_OUT_OF_RESOURCES, "10000"));
  ASSERT_MACE_OK(engine->Run({{"input", FloatTensor({2, 4}, Numbers(8))}}, &outputs));
}

// With 32-bit addresses such a shape is not one at all.
constexpr MaceStatus::Code kTooLarge =
    sizeof(size_t) == 8 ? MaceStatus::MACE_OUT_OF_RESOURCES : MaceStatus::MACE_INVALID_ARGS;

TEST(Memory, ShapesBeyondTheMachineAreRefused) {
  ModelBuilder builder;
  builder.Input("input", {1})
      .Output("output", {1})
      .Constant<int64_t>("huge", {2}, {int64_t{1} << 30, int64_t{1} << 29})
      .Op("Expand", "expand", {"input", "huge"}, {"wide"})
      .Op("Reduce", "reduce", {"wide"}, {"output"}, {StringArg("reduce_type", "SUM")});
  const ModelFiles files = builder.Build();
  MaceEngine engine((MaceEngineConfig()));
  EXPECT_EQ(InitEngine(files, &engine), kTooLarge);

  ModelBuilder constant;
  constant.Output("output", {-1, -1})
      .Constant<int64_t>("huge", {2}, {int64_t{1} << 30, int64_t{1} << 29})
      .Op("Fill", "fill", {"huge"}, {"output"});
  const ModelFiles constant_files = constant.Build();
  MaceEngine other((MaceEngineConfig()));
  EXPECT_EQ(InitEngine(constant_files, &other), kTooLarge);
}

TEST(Memory, ManyEngines) {
  // Leaks are found by the address sanitizer.
  const ModelFiles files = SmallNet();
  for (int i = 0; i < 50; ++i) {
    MaceEngineConfig config;
    ASSERT_MACE_OK(config.SetCPUThreadPolicy(1 + i % 3, AFFINITY_NONE));
    const auto engine = MakeEngine(files, config);
    ASSERT_NE(engine, nullptr);
    Tensors outputs = {{"output", EmptyTensor({1, 5})}};
    ASSERT_MACE_OK(engine->Run({{"input", FloatTensor({1, 8, 8, 3}, Numbers(192))}}, &outputs));
  }
}

}  // namespace
}  // namespace test
}  // namespace mace
