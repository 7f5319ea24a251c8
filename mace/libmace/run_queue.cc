// SPDX-License-Identifier: Apache-2.0
// Runs of one engine that its caller does not wait for.
#include "mace/libmace/run_queue.h"

#include <pthread.h>

#include <condition_variable>
#include <cstring>
#include <deque>
#include <memory>
#include <mutex>
#include <utility>

#include "mace/core/engine_parts.h"

namespace mace {

struct RunQueue::State {
  struct Task {
    Run run;
    Done done;
  };
  std::mutex mutex;
  std::condition_variable work, idle;
  std::deque<Task> tasks;
  bool busy = false;   // with a run that is no longer among the tasks
  bool ended = false;  // no more are taken
  MaceStatus failure;
  bool started = false;
  pthread_t thread{};

  bool OnThread() const { return started && pthread_equal(pthread_self(), thread) != 0; }
};

void *RunQueue::Execute(void *given) {
  // The queue may end while a callback is on the way.
  const std::unique_ptr<std::shared_ptr<State>> share(static_cast<std::shared_ptr<State> *>(given));
  State &state = **share;
  std::unique_lock<std::mutex> lock(state.mutex);
  for (;;) {
    state.work.wait(lock, [&] { return state.ended || !state.tasks.empty(); });
    if (state.tasks.empty()) return nullptr;
    State::Task task = std::move(state.tasks.front());
    state.tasks.pop_front();
    state.busy = true;
    lock.unlock();
    const MaceStatus status = task.run();
    task.run = nullptr;
    if (task.done) task.done(status);
    task.done = nullptr;
    lock.lock();
    state.busy = false;
    if (!status.ok() && state.failure.ok()) state.failure = status;
    if (state.tasks.empty()) state.idle.notify_all();
  }
}

// Each function asks for the part first, so that a library without it has none of the rest.
RunQueue::RunQueue() : state_(kEngineParts.async ? std::make_shared<State>() : nullptr) {}

MaceStatus RunQueue::Add(Run run, Done done) {
  if (!kEngineParts.async) {
    return Unsupported("this library of chosen models has no runs in the background: run without ",
                       "one, or build it with the part 'async'");
  }
  State &state = *state_;
  std::lock_guard<std::mutex> lock(state.mutex);
  if (state.ended) return InvalidArgs("the engine is ending and takes no more runs");
  if (!state.started) {
    auto share = std::make_unique<std::shared_ptr<State>>(state_);
    const int error = pthread_create(&state.thread, nullptr, Execute, share.get());
    if (error != 0) {
      return OutOfResources("the thread for runs could not be started: ", std::strerror(error),
                            "; run without one");
    }
    share.release();
    state.started = true;
  }
  state.tasks.push_back({std::move(run), std::move(done)});
  state.work.notify_one();
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus RunQueue::Wait() {
  if (!kEngineParts.async) return MaceStatus::MACE_SUCCESS;
  State &state = *state_;
  std::unique_lock<std::mutex> lock(state.mutex);
  if (state.OnThread()) {
    return InvalidArgs("the callback of a run cannot wait for runs: its own has not ended");
  }
  state.idle.wait(lock, [&] { return !state.busy && state.tasks.empty(); });
  return std::exchange(state.failure, MaceStatus());
}

void RunQueue::End() {
  if (!kEngineParts.async) return;
  State &state = *state_;
  std::unique_lock<std::mutex> lock(state.mutex);
  if (state.ended) return;
  state.ended = true;
  if (!state.started) return;
  if (!state.OnThread()) {
    state.work.notify_one();
    lock.unlock();
    pthread_join(state.thread, nullptr);
    return;
  }
  pthread_detach(state.thread);
  const std::deque<State::Task> left = std::exchange(state.tasks, {});
  lock.unlock();
  for (const State::Task &task : left) {
    if (task.done) task.done(RuntimeError("the engine ended before this run began"));
  }
}

}  // namespace mace
