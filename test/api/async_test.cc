// SPDX-License-Identifier: Apache-2.0
// Runs that their caller does not wait for: order, results, failures, callbacks that begin runs or
// end the engine, engines that end while runs are left.
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "mace/public/mace_c.h"
#include "test/api/models.h"

namespace mace {
namespace test {
namespace {

using Tensors = std::map<std::string, MaceTensor>;

void ExpectOk(const MaceStatus &status) { EXPECT_TRUE(status.ok()) << status.information(); }

Tensors Inputs(float first) {
  return {{"input", FloatTensor({1, 8, 8, 3}, Numbers(192, first, 0.01f))}};
}

Tensors Outputs() { return {{"output", EmptyTensor({1, 5})}}; }

std::vector<float> Expected(const ModelFiles &files, float first) {
  Tensors outputs = Outputs();
  ExpectOk(MakeEngine(files)->Run(Inputs(first), &outputs));
  return Values(outputs["output"]);
}

// Holds the first callback back until it is opened, so that later runs are still to come.
class Gate {
 public:
  void Open() {
    std::lock_guard<std::mutex> lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  void Pass() {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [&] { return open_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
};

TEST(Async, RunsAreExecutedInTheirOrder) {
  const ModelFiles files = SmallNet();
  const auto engine = MakeEngine(files);
  ASSERT_NE(engine, nullptr);
  std::vector<Tensors> outputs;  // copies of a tensor would share its memory
  for (int i = 0; i < 6; ++i) outputs.push_back(Outputs());
  std::vector<int> order;
  Gate gate;
  for (int i = 0; i < 6; ++i) {
    // The inputs' memory is the engine's alone once the run is begun.
    ASSERT_MACE_OK(engine->RunAsync(Inputs(static_cast<float>(i)), &outputs[static_cast<size_t>(i)],
                                    [&, i](const MaceStatus &status) {
                                      ExpectOk(status);
                                      gate.Pass();
                                      order.push_back(i);
                                    }));
  }
  EXPECT_TRUE(order.empty()) << "RunAsync does not wait";
  gate.Open();
  ASSERT_MACE_OK(engine->Wait());
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3, 4, 5}));
  for (int i = 0; i < 6; ++i) {
    EXPECT_EQ(Values(outputs[static_cast<size_t>(i)]["output"]),
              Expected(files, static_cast<float>(i)));
  }
  ASSERT_MACE_OK(engine->Wait());
}

TEST(Async, ACallbackMayBeginTheNextRunButNotWait) {
  const auto engine = MakeEngine(SmallNet());
  ASSERT_NE(engine, nullptr);
  Tensors outputs = Outputs();
  int left = 5;
  MaceEngine::RunCallback again = [&](const MaceStatus &status) {
    ExpectOk(status);
    EXPECT_EQ(engine->Wait().code(), MaceStatus::MACE_INVALID_ARGS);
    if (--left > 0) ExpectOk(engine->RunAsync(Inputs(1), &outputs, again));
  };
  ASSERT_MACE_OK(engine->RunAsync(Inputs(1), &outputs, again));
  // The queue is not empty before the last callback has returned.
  ASSERT_MACE_OK(engine->Wait());
  EXPECT_EQ(left, 0);
}

TEST(Async, FailuresAreToldAndDoNotStopOthers) {
  const auto engine = MakeEngine(SmallNet());
  ASSERT_NE(engine, nullptr);
  Tensors outputs = Outputs();
  std::vector<MaceStatus> told;
  const auto tell = [&](const MaceStatus &status) { told.push_back(status); };
  ASSERT_MACE_OK(engine->RunAsync({}, &outputs, tell));
  ASSERT_MACE_OK(engine->RunAsync(Inputs(1), nullptr, tell));
  RunMetadata metadata;
  ASSERT_MACE_OK(engine->RunAsync(Inputs(1), &outputs, tell, &metadata));
  const MaceStatus first = engine->Wait();
  EXPECT_EQ(first.code(), MaceStatus::MACE_INVALID_ARGS);
  EXPECT_EQ(first.message(), "input 'input' is not given");
  ASSERT_EQ(told.size(), 3u);
  EXPECT_EQ(told[0].message(), first.message());
  EXPECT_EQ(told[1].message(), "the map of outputs is null");
  ExpectOk(told[2]);
  EXPECT_FALSE(metadata.op_stats.empty());
  ExpectOk(engine->Wait());  // a failure is told once
}

TEST(Async, AnEngineThatIsNotInitializedSaysSo) {
  MaceEngine engine{MaceEngineConfig()};
  Tensors outputs = Outputs();
  ASSERT_MACE_OK(engine.RunAsync(Inputs(1), &outputs));
  EXPECT_EQ(engine.Wait().message(), "the engine is not initialized");
}

TEST(Async, TheEndOfAnEngineWaits) {
  const ModelFiles files = SmallNet();
  std::vector<Tensors> outputs;
  for (int i = 0; i < 10; ++i) outputs.push_back(Outputs());
  std::atomic<int> told{0};
  {
    const auto engine = MakeEngine(files);
    ASSERT_NE(engine, nullptr);
    for (Tensors &each : outputs) {
      ASSERT_MACE_OK(engine->RunAsync(Inputs(2), &each, [&](const MaceStatus &) { ++told; }));
    }
  }
  EXPECT_EQ(told, 10);
  for (Tensors &each : outputs) EXPECT_EQ(Values(each["output"]), Expected(files, 2));
}

TEST(Async, ACallbackMayEndTheEngine) {
  std::shared_ptr<MaceEngine> engine = MakeEngine(SmallNet());
  ASSERT_NE(engine, nullptr);
  Tensors outputs = Outputs();
  Gate gate, ended;
  std::vector<MaceStatus> told;
  ASSERT_MACE_OK(engine->RunAsync(Inputs(1), &outputs, [&](const MaceStatus &) {
    gate.Pass();
    engine = nullptr;
    ended.Open();
  }));
  for (int i = 0; i < 2; ++i) {
    ASSERT_MACE_OK(engine->RunAsync(Inputs(1), &outputs,
                                    [&](const MaceStatus &status) { told.push_back(status); }));
  }
  gate.Open();
  ended.Pass();
  ASSERT_EQ(told.size(), 2u);
  for (const MaceStatus &status : told) EXPECT_EQ(status.code(), MaceStatus::MACE_RUNTIME_ERROR);
}

TEST(Async, RunsOfSeveralThreads) {
  const ModelFiles files = SmallNet();
  const auto engine = MakeEngine(files);
  ASSERT_NE(engine, nullptr);
  const std::vector<float> expected = Expected(files, 3);
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 20; ++i) {
        Tensors outputs = Outputs();
        if (t % 2 == 0) {
          wrong += !engine->Run(Inputs(3), &outputs).ok();
        } else {
          Gate done;
          wrong += !engine
                        ->RunAsync(Inputs(3), &outputs,
                                   [&](const MaceStatus &status) {
                                     wrong += !status.ok();
                                     done.Open();
                                   })
                        .ok();
          done.Pass();
        }
        wrong += Values(outputs["output"]) != expected;
      }
    });
  }
  for (std::thread &thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
  ExpectOk(engine->Wait());
}

