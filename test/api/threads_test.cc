// SPDX-License-Identifier: Apache-2.0
// Several engines in several threads, one engine used by several, and results that do not depend on
// the number of threads.
#include <atomic>
#include <thread>

#include "test/api/models.h"

namespace mace {
namespace test {
namespace {

using Tensors = std::map<std::string, MaceTensor>;

std::vector<float> RunSmallNet(MaceEngine *engine, float first) {
  Tensors outputs = {{"output", EmptyTensor({1, 5})}};
  const MaceStatus status =
      engine->Run({{"input", FloatTensor({1, 8, 8, 3}, Numbers(192, first, 0.01f))}}, &outputs);
  EXPECT_TRUE(status.ok()) << status.information();
  return Values(outputs["output"]);
}

TEST(Threads, SeveralEngines) {
  const ModelFiles files = SmallNet();
  const std::vector<float> expected = RunSmallNet(MakeEngine(files).get(), -1);
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      MaceEngineConfig config;
      EXPECT_TRUE(config.SetCPUThreadPolicy(1 + t % 2, AFFINITY_NONE).ok());
      const auto engine = MakeEngine(files, config);
      for (int i = 0; i < 20; ++i) wrong += RunSmallNet(engine.get(), -1) != expected;
    });
  }
  for (std::thread &thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

TEST(Threads, OneEngineFromSeveral) {
  const ModelFiles files = SmallNet();
  const auto engine = MakeEngine(files);
  ASSERT_NE(engine, nullptr);
  std::vector<std::vector<float>> expected;
  for (int t = 0; t < 4; ++t) {
    expected.push_back(RunSmallNet(engine.get(), static_cast<float>(t)));
  }
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 20; ++i) {
        wrong +=
            RunSmallNet(engine.get(), static_cast<float>(t)) != expected[static_cast<size_t>(t)];
      }
    });
  }
  for (std::thread &thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

TEST(Threads, ShapesAndMemoryFiguresFromSeveral) {
  const ModelFiles files = AddOneModel();
  const auto engine = MakeEngine(files);
  ASSERT_NE(engine, nullptr);
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int64_t t = 1; t <= 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 50; ++i) {
        const std::vector<float> values = Numbers(static_cast<size_t>(t) * 40);
        Tensors outputs = {{"output", EmptyTensor({t * 10, 4})}};
        const MaceStatus status =
            engine->Run({{"input", FloatTensor({t * 10, 4}, values)}}, &outputs);
        wrong += !status.ok() || Values(outputs["output"])[5] != 6;
        wrong += engine->memory_usage().arena == 0;
        wrong += engine->outputs().size() != 1;
      }
    });
  }
  for (std::thread &thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

TEST(Threads, ResultsDoNotDependOnTheirNumber) {
  const ModelFiles files = SmallNet();
  const std::vector<float> expected = RunSmallNet(MakeEngine(files).get(), 0.3f);
  for (int threads : {1, 2, 3, 5}) {
    MaceEngineConfig config;
    ASSERT_MACE_OK(config.SetCPUThreadPolicy(threads, AFFINITY_NONE));
    EXPECT_EQ(RunSmallNet(MakeEngine(files, config).get(), 0.3f), expected) << threads;
  }
}

}  // namespace
}  // namespace test
}  // namespace mace