struct Told {
  int successes = 0;
  std::string message;
};

void Tell(void *user, mace_code code, const char *message) {
  auto *told = static_cast<Told *>(user);
  if (code == 0) {
    ++told->successes;
  } else {
    told->message = message;
  }
}

TEST(Async, ThroughTheCInterface) {
  const ModelFiles files = AddOneModel();
  mace_engine *engine = nullptr;
  ASSERT_EQ(mace_engine_create(files.graph.data(), files.graph.size(), files.data(),
                               files.data_size, nullptr, nullptr, &engine),
            0)
      << mace_last_error();
  std::vector<float> in = Numbers(8), out(8);
  mace_tensor input, output;
  ASSERT_EQ(mace_engine_input(engine, 0, &input), 0);
  ASSERT_EQ(mace_engine_output(engine, 0, &output), 0);
  input.rank = 2;
  input.dims[0] = 2;
  input.dims[1] = 4;
  input.data = in.data();
  output.data = out.data();
  input.bytes = output.bytes = 32;
  Told told;
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(mace_engine_run_async(engine, &input, 1, &output, 1, nullptr, Tell, &told), 0);
  }
  ASSERT_EQ(mace_engine_wait(engine), 0) << mace_last_error();
  EXPECT_EQ(told.successes, 3);
  EXPECT_EQ(told.message, "");
  EXPECT_EQ(out[5], in[5] + 1);
  EXPECT_EQ(output.dims[0], 2);
  mace_tensor small = output;
  small.bytes = 8;
  ASSERT_EQ(mace_engine_run_async(engine, &input, 1, &small, 1, nullptr, Tell, &told), 0);
  EXPECT_EQ(mace_engine_wait(engine), MaceStatus::MACE_INVALID_ARGS);
  EXPECT_EQ(told.message, mace_last_error());
  EXPECT_EQ(mace_engine_run_async(nullptr, &input, 1, &output, 1, nullptr, Tell, &told),
            MaceStatus::MACE_INVALID_ARGS);
  EXPECT_EQ(mace_engine_wait(nullptr), MaceStatus::MACE_INVALID_ARGS);
  // The end waits for what is left.
  ASSERT_EQ(mace_engine_run_async(engine, &input, 1, &output, 1, nullptr, Tell, &told), 0);
  mace_engine_destroy(engine);
  EXPECT_EQ(told.successes, 4);
}

}  // namespace
}  // namespace test
}  // namespace mace
